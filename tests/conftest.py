"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no reason for a property to fail; where merging hangs on it, the examples are
# the same every time, and new ones are looked for on people's own machines.
settings.register_profile("patient", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("patient")

ROOT = Path(__file__).parents[1]
RECORDINGS = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Real recorded listings, where they are at hand; other people's text is not in the repo."""
    if not RECORDINGS.is_dir():
        pytest.skip("no recorded listings beside the checkout (../shared/data)")
    return RECORDINGS


@pytest.fixture
def now() -> datetime:
    """A fixed Wednesday morning."""
    return datetime(2026, 6, 10, 7, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    """An empty database at the newest schema."""
    from digest.store import open_store

    store = open_store(tmp_path / "digest.db")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def application(tmp_path, now):
    """An application in a folder of its own, at a fixed moment; `moment[0]` may be moved."""
    from digest.app import App
    from digest.config import load

    moment = [now]
    settings = load(
        ROOT / "config" / "digest.toml",
        environment={},
        overrides={
            "db": str(tmp_path / "digest.db"),
            "smtp.url": f"maildir:{tmp_path / 'maildir'}",
            "site.url": "https://digest.example",
            "mail.from": "digest@digest.example",
            "worker.publish": str(tmp_path / "public"),
            "keep.backups": str(tmp_path / "backups"),
        },
    )
    with App(settings, clock=lambda: moment[0]) as app:
        app.create()
        app.moment = moment
        yield app
