"""Tidy: the nightly work beside reconciling: forget what policy no longer keeps, and back up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from digest.ports import Ranker, Store

# Nightly copies alone: whatever else lies in the folder was put there by hand.
DIGIT = "[0-9]"
NIGHTLY = f"digest-{DIGIT * 4}-{DIGIT * 2}-{DIGIT * 2}.db"

# Days. A paper that is gone is new to us when it is announced again: who had it would get it twice.
LONGER_THAN_DIGESTS = 60


def prune(
    store: Store, *, now: datetime, papers: int, digests: int, logs: int, evidence: int, soft: int
) -> dict[str, int]:
    """Delete what is older than so many days; returns deleted rows by table.

    `soft` is for soft bounces, which are kept no shorter than other evidence; papers are kept for
    60 days longer than digests at least.
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
    """Forget what was kept of readers for rankers or spaces that are gone; returns how many.

    A ranker that comes back makes it anew, so nothing is lost.
    """
    return store.spaces.forget_tastes(getattr(each, "keeps", "") for each in rankers)


def backup(store: Store, folder: Path, *, now: datetime, keep: int) -> Path:
    """Copy the database into the folder under today's date; of such copies the newest `keep` stay.

    What is left of one that was cut off goes first: it takes as much room as a whole one.
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
