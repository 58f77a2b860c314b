"""Which items are the same paper: identity in memory, before anything is written.

Pure: items and what is stored of them in, the papers that they are out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from digest import merging
from digest.model import Item, Paper

ARXIV = "arxiv:"
PAGE = "url:"
TITLE = "title:"
SERIES = "#series"
"""Ends the key that the second page of one title bears: with it stored, the title is a series'."""
MOVING = timedelta(days=3)
"""By how much the date of a paper whose page moves may change."""


@dataclass(slots=True, kw_only=True, eq=False)
class Known:
    """One paper while a batch is taken in: the joined record, and every row and key it has.

    `stored` are the ids of rows that turned out to be this paper; `before` is its record as
    stored, None for a new one. `sources` are those that listed it, as far as that matters.
    """

    paper: Paper
    first_seen: datetime
    keys: dict[str, None] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    before: Paper | None = None
    joined_to: Known | None = None

    def current(self) -> Known:
        """What this has become, after being joined to others."""
        known = self
        while known.joined_to is not None:
            known = known.joined_to
        return known


def resolve(
    items: Sequence[Item],
    keys: Sequence[Sequence[str]],
    *,
    owners: Mapping[str, str],
    stored: Mapping[str, Paper],
    first_seen: Mapping[str, datetime],
    sources: Mapping[str, Iterable[str]],
) -> list[Known]:
    """The paper of each item, in order; items of one paper share it.

    `keys` are those of each item's paper, its id first; `owners` the stored papers they name,
    `stored` and `first_seen` what is known of those; `sources` which sources listed what
    `by_title` gives. An item whose keys name two papers makes them one.
    """
    rows = {
        paper_id: Known(
            paper=paper,
            first_seen=first_seen[paper_id],
            keys=dict.fromkeys(paper.identifiers),
            stored=[paper_id],
            sources=set(sources.get(paper_id, ())),
            before=paper,
        )
        for paper_id, paper in stored.items()
    }
    by_key = {key: rows[owner] for key, owner in owners.items()}
    listed: defaultdict[str, set[str]] = defaultdict(set)
    for item, of in zip(items, keys, strict=True):
        listed[item.announcement.source].update(key for key in of if key.startswith(PAGE))
    places = [
        _place(item, [key for key in of if not _is_mark(key)], by_key, listed)
        for item, of in zip(items, keys, strict=True)
    ]
    final = [place.current() for place in places]
    for known in {id(each): each for each in final}.values():
        _finish(known, by_key)
    return final


def keys_of(paper: Paper) -> tuple[str, ...]:
    """Every key of a paper, its id among them, the id first; of a page what would mark its series."""
    keys = tuple(dict.fromkeys((paper.id, *merging.keys_of(paper))))
    return (*keys, *_marks(keys)) if _is_page(keys) else keys


def by_title(keys: Iterable[Sequence[str]], owners: Mapping[str, str]) -> set[str]:
    """The stored papers that share a title with an item that nothing names but its page."""
    return {
        owners[key]
        for found in keys
        if found[0].startswith(PAGE)
        for key in found
        if key.startswith(TITLE) and key in owners
    }


def _place(
    item: Item,
    keys: Sequence[str],
    by_key: dict[str, Known],
    listed: Mapping[str, Collection[str]],
) -> Known:
    same = _same(item, keys, by_key, listed)
    seen_at = item.announcement.seen_at
    if same:
        known = _joined(same)
        known.paper = merging.join(known.paper, item.paper)
        known.first_seen = min(known.first_seen, seen_at)
    else:
        known = Known(paper=item.paper, first_seen=seen_at)
    known.keys.update(dict.fromkeys(keys))
    known.sources.add(item.announcement.source)
    for key in keys:
        by_key.setdefault(key, known)
    _mark_series(known, keys, by_key)
    return known


def _mark_series(known: Known, keys: Sequence[str], by_key: dict[str, Known]) -> None:
    """Let a page whose title another page owns bear the mark, unless one does already."""
    if not (_is_page(keys) and _is_page(known.keys)):
        return
    for mark in _marks(keys):
        owner = by_key[mark.removesuffix(SERIES)].current()
        if owner is not known and _is_page(owner.keys) and mark not in by_key:
            by_key[mark] = known
            known.keys[mark] = None


def _same(
    item: Item,
    keys: Sequence[str],
    by_key: Mapping[str, Known],
    listed: Mapping[str, Collection[str]],
) -> list[Known]:
    """The papers that these keys name, the oldest first.

    Two arXiv ids are two papers, whatever else they share: a series can have one title, and a
    journal one DOI for two parts. So are two published DOIs that share no more than a title, and
    two pages of a series (see `_in_series`). Only the owner of the id itself (the first key) is
    beyond doubt.
    """
    own = by_key[keys[0]].current() if keys[0] in by_key else None
    named = {id(known): known for known in (by_key[k].current() for k in keys if k in by_key)}
    sure = {id(by_key[k].current()) for k in keys if k in by_key and not k.startswith(TITLE)}
    arxiv, dois = _arxiv(keys), merging.published_dois(keys)
    same: list[Known] = []
    for known in sorted(
        named.values(),
        key=lambda each: (each is not own, id(each) not in sure, each.first_seen, each.paper.id),
    ):
        theirs, printed = _arxiv(known.keys), merging.published_dois(known.keys)
        is_apart = _differ(arxiv, theirs) or (
            id(known) not in sure
            and (
                _differ(dois, printed)
                or _in_series(
                    item,
                    keys,
                    known,
                    is_named=bool(sure),
                    is_marked=any(mark in by_key for mark in _marks(keys)),
                    listed=listed,
                )
            )
        )
        if known is own or not is_apart:
            arxiv |= theirs
            dois |= printed
            same.append(known)
    return sorted(same, key=lambda each: (each.first_seen, each.paper.id))


def _in_series(
    item: Item,
    keys: Sequence[str],
    known: Known,
    *,
    is_named: bool,
    is_marked: bool,
    listed: Mapping[str, Collection[str]],
) -> bool:
    """Whether an item and a paper of the same title are two of a series, as "This week in …" is.

    That is so of pages of one source without any other name if they are dated days apart, stand in
    one listing, or the item's page names another paper. A page that moved does none of that, but
    where the series is known already (it is marked) it is taken for the next of it; and another
    source may list any one of a known series. What a listing says twice in the same words, or of
    one date without any, is no series.
    """
    source, ours, theirs = item.announcement.source, item.paper, known.paper
    if not (_is_page(keys) and _is_page(known.keys)):
        return False
    if source not in known.sources:
        return is_named and is_marked
    if ours.published and theirs.published and abs(ours.published - theirs.published) > MOVING:
        return True
    says = (ours.abstract, ours.published)
    is_copy = any(says) and says == (theirs.abstract, theirs.published)
    is_beside = not known.keys.keys().isdisjoint(listed[source])
    return is_named or (not is_copy and (is_marked or is_beside))


def _is_page(keys: Iterable[str]) -> bool:
    """Whether nothing but its page and title names a paper."""
    return all(key.startswith((PAGE, TITLE)) for key in keys)


def _marks(keys: Iterable[str]) -> list[str]:
    return [key + SERIES for key in keys if key.startswith(TITLE) and not _is_mark(key)]


def _is_mark(key: str) -> bool:
    return key.startswith(TITLE) and key.endswith(SERIES)


def _arxiv(keys: Iterable[str]) -> frozenset[str]:
    return frozenset(key for key in keys if key.startswith(ARXIV))


def _differ(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    return bool(ours and theirs) and not ours & theirs


def _joined(same: Sequence[Known]) -> Known:
    """One paper out of several; `join` decides which id stays."""
    first, *others = same
    for other in others:
        first.paper = merging.join(first.paper, other.paper)
        first.keys.update(other.keys)
        first.stored.extend(other.stored)
        first.sources |= other.sources
        first.before = first.before or other.before
        other.joined_to = first
    return first


def _finish(known: Known, by_key: Mapping[str, Known]) -> None:
    """Settle the identifiers, which leave out what belongs to another paper, and the row to keep."""
    owned = sorted(key for key in known.keys if by_key.get(key, known).current() is known)
    known.paper = replace(known.paper, identifiers=tuple(owned))
    known.stored.sort(key=lambda each: each != known.paper.id)
