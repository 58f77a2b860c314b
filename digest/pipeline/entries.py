"""Feed entries of papers: when each was announced and revised, its votes, its voices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from digest.model import Announcement, AnnounceType, Paper, Voice
from digest.ports import Store
from digest.ranking import trending
from digest.rendering.feeds import FeedEntry

Found = Sequence[tuple[Paper, Announcement]]


def announced(store: Store, papers: Iterable[Paper]) -> Found:
    """Papers with the first announcement of each; those never announced are left out."""
    wanted = {paper.id: paper for paper in papers}
    news = store.papers.announcements(wanted)
    firsts = ((wanted[paper_id], _first(found)) for paper_id, found in news.items())
    return [(paper, first) for paper, first in firsts if first is not None]


def entries_of(store: Store, found: Found, *, lasting: bool = False) -> list[FeedEntry]:
    """Entries of papers dated by these announcements, in the order that every document keeps.

    A `lasting` entry names no votes and nobody who speaks for a paper: people may take those back.
    """
    ids = [paper.id for paper, _ in found]
    announcements = store.papers.announcements(ids)
    upvotes = None if lasting else _upvotes(store, ids)
    voices = {} if lasting else store.community.voices(ids)
    entries = [
        FeedEntry(
            paper=paper,
            seen_at=first.seen_at,
            updated=updated(first.seen_at, announcements.get(paper.id, ())),
            announce=first.type,
            upvotes=None if upvotes is None else upvotes.get(paper.id, 0),
            voices=tuple(voices.get(paper.id, ())),
        )
        for paper, first in found
    ]
    return sorted(entries, key=_newest_first)


def picked(store: Store, since: datetime) -> list[FeedEntry]:
    """What curators featured since then, dated by when they did."""
    said = store.community.voices(store.community.featured(since))
    found = store.papers.get(key for key, heard in said.items() if heard)
    papers = {paper.id: paper for paper in found.values()}
    # It may have been featured by a DOI before it came with an arXiv id.
    voices: defaultdict[str, list[Voice]] = defaultdict(list)
    for key, paper in found.items():
        voices[paper.id] += said[key]
    upvotes = _upvotes(store, papers)
    announcements = store.papers.announcements(papers)
    entries = []
    for paper in papers.values():
        at = max(each.at for each in voices[paper.id])
        news = announcements.get(paper.id, ())
        entries.append(
            FeedEntry(
                paper=paper,
                seen_at=at,
                updated=updated(at, news),
                announce=came_as(news),
                upvotes=upvotes.get(paper.id, 0),
                voices=tuple(voices[paper.id]),
            )
        )
    return sorted(entries, key=_newest_first)


def updated(at: datetime, announcements: Sequence[Announcement]) -> datetime:
    """When an entry dated `at` last changed: a later revision is a change."""
    return max((at, *(each.seen_at for each in announcements)))


def came_as(announcements: Sequence[Announcement]) -> AnnounceType:
    """How a paper was first announced."""
    first = _first(announcements)
    return first.type if first else AnnounceType.NEW


def newest_first(seen_at: datetime, paper_id: str) -> tuple[timedelta, str]:
    """The order of entries: newest announcement first, then by id."""
    return datetime.max.replace(tzinfo=UTC) - seen_at, paper_id


def _newest_first(entry: FeedEntry) -> tuple[timedelta, str]:
    return newest_first(entry.seen_at, entry.paper.id)


def _first(announcements: Iterable[Announcement]) -> Announcement | None:
    """The first of a paper's announcements, by the same order as the store's `announced_on`."""
    return min(
        (each for each in announcements if each.type.is_first),
        key=lambda each: (each.seen_at, each.day, each.type is not AnnounceType.NEW),
        default=None,
    )


def _upvotes(store: Store, ids: Iterable[str]) -> dict[str, int]:
    found = store.papers.signals(ids)
    return trending.upvotes([signal for each in found.values() for signal in each])
