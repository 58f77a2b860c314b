"""What a browser makes of the mails: nothing sticks out of a small screen."""

import html
import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from digest import demo

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed"),
]

NOW = datetime(2026, 6, 11, 7, tzinfo=UTC)

FRAME = """<!doctype html><body><iframe id="f" style="width:{width}px;height:900px;border:0"
 srcdoc="{page}"></iframe><pre id="out"></pre><script>
window.onload = () => {{
  const page = document.getElementById("f").contentDocument.documentElement;
  document.getElementById("out").textContent = "WIDTH=" + page.scrollWidth;
}};</script>"""


@pytest.mark.parametrize("width", [320, 700])
@pytest.mark.parametrize("reader", ["ada", "noor", "tomas"])
def test_a_mail_fits_the_screen(tmp_path, width, reader):
    for _ in demo.run(tmp_path, live=False, now=NOW):
        pass
    mail = (tmp_path / "emails" / f"2026-06-11-{reader}.html").read_text("utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width, page=html.escape(mail)), "utf-8")
    ran = subprocess.run(
        [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            frame.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert f"WIDTH={width}<" in ran.stdout
