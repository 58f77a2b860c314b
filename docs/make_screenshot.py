"""Make docs/digest.png: run the demo and photograph one of its emails in headless Chromium.

Usage: python docs/make_screenshot.py [OUT.png]. Needs Chromium on the PATH.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from digest import demo

WIDTH, HEIGHT = 760, 1500
NOW = datetime(2026, 6, 11, 7, tzinfo=UTC)
MAIL = "2026-06-11-ada.html"


def photograph(page: Path, out: Path, *, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Write a picture of a local page; raises RuntimeError without Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise RuntimeError("Chromium is not installed")
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--force-device-scale-factor=1",
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--screenshot={out}",
                page.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


def main() -> None:
    """Run the demo in a temporary folder and photograph Ada's digest."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("digest.png")
    with tempfile.TemporaryDirectory() as folder:
        for _ in demo.run(Path(folder), live=False, now=NOW):
            pass
        photograph(Path(folder, "emails", MAIL), out)
    print(f"Wrote {out}")


if __name__ == "__main__":
    main()
