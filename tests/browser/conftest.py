"""A site that runs, and a real browser before it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "digest" / "sample" / "arxiv-2026-06-11.xml"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
ADA = "ada@digest.example"
SECRET = "an operator's secret"
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 320, "height": 640}


@dataclass(frozen=True)
class Running:
    """`digest web` in a process of its own."""

    url: str
    folder: Path

    def mails(self, address: str) -> list[EmailMessage]:
        """What was sent to an address, oldest first."""
        files = sorted(
            (self.folder / "maildir").rglob("new/*"), key=lambda each: each.stat().st_mtime_ns
        )
        read = (message_from_bytes(each.read_bytes(), policy=policy.default) for each in files)
        return [each for each in read if address in str(each["to"])]

    def link(self, address: str, path: str, seconds: float = 20) -> str:
        """The first link to `path` in the newest mail to an address that has one, as a path."""
        pattern = re.compile(rf"https?://[^/\s]+(/{path}[^\s\"<>/]*)")
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for mail in reversed(self.mails(address)):
                found = pattern.search(mail.get_body(("plain",)).get_content())
                if found:
                    return found[1]
            time.sleep(0.1)
        pytest.fail(f"no mail to {address} has a link to /{path}")


@pytest.fixture(scope="session")
def site(tmp_path_factory, free_port) -> Iterator[Running]:
    """Yesterday's papers, a reader who is also a curator, and the web process."""
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    environment = {key: each for key, each in os.environ.items() if not key.startswith("DIGEST_")}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "DIGEST_DB": str(folder / "digest.db"),
        "DIGEST_SMTP_URL": f"maildir:{folder / 'maildir'}",
        "DIGEST_MAIL_FROM": "digest@digest.example",
        "DIGEST_SITE_URL": f"http://127.0.0.1:{port}",
        "DIGEST_WEB_PORT": str(port),
        "DIGEST_WEB_OPERATOR": SECRET,
        "DIGEST_WEB_SIGNUPS": "1000",
        "DIGEST_COMMUNITY_CURATORS": ADA,
        "DIGEST_INBOUND_DOMAIN": "digest.example",
    }

    def digest(*words: object) -> None:
        command = [sys.executable, "-m", "digest", *map(str, words)]
        subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, timeout=120
        )

    digest("init")
    digest("fetch", "arxiv", "--from", SAMPLE, "--at", YESTERDAY)
    digest("subscribe", ADA, "--topic", "cs.IR", "--topic", "cs.LG", "--confirmed")
    digest("deliver", "--date", YESTERDAY)
    with (folder / "web.log").open("wb") as log:
        web = subprocess.Popen(
            [sys.executable, "-m", "digest", "web"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield Running(f"http://127.0.0.1:{port}", folder)
    web.terminate()
    web.wait(20)


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium, site) -> Iterator[Callable[..., object]]:
    """Open a page: `browse(script=False, size=NARROW)`; errors on a page fail the test."""
    contexts, errors = [], []

    def open_page(*, script: bool = True, size: dict[str, int] = WIDE, dark: bool = False):
        context = chromium.new_context(
            base_url=site.url,
            java_script_enabled=script,
            viewport=size,
            timezone_id="Europe/Prague",
            color_scheme="dark" if dark else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                None
                if message.type != "error" or "status of 404" in message.text
                else errors.append(message.text)
            ),
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((site.url, "data:", "blob:"))
                else errors.append(f"asked a third party: {request.url}")
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(scope="session")
def axe() -> Callable[[object], list[str]]:
    """What axe-core finds on a page, in words; DIGEST_AXE names its axe.min.js."""
    path = os.environ.get("DIGEST_AXE", "")
    if not path or not Path(path).is_file():
        pytest.skip("axe-core is not at hand: DIGEST_AXE=…/node_modules/axe-core/axe.min.js")
    source = Path(path).read_text(encoding="utf-8")

    def check(page) -> list[str]:
        page.evaluate(source)
        found = page.evaluate("axe.run()")
        return [
            f"{each['id']}: {node['html'][:120]} ({node.get('failureSummary', '')[:200]})"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    return check
