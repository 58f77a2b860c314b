"""The score sheet of a block: what each interest of each profile adds to each paper, and the sums."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from digest.model import POSITIVE, InterestKind, Profile, ReasonKind, Topic, score_of
from digest.ranking import opinions, profiles, reasons
from digest.ranking.directions import Directions
from digest.ranking.opinions import Taste
from digest.ranking.profiles import Evidence, Weights
from digest.ranking.space import unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from digest.ports import Candidates
    from digest.ranking.features import Features

PICKED_SHARE = 0.5
LEAST_ALIKE = 0.1  # a cosine in the space; below it, no liked paper is named as the nearest
# Every paper is a little similar to everything. Words are told from half of what admits a paper:
# that is 3 to 17 % of a day's papers for a keyword, and up to 28 % for likes of several kinds.
TELLING_SHARE = 0.5
MOST_PARTS = 15
Words: TypeAlias = dict[tuple[ReasonKind, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Community:
    """What votes and curators say of each paper (arrays over the papers), the same for everyone.

    `heat` is popularity, 0 to 1; `voted` and `picked` are what votes and picks add to a score.
    """

    heat: np.ndarray
    voted: np.ndarray
    picked: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """The scores of a block and what they are made of.

    `scores` and `matched` are profiles × papers. Scores are sums of `evidence`, `tastes` and
    `community`. Of these, `liking` is what likes add and `typing` what similarity to keywords adds
    (profiles × papers); `typed` holds the directions of keywords. `trust` (profiles) scales the scores
    that are shown, which leaves their order as it is; `least` (profiles) is the score, before that,
    that the reader's floor stands for. `likes` counts each profile's known likes. `minors` are the
    smaller interests among likes; they are in no score.

    Arranging adds `placed`, the papers that a profile is shown for a smaller interest, with its row in
    `minors`, and `explored`, the paper that a profile is shown although it matches nothing.
    """

    weights: Weights
    features: Features
    candidates: Candidates
    block: Sequence[Profile]
    likes: Sequence[int]
    trust: np.ndarray
    least: np.ndarray
    evidence: Sequence[Evidence]
    typed: Directions
    tastes: Sequence[Taste]
    minors: Taste
    liking: np.ndarray
    typing: np.ndarray
    community: Community
    scores: np.ndarray
    matched: np.ndarray
    placed: dict[int, dict[int, int]] = field(default_factory=dict)
    explored: dict[int, int] = field(default_factory=dict)

    def explained(self, profile: int, rows: np.ndarray) -> list[list[reasons.Term]]:
        """The terms of a profile's score for each of these papers (rows of the edition)."""
        terms: list[list[reasons.Term]] = [[] for _ in rows]
        trust = self.trust[profile]
        for each in self.evidence:
            for name, weight in each.held_by(profile):
                names = [each.names[name]] * len(rows)
                _add(terms, trust * weight * each.values[name, rows], each.kind, names)
        for taste in self.tastes:
            at = taste.of(profile)
            if at >= 0:
                nearest = self._nearest(profile, taste.kind, rows)
                _add(terms, trust * self._amounts(taste, profile, rows), taste.kind, nearest)
        papers = self.features.papers
        votes = [str(self.candidates.upvotes.get(papers[row].id) or "") for row in rows.tolist()]
        _add(terms, trust * self.community.voted[rows], ReasonKind.TRENDING, votes)
        _add(terms, trust * self.community.picked[rows], ReasonKind.PICKED, [""] * len(rows))
        for place in np.flatnonzero(rows == self.explored.get(profile, -1)).tolist():
            terms[place].append((0.0, ReasonKind.EXPLORE, ""))
        return terms

    def _amounts(self, taste: Taste, profile: int, rows: np.ndarray) -> np.ndarray:
        """What a taste adds to these papers: where a smaller interest placed one, what that adds."""
        amounts = taste.amounts[taste.of(profile), rows]
        if taste.kind is ReasonKind.LIKE:
            for paper, minor in self.placed.get(profile, {}).items():
                amounts[rows == paper] = self.minors.amounts[minor, paper]
        return np.asarray(amounts)

    def _nearest(self, profile: int, kind: ReasonKind, rows: np.ndarray) -> list[str]:
        """For each of these papers the most similar one that the profile likes or dislikes, or ""."""
        held = self.block[profile].of(InterestKind(str(kind)))
        names, alike = self._alike([each.value for each in held if each.weight > 0], rows)
        if not names:
            return [""] * len(rows)
        nearest = zip(alike.argmax(axis=0).tolist(), alike.max(axis=0).tolist(), strict=True)
        least = LEAST_ALIKE if self.features.space.dimensions else -np.inf
        return [names[each] if near >= least else "" for each, near in nearest]

    def _alike(self, names: Sequence[str], rows: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Those named papers of which something is known, and their cosines with the papers in `rows`."""
        features, lying = self.features, self.candidates.lying
        there = [each for each in names if each in lying]
        placed = [unpack([lying[each] for each in there])] if there else []
        others = (each for each in names if each not in lying)
        known = opinions.known_papers(others, self.candidates, features)
        if known:
            cached = features.cache.liked(known)
            own = [cached.row[each] for each in known]
            if not features.space.dimensions:
                width = features.words.shape[1]  # words alone: sharing a category says little
                words = features.columns.only(cached.points.marks[own])[:, :width]
                return list(known), (words @ features.words[rows].T).toarray()
            placed.append(cached.points.near[own])
        if not placed:
            return [], np.zeros((0, len(rows)), np.float32)
        return [*there, *known], np.concatenate(placed) @ features.points.near[rows].T

    def telling(self, told: Sequence[np.ndarray]) -> list[list[Words]]:
        """For each profile and each of its papers in `told`, the words to name with its reasons.

        A like or keyword that the paper is hardly similar to gets none.
        """
        found: list[list[Words]] = [[{} for _ in rows] for rows in told]
        for kind, directions, asked in self._asked(told):
            looking = np.array([row for row, *_ in asked], int)
            papers = np.array([told[profile][place] for _, profile, place, _ in asked], int)
            words = directions.words(self.features, looking, papers)
            for (_, profile, place, what), telling in zip(asked, words, strict=True):
                found[profile][place][kind, what] = telling
        return found

    def _asked(
        self, told: Sequence[np.ndarray]
    ) -> Iterable[tuple[ReasonKind, Directions, list[tuple[int, int, int, str]]]]:
        """The directions to take words from, with (row, profile, place, what) for each reason."""
        for taste in self.tastes:
            least = TELLING_SHARE * self.weights.like_floor
            if taste.kind is ReasonKind.DISLIKE:
                least = -np.inf
            held = [
                (at, profile, place, "")
                for at, profile in enumerate(taste.rows.tolist())
                for place, amount in enumerate(taste.amounts[at, told[profile]].tolist())
                if amount >= least
            ]
            yield taste.kind, taste.directions, held
        # These replace what was found for the same places above.
        placed_for = [
            (placed[paper], profile, place, "")
            for profile, placed in self.placed.items()
            for place, paper in enumerate(told[profile].tolist())
            if paper in placed
        ]
        if placed_for:
            yield self.minors.kind, self.minors.directions, placed_for
        for each in self.evidence:
            if each.kind is ReasonKind.WORDS:
                least = TELLING_SHARE * self.weights.typed_floor
                held = [
                    (name, profile, place, each.names[name])
                    for profile, rows in enumerate(told)
                    for name, _ in each.held_by(profile)
                    for place, amount in enumerate(each.values[name, rows].tolist())
                    if amount >= least
                ]
                yield each.kind, self.typed, held

    def parts(self, profile: int, row: int, term: reasons.Term) -> tuple[tuple[str, float], ...]:
        """What each word of a paper adds to one term of its score, largest first, the rest as "…"."""
        amount, kind, what = term
        if kind is ReasonKind.WORDS:
            evidence = next(each for each in self.evidence if each.kind is kind)
            name = list(evidence.names).index(what)
            weight = float(dict(evidence.held_by(profile))[name])
            found = self.typed.parts(self.features, name, row)
        elif kind in (ReasonKind.LIKE, ReasonKind.DISLIKE):
            taste, weight = next(each for each in self.tastes if each.kind is kind), 1.0
            at = taste.of(profile)
            if kind is ReasonKind.LIKE and row in self.placed.get(profile, {}):
                taste, at = self.minors, self.placed[profile][row]
            found = taste.directions.parts(self.features, at, row)
        else:
            return ()
        weight *= float(self.trust[profile])
        shown = [(word, round(weight * part, reasons.DECIMALS)) for word, part in found]
        shown = shown[:MOST_PARTS]
        rest = round(amount - sum(part for _, part in shown), reasons.DECIMALS)
        return (*shown, ("…", rest)) if rest else tuple(shown)


def scored(
    block: Sequence[Profile],
    features: Features,
    candidates: Candidates,
    *,
    topics: Mapping[str, Topic],
    weights: Weights,
    community: Community,
    kept: Mapping[str, tuple[bytes, ...]],
    with_minors: bool = True,
) -> Sheet:
    """Score a block, before any paper is barred.

    `kept` is what `opinions.tastes_to_keep` returned, by subscriber id. Smaller interests may be left
    out when only scores are wanted.
    """
    tastes, minors = opinions.tastes(
        block, features, candidates, weights, kept, with_minors=with_minors
    )
    likes, liking = _liking(tastes, (len(block), len(features.papers)))
    trust = profiles.trust(block, features, likes)
    evidence, typed = profiles.by_kind(block, features, topics, weights, likes, trust)
    nobody = np.array([not any(map(each.of, POSITIVE)) for each in block])
    said_by_all = community.voted + community.picked
    scores = np.tile(said_by_all, (len(block), 1))
    matched = liking >= weights.like_floor
    typing = np.zeros_like(liking)
    for each in evidence:
        added = each.scores()
        scores += added
        matched |= each.admitted(added)
        if each.kind is ReasonKind.WORDS:
            typing = added
    for taste in tastes:
        scores[taste.rows] += taste.amounts
    for profile, amounts in zip(minors.rows.tolist(), minors.amounts, strict=True):
        matched[profile] |= amounts >= weights.minor_floor
    matched[nobody] |= said_by_all > 0
    return Sheet(
        weights=weights,
        features=features,
        candidates=candidates,
        block=block,
        likes=likes,
        trust=trust,
        least=np.array([score_of(each.floor) for each in block]) / trust,
        evidence=evidence,
        typed=typed,
        tastes=tastes,
        minors=minors,
        liking=liking,
        typing=typing,
        community=community,
        scores=scores,
        matched=matched,
    )


def _liking(tastes: Iterable[Taste], shape: tuple[int, int]) -> tuple[list[int], np.ndarray]:
    """For each profile the number of known likes, and what they add to each paper."""
    likes, liking = np.zeros(shape[0], int), np.zeros(shape, np.float32)
    for taste in tastes:
        if taste.kind is ReasonKind.LIKE:
            likes[taste.rows], liking[taste.rows] = taste.counts, taste.amounts
    return likes.tolist(), liking


def _add(
    terms: Sequence[list[reasons.Term]],
    amounts: np.ndarray,
    kind: ReasonKind,
    names: Sequence[str],
) -> None:
    for place, exact in enumerate(amounts.tolist()):
        if amount := round(exact, reasons.DECIMALS):
            terms[place].append((amount, kind, names[place]))


def community(candidates: Candidates, features: Features, trending: float) -> Community:
    """What votes and curators' picks add, together at most `trending`.

    A pick adds half of it; votes add up to the rest.
    """
    heat = _popularity(candidates, features)
    featured = np.zeros(len(features.ids), np.float32)
    featured[
        [features.position[each] for each in candidates.featured if each in features.position]
    ] = 1
    picked = np.float32(PICKED_SHARE * trending) * featured
    voted = np.minimum(np.float32(trending) * heat, np.float32(trending) - picked)
    return Community(heat=heat, voted=voted, picked=picked)


def _popularity(candidates: Candidates, features: Features) -> np.ndarray:
    """The popularity of an edition's papers by votes, 0 to 1 (float32).

    The hottest paper has 1, one whose hot score (see `trending`) is lower by d has 1/(1 + d), and one
    without votes 0. All are multiplied by v/(v + 1) for v votes, since a single vote means little.
    """
    heat = np.full(len(features.ids), -np.inf)
    sure = np.ones(len(features.ids))
    for paper in candidates.trending.keys() & features.position.keys():
        row = features.position[paper]
        heat[row] = candidates.trending[paper]
        if (votes := candidates.upvotes.get(paper)) is not None:
            sure[row] = votes / (votes + 1)
    hottest = heat.max()
    if not np.isfinite(hottest):
        return np.zeros(len(heat), np.float32)
    return np.asarray(sure / (1 + hottest - heat), np.float32)
