"""What SpamAssassin, with its own rules and no network, makes of a digest."""

import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow

RULE = re.compile(r"^\s*(-?\d+\.\d+) ([A-Z][A-Z0-9_]+) ", re.MULTILINE)
HIGHEST = 0.1


def test_no_rule_finds_fault_with_our_mail(digest):
    if shutil.which("spamassassin") is None:
        pytest.skip("spamassassin is not installed")
    digest.ready(1)
    assert digest("deliver", "--date", "2026-06-11").code == 0
    (mail,) = (digest.folder / "maildir" / "new").iterdir()

    report = subprocess.run(
        ["spamassassin", "-L", "-t"],
        input=mail.read_bytes(),
        check=True,
        capture_output=True,
        timeout=120,
        env={"HOME": str(digest.folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    ).stdout.decode(errors="replace")

    rules = {name: float(score) for score, name in RULE.findall(report)}
    assert "HTML_MESSAGE" in rules, report[-2000:]
    assert {name for name, score in rules.items() if score > HIGHEST} == set()
