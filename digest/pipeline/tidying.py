"""Tidy: delete nightly what is no longer kept, and back up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from digest.ports import Ranker, Store

# Only nightly copies are removed: other files in the folder were put there by hand.
DIGIT = "[0-9]"
NIGHTLY = f"digest-{DIGIT * 4}-{DIGIT * 2}-{DIGIT * 2}.db"

# Days. A deleted paper that is announced again counts as new, and would be sent to a reader twice.
LONGER_THAN_DIGESTS = 60


def prune(
    store: Store, *, now: datetime, papers: int, digests: int, logs: int, evidence: int, soft: int
) -> dict[str, int]:
    """Delete what is older than so many days; returns deleted rows by table.

    `soft` is for soft bounces. Papers are kept at least 60 days longer than digests.
    """
    papers = max(papers, digests + LONGER_THAN_DIGESTS)
    return store.prune(
        papers_before=(now - timedelta(days=papers)).date(),
        digests_before=(now - timedelta(days=digests)).date(),
        logs_before=now - timedelta(days=logs),
        evidence_before=now - timedelta(days=evidence),
        soft_before=now - timedelta(days=soft),
    )


def forget_tastes(store: Store, rankers: Iterable[Ranker]) -> int:
    """Forget tastes kept for rankers or spaces that are gone; returns how many.

    A ranker that comes back learns them anew, so nothing is lost.
    """
    return store.spaces.forget_tastes(getattr(each, "keeps", "") for each in rankers)


def backup(store: Store, folder: Path, *, now: datetime, keep: int) -> Path:
    """Copy the database into the folder under today's date; the newest `keep` copies stay.

    Partial copies left by an interrupted backup are removed first, since each is as large as a
    whole one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for rest in folder.glob(f"{NIGHTLY}.partial*"):
        rest.unlink(missing_ok=True)
    target = backup_path(folder, now)
    store.backup(target)
    for old in sorted(folder.glob(NIGHTLY), reverse=True)[max(keep, 1) :]:
        old.unlink(missing_ok=True)
    return target


def backup_path(folder: Path, now: datetime) -> Path:
    """Where a backup made now goes; a second one on the same day replaces the first."""
    return folder / f"digest-{now:%Y-%m-%d}.db"
