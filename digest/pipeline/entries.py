"""Papers made entries of feeds: when each was announced and revised, its votes, who speaks for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from digest.model import Announcement, AnnounceType, Paper
from digest.ports import Store
from digest.ranking import trending
from digest.rendering.feeds import FeedEntry

Found = Sequence[tuple[Paper, Announcement]]


def announced(store: Store, papers: Iterable[Paper]) -> Found:
    """Papers with the first announcement of each; those never announced are left out."""
    wanted = {paper.id: paper for paper in papers}
    found = []
    for paper_id, announcements in store.papers.announcements(wanted).items():
        firsts = [each for each in announcements if each.type.is_first]
        if firsts:
            found.append((wanted[paper_id], min(firsts, key=_first_seen_first)))
    return found


def entries_of(store: Store, found: Found, *, lasting: bool = False) -> list[FeedEntry]:
    """Entries of papers dated by these announcements, in the order that every document keeps.

    What is `lasting` says nothing of votes and of who speaks for a paper: people take that back.
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
    featured = store.community.featured(since)
    voices = store.community.voices(featured)
    papers = store.papers.get(featured)
    upvotes = _upvotes(store, papers)
    announcements = store.papers.announcements(papers)
    entries = []
    for paper in papers.values():
        heard = voices.get(paper.id, ())
        if heard:
            at = max(each.at for each in heard)
            news = announcements.get(paper.id, ())
            entries.append(
                FeedEntry(
                    paper=paper,
                    seen_at=at,
                    updated=updated(at, news),
                    announce=came_as(news),
                    upvotes=upvotes.get(paper.id, 0),
                    voices=tuple(heard),
                )
            )
    return sorted(entries, key=_newest_first)


def updated(at: datetime, announcements: Sequence[Announcement]) -> datetime:
    """When an entry of then last changed: a revision announced since is a change."""
    return max((at, *(each.seen_at for each in announcements)))


def came_as(announcements: Sequence[Announcement]) -> AnnounceType:
    """How a paper was first announced."""
    firsts = [each for each in announcements if each.type.is_first]
    return min(firsts, key=_first_seen_first).type if firsts else AnnounceType.NEW


def newest_first(seen_at: datetime, paper_id: str) -> tuple[timedelta, str]:
    """The order of entries: by announcement, and within one by id."""
    return datetime.max.replace(tzinfo=UTC) - seen_at, paper_id


def _newest_first(entry: FeedEntry) -> tuple[timedelta, str]:
    return newest_first(entry.seen_at, entry.paper.id)


def _first_seen_first(announcement: Announcement) -> tuple[datetime, date, bool]:
    """The order by which `announced_on`, too, tells the first of a paper's announcements."""
    return announcement.seen_at, announcement.day, announcement.type is not AnnounceType.NEW


def _upvotes(store: Store, ids: Iterable[str]) -> dict[str, int]:
    found = store.papers.signals(ids)
    return trending.upvotes([signal for each in found.values() for signal in each])
