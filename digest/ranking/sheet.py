"""A block's scores as an account: what every interest of everyone adds to every paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from digest.model import POSITIVE, InterestKind, Profile, ReasonKind, Topic
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
LEAST_ALIKE = 0.1  # a cosine in the space: below, no one paper is why
# Every paper is a little near to everything: what is worth a reason comes to half of what lets one in,
# as 3 to 17 % of a day do for a keyword, and up to 28 % for likes of several kinds.
TELLING_SHARE = 0.5
MOST_PARTS = 15
Words: TypeAlias = dict[tuple[ReasonKind, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Community:
    """What is said of each paper (arrays over the papers), the same for everyone.

    `heat` is 0 to 1; `voted` and `picked` are what votes and curators add to a score.
    """

    heat: np.ndarray
    voted: np.ndarray
    picked: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """A block's arithmetic: every array is profiles × papers.

    `trust` (profiles) is by how much of it a sum counts in what is told of it; within a profile
    nothing depends on it. `evidence`, `typed`, `tastes` and `community` are what scores are made of,
    `near` what likes and typed words add by nearness. `minors` are the smaller interests among likes,
    a row each: they are in no score. `placed` are the papers (columns) that a profile (row) is shown
    for one of them, with its row in `minors`, and `explored` the one that it is shown though it
    matches nothing.
    """

    weights: Weights
    features: Features
    candidates: Candidates
    block: Sequence[Profile]
    trust: np.ndarray
    evidence: Sequence[Evidence]
    typed: Directions
    tastes: Sequence[Taste]
    minors: Taste
    near: tuple[np.ndarray, np.ndarray]
    community: Community
    scores: np.ndarray
    matched: np.ndarray
    placed: dict[int, dict[int, int]] = field(default_factory=dict)
    explored: dict[int, int] = field(default_factory=dict)

    def explained(self, profile: int, rows: np.ndarray) -> list[list[reasons.Term]]:
        """The terms of a profile's score for each of these papers."""
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
        """What a profile's taste adds to these papers: that of one of its interests where it placed one."""
        amounts = taste.amounts[taste.of(profile), rows]
        if taste.kind is ReasonKind.LIKE:
            for paper, minor in self.placed.get(profile, {}).items():
                amounts[rows == paper] = self.minors.amounts[minor, paper]
        return np.asarray(amounts)

    def _nearest(self, profile: int, kind: ReasonKind, rows: np.ndarray) -> list[str]:
        """For each of these papers the one of the profile's own that is most like it, if any is."""
        held = self.block[profile].of(InterestKind(str(kind)))
        names, alike = self._alike([each.value for each in held if each.weight > 0], rows)
        if not names:
            return [""] * len(rows)
        nearest = zip(alike.argmax(axis=0).tolist(), alike.max(axis=0).tolist(), strict=True)
        least = LEAST_ALIKE if self.features.space.dimensions else -np.inf
        return [names[each] if near >= least else "" for each, near in nearest]

    def _alike(self, names: Sequence[str], rows: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Those of these papers that lie somewhere, and how near each is to those of the rows."""
        features, lying = self.features, self.candidates.lying
        there = [each for each in names if each in lying]
        placed = [unpack([lying[each] for each in there])] if there else []
        others = (each for each in names if each not in lying)
        known = opinions.known_papers(others, self.candidates, features)
        if known:
            cached = features.cache.liked(known)
            own = [cached.row[each] for each in known]
            if not features.space.dimensions:
                width = features.words.shape[1]  # a category in common is not what it is about
                words = features.columns.only(cached.points.marks[own])[:, :width]
                return list(known), (words @ features.words[rows].T).toarray()
            placed.append(cached.points.near[own])
        if not placed:
            return [], np.zeros((0, len(rows)), np.float32)
        return [*there, *known], np.concatenate(placed) @ features.points.near[rows].T

    def telling(self, told: Sequence[np.ndarray]) -> list[list[Words]]:
        """For each profile and each of these papers the words to name with its reasons.

        Of likes and of typed words that a paper is not near to there are none, which says so.
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
        """Which row of which directions speaks of which place of which profile."""
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
        # Later words are told instead of earlier ones.
        apart = [
            (placed[paper], profile, place, "")
            for profile, placed in self.placed.items()
            for place, paper in enumerate(told[profile].tolist())
            if paper in placed
        ]
        if apart:
            yield self.minors.kind, self.minors.directions, apart
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
        """What the words of a paper add to one term of its score, largest first, rest as "…"."""
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


def written(
    block: Sequence[Profile],
    features: Features,
    candidates: Candidates,
    *,
    topics: Mapping[str, Topic],
    weights: Weights,
    community: Community,
    kept: Mapping[str, tuple[bytes, ...]],
    apart: bool = True,
) -> Sheet:
    """The arithmetic of a block, before anything is barred.

    `kept` is what `opinions.tastes_to_keep` made before, by subscriber. Without `apart` there are no
    smaller interests, which are in no score.
    """
    tastes, minors = opinions.tastes(block, features, candidates, weights, kept, apart=apart)
    likes = [0] * len(block)
    for taste in tastes:
        if taste.kind is ReasonKind.LIKE:
            for row, count in zip(taste.rows.tolist(), taste.counts.tolist(), strict=True):
                likes[row] = count
    trust = profiles.trust(block, features, likes)
    exact, near, typed = profiles.keywords(block, features, weights, likes)
    kinds = (
        profiles.topics(block, features, topics, weights, likes),
        exact,
        near,
        profiles.queries(block, features, weights, likes),
        profiles.authors(block, features, weights, trust),
    )
    evidence = [each for each in kinds if len(each.names)]
    liking = np.zeros((len(block), len(features.papers)), np.float32)
    for taste in tastes:
        if taste.kind is ReasonKind.LIKE:
            liking[taste.rows] = taste.amounts
    nobody = np.array([not any(map(each.of, POSITIVE)) for each in block])
    said_by_all = community.voted + community.picked
    scores = np.tile(said_by_all, (len(block), 1))
    matched = liking >= weights.like_floor
    typing = np.zeros_like(liking)
    for each in evidence:
        added = each.scores()
        scores += added
        matched |= each.admitted(added)
        if each is near:
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
        trust=trust,
        evidence=evidence,
        typed=typed,
        tastes=tastes,
        minors=minors,
        near=(liking, typing),
        community=community,
        scores=scores,
        matched=matched,
    )


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
    """What votes and what curators add, together at most `trending`.

    A curator's choice is worth half of that; votes fill the rest as far as they go.
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
    """What votes are worth, brought to a scale of 0 to 1 over an edition's papers (float32).

    The hottest is 1, one that is d cooler, in tenfolds of votes (see `trending`), 1/(1 + d), and a
    paper that has none 0; each times v/(v + 1) for v votes, as one vote is no sign of much, also on
    a day that has no other.
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
