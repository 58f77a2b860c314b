"""Fixtures that every room's tests share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

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
