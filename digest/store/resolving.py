"""Which items are the same paper, decided in memory before anything is written.

Without I/O: takes items and the stored papers that they may be, returns the paper of each item.
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
"""Ends the extra key of the second page with one title, which marks that title as a series."""
MOVING = timedelta(days=3)
"""By how much the date of a paper may change when its page moves."""


@dataclass(slots=True, kw_only=True, eq=False)
class Known:
    """One paper while a batch is stored: the merged record, with all of its rows and keys.

    `stored` are the ids of rows that turned out to be this paper; `before` is its stored record,
    None for a new paper. `sources` are the sources that listed it, as far as that matters.
    """

    paper: Paper
    first_seen: datetime
    keys: dict[str, None] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    before: Paper | None = None
    joined_to: Known | None = None

    def current(self) -> Known:
        """The paper that this one was merged into, or itself."""
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
    """The paper of each item, in order; items of the same paper share one value.

    `keys` are those of each item's paper, its id first; `owners` the ids of stored papers by key;
    `stored` and `first_seen` those papers; `sources` the sources of the papers that `by_title`
    returns. An item whose keys name two papers merges them.
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
    """Every key of a paper, its id first; for a page also the key that would mark its series."""
    keys = tuple(dict.fromkeys((paper.id, *merging.keys_of(paper))))
    return (*keys, *_marks(keys)) if _is_page(keys) else keys


def by_title(keys: Iterable[Sequence[str]], owners: Mapping[str, str]) -> set[str]:
    """The stored papers that share a title with an item known by its page alone."""
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
    """Mark a page whose title another page has too as one of a series, unless one is marked."""
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

    Two arXiv ids are two papers, whatever else they share: a series can have one title, and two
    parts one journal DOI. Two published DOIs with only the title in common are two papers, and so
    are two pages of a series (see `_in_series`). Only the paper with this very id (the first key)
    is always the same.
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
    """Whether an item and a paper of the same title are two pages of a series ("This week in …").

    Pages of one source, known by nothing but URL and title, are a series if they are dated days
    apart, stand in one listing, or the item's URL belongs to another paper. Otherwise the page has
    moved, unless the title is marked as that of a series: then it is a new page. Another source's
    page of a marked title is new if its URL is known. A repetition within a listing, with the
    same abstract and date, is no series.
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
    """Whether a paper has no keys but its URL and title."""
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
    """Merge several papers into the first; `merging.join` decides which id stays."""
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
    """Set the final identifiers, without those of other papers, and put the row to keep first."""
    owned = sorted(key for key in known.keys if by_key.get(key, known).current() is known)
    known.paper = replace(known.paper, identifiers=tuple(owned))
    known.stored.sort(key=lambda each: each != known.paper.id)
