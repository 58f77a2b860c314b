"""Search the stored papers: by a query or a pasted text, and for papers like a given one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from digest import matching, merging, ranking
from digest.model import Announcement, Paper
from digest.ports import Store, Within
from digest.ranking import searching

if TYPE_CHECKING:
    from digest.ranking.nearness import Nearness

MOST_FUSED = 101
MOST_NEAR = 30
MOST_NARROWED = 100
MOST_RELATED = 40
TELLING_TERMS = 6
HITS_A_TERM = 12
TELLING_WORDS = 5
PAIRS = 4
HITS_A_PAIR = 40
LONGEST_REFERENCE = 300
AROUND_AN_ID = "()[]{}<>.,;:" + matching.QUOTES


def search(
    store: Store,
    query: str,
    *,
    within: Within | None = None,
    limit: int,
    nearness: Nearness | None = None,
) -> list[tuple[Paper, float]]:
    """What a query finds, best first: words, `"phrases"`, an id or address, a pasted abstract.

    The first 101 hits, and what `nearness` finds besides, are ordered by `ranking.fuse`; further
    hits keep the order of the full-text index and score 0. An empty query finds everything within,
    newest first. A query that is the id of a stored paper finds that paper alone; a paper whose id
    stands somewhere in the query, as in a reference, comes first.
    """
    is_narrowed = within not in (None, Within())
    named = [] if is_narrowed else _named(store, query)
    if named and _key(query):
        return [(named[0], 1.0)][:limit]
    hits = store.papers.search(query, limit=max(limit, MOST_FUSED), within=within)
    hits, beyond = hits[:MOST_FUSED], hits[MOST_FUSED:]
    if matching.is_pasted(query):
        hits = _with_telling(store, query, hits, within)
    near, beside = _near(store, query, hits, within, nearness)
    fused = ranking.fuse(query, hits, near=near, more=beside) if query.strip() else hits
    if named:
        first = max([1.0, *(score for _, score in fused[:1])])
        known = {paper.id for paper in named}
        fused = [(each, first) for each in named] + [hit for hit in fused if hit[0].id not in known]
    found, known = fused[:limit], {paper.id for paper, _ in fused}
    more = beyond[: limit - len(found)]
    return found + [(paper, 0.0) for paper, _ in more if paper.id not in known]


def similar(
    store: Store, paper: Paper, *, limit: int, nearness: Nearness | None = None
) -> list[Paper]:
    """The stored papers most like a given one, without itself.

    Those nearest to it, and those that share one of its rarest words, since the space knows little
    of rare subjects; ordered by `Nearness.ordered`. Without a space, or if it knows nothing like
    the paper, those that share telling pairs of words with it.
    """
    near = nearness.of_paper(paper, most=max(limit, MOST_RELATED)) if nearness else {}
    papers = store.papers.get(near)
    if nearness is None or not papers:
        return [each for each, _ in _sharing(store, paper)[:limit]]
    for term in nearness.telling(paper, most=TELLING_TERMS):
        hits = store.papers.search(f'"{term}"', limit=HITS_A_TERM)
        papers |= {each.id: each for each, _ in hits if each.id != paper.id}
    return nearness.ordered(paper, list(papers.values()))[:limit]


def is_within(paper: Paper, announcements: Sequence[Announcement], within: Within) -> bool:
    """Whether a search narrowed like this may show a paper, given all of its announcements.

    The same rule as in `PaperStore.search`: an archive stands for its categories, and days are UTC
    days of the first new or cross announcement.
    """
    archives = (each.partition(".")[0] for each in paper.categories if "." in each)
    if within.categories and not {*paper.categories, *archives}.intersection(within.categories):
        return False
    if within.source and all(each.source != within.source for each in announcements):
        return False
    if within.since is None and within.until is None:
        return True
    news = [each.seen_at.date() for each in announcements if each.type.is_first]
    first = min(news, default=None)
    return (
        first is not None
        and (within.since is None or within.since <= first)
        and (within.until is None or first <= within.until)
    )


def _near(
    store: Store,
    query: str,
    hits: Sequence[tuple[Paper, float]],
    within: Within | None,
    nearness: Nearness | None,
) -> tuple[Mapping[str, float], list[Paper]]:
    """How near papers are to a query, and the nearest ones that its words did not find.

    An author's name has no meaning, so nothing is near to it. If a query demands words, papers
    without them are not added.
    """
    if nearness is None or not query.strip() or searching.names_author(query, hits):
        return {}, []
    known = [paper.id for paper, _ in hits]
    narrowed = within not in (None, Within())
    near = nearness.of_text(query, known, most=MOST_NARROWED if narrowed else MOST_NEAR)
    if searching.demands(query):
        return near, []
    return near, _others(store, near.keys() - set(known), within if narrowed else None)


def _others(store: Store, ids: Collection[str], within: Within | None) -> list[Paper]:
    papers = store.papers.get(sorted(ids))
    if within is None:
        return list(papers.values())
    announced = store.papers.announcements(papers)
    return [each for key, each in papers.items() if is_within(each, announced.get(key, ()), within)]


def _sharing(store: Store, paper: Paper) -> list[tuple[Paper, float]]:
    """Papers that share a pair of neighbouring words with this one, most like it first.

    Its four most telling pairs are searched one by one; papers that rank high for several come
    first.
    """
    terms = searching.terms_of(f"{paper.title} \n {paper.title} \n {paper.abstract}")
    pairs = list(islice((each for each in terms if " " in each), PAIRS)) or [paper.title]
    papers: dict[str, Paper] = {}
    scores: dict[str, float] = {}
    for pair in pairs:
        hits = store.papers.search(pair, limit=HITS_A_PAIR)
        for rank, (each, _) in enumerate(hits, start=1):
            papers[each.id] = each
            scores[each.id] = scores.get(each.id, 0.0) + 1 / (searching.K + rank)
    return ranking.related(paper, [(each, scores[each.id]) for each in papers.values()])


def _with_telling(
    store: Store, query: str, hits: list[tuple[Paper, float]], within: Within | None
) -> list[tuple[Paper, float]]:
    """The hits, and papers with the longest words of a long text, which may be beyond its start."""
    words = sorted(set(query.split()), key=lambda word: (-len(word), word))
    told = " ".join(each for each in words if each.isalpha()).split()[:TELLING_WORDS]
    known = {paper.id for paper, _ in hits}
    more = store.papers.search(" ".join(told), limit=MOST_FUSED, within=within) if told else []
    return [*hits, *(each for each in more if each[0].id not in known)]


def _named(store: Store, query: str) -> list[Paper]:
    """The papers that a short query names by arXiv id, DOI or address."""
    if len(query.strip()) > LONGEST_REFERENCE:
        return []
    words = (each.strip(AROUND_AN_ID) for each in query.split())
    keys = dict.fromkeys(filter(None, map(_key, (query, *words))))
    found = store.papers.get(keys) if keys else {}
    return list({each.id: each for each in found.values()}.values())


def _key(text: str) -> str:
    """The key of the paper whose id or address this text is; "" if it is none."""
    arxiv, doi = merging.arxiv_id(text), merging.canonical_doi(text)
    return f"arxiv:{arxiv[0]}" if arxiv else f"doi:{doi}" if doi else ""
