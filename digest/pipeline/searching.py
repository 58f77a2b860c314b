"""Searching what is stored: by what somebody typed or pasted, and by a paper for others like it."""

from __future__ import annotations

from itertools import islice

from digest import merging, ranking
from digest.model import Paper
from digest.ports import Store, Within
from digest.ranking import searching

MOST_FUSED = 160
PASTED_WORDS = 16
TELLING_WORDS = 5
PAIRS = 4
HITS_A_PAIR = 40
LONGEST_ID = 300


def search(
    store: Store, query: str, *, within: Within | None = None, limit: int, offset: int = 0
) -> list[tuple[Paper, float]]:
    """What a query finds, best first: words, `"phrases"`, an id or address, a pasted abstract.

    The first 160 hits are put into the order that `ranking.fuse` gives them, those beyond stand
    in the order of the full-text index, and score 0. An empty query finds everything within,
    newest first.
    """
    hits = store.papers.search(query, limit=MOST_FUSED, within=within)
    if len(query.split()) > PASTED_WORDS:
        hits = _with_telling(store, query, hits, within)
    fused = ranking.fuse(query, hits) if query.strip() else hits
    named = _named(store, query)
    if named is not None and within in (None, Within()):
        fused = [(named, 1.0), *(each for each in fused if each[0].id != named.id)]
    found = fused[offset : offset + limit]
    if len(found) < limit and len(hits) >= MOST_FUSED:
        beyond = max(offset, len(fused))
        more = store.papers.search(query, limit=limit - len(found), offset=beyond, within=within)
        known = {paper.id for paper, _ in fused}
        found += [(paper, 0.0) for paper, _ in more if paper.id not in known]
    return found


def similar(store: Store, paper: Paper, *, limit: int) -> list[Paper]:
    """The stored papers most like one.

    What has two words in common with it that stand side by side in it, for its four most telling
    pairs of words, each an order of its own; then `ranking.related` over all of them.
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
    hits = [(each, scores[each.id]) for each in papers.values()]
    return [each for each, _ in ranking.related(paper, hits)[:limit]]


def _with_telling(
    store: Store, query: str, hits: list[tuple[Paper, float]], within: Within | None
) -> list[tuple[Paper, float]]:
    """The hits, and what has the longest words of a long text: an index asks for its first ones."""
    words = sorted(set(query.split()), key=lambda word: (-len(word), word))
    told = " ".join(each for each in words if each.isalpha()).split()[:TELLING_WORDS]
    known = {paper.id for paper, _ in hits}
    more = store.papers.search(" ".join(told), limit=MOST_FUSED, within=within) if told else []
    return [*hits, *(each for each in more if each[0].id not in known)]


def _named(store: Store, query: str) -> Paper | None:
    text = query.strip()
    if len(text) > LONGEST_ID:
        return None
    arxiv, doi = merging.arxiv_id(text), merging.canonical_doi(text)
    key = f"arxiv:{arxiv[0]}" if arxiv else f"doi:{doi}" if doi else ""
    return next(iter(store.papers.get([key]).values()), None) if key else None
