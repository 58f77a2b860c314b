"""Which papers of the archive lie nearest to a text, or to one of them: all of it, in memory.

All papers are compared by their first axes, which tell most, and the 2,000 that look best by all
of them, a byte an axis: 4 ms and 52 MB for 100,000 papers of 256 dimensions, and nine of ten among
the nearest hundred are those that comparing all by all axes would find. By `einsum`, because a
product of matrices has threads of its own, which wait for each other where others work too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from math import log
from typing import TYPE_CHECKING

import numpy as np

from digest.ranking.space import directions, terms, terms_of, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from digest.model import Paper
    from digest.ranking.space import Space

MOST_PAPERS = 100_000
READ_AT_ONCE = 2_000
LEVELS = 127
FIRST_AXES = 64
MOST_COMPARED = 2_000
MOST_TRUSTED = 20
TRUST = 2.0
FEW = 3
LEAST = 0.25
SAID_AGAIN = 2
DIRECTION = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nearness:
    """Papers where they lie in a space, newest first; it never changes, so any thread may ask it.

    `codes` (papers × dimensions, int8) times `steps` (one a paper, float32) are the vectors,
    `first` (axes × papers, float32) is what those have on the first 64 axes.
    """

    space: Space
    ids: Sequence[str]
    codes: np.ndarray
    steps: np.ndarray
    first: np.ndarray = field(init=False, repr=False)
    row: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        first = np.ascontiguousarray(self.codes[:, :FIRST_AXES].T, np.float32) * self.steps
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "row", {each: at for at, each in enumerate(self.ids)})

    def of_text(self, text: str, hits: Sequence[str] = (), *, most: int) -> dict[str, float]:
        """The papers nearest to a text, and all the hits, by cosine from the largest.

        `hits` are the papers that a search found by the text's words, best first. The first 20
        of them say what it is about, which a word or two hardly do: where the text lies is moved
        towards their middle (pseudo-relevance feedback: J. J. Rocchio, 1971), which counts twice
        as much as itself, and less the fewer they are, since one may have the words by accident.
        Of a text of which no word is known, nothing is near.
        """
        asked = self.space.dense(self.space.tfidf([terms(text)]))[0]
        if not asked.any():
            return {}
        held = np.array([self.row[each] for each in hits if each in self.row], int)
        trusted = held[:MOST_TRUSTED]
        trust = TRUST * len(trusted) / (len(trusted) + FEW)
        middle = _of_length_1(self._vectors(trusted).sum(axis=0))
        return self._around(asked + trust * middle, most, held)

    def of_paper(self, paper: Paper, *, most: int) -> dict[str, float]:
        """The papers nearest to one, itself left out, by cosine from the largest."""
        at = self.row.get(paper.id)
        if at is None:
            vector = self.space.dense(self.space.tfidf([terms_of(paper)]))[0]
        else:
            vector = self._vectors(np.array([at]))[0]
        near = self._around(vector, most + 1, np.empty(0, int))
        near.pop(paper.id, None)
        return dict(islice(near.items(), most))

    def telling(self, paper: Paper, *, most: int) -> list[str]:
        """The rarest words and pairs of a paper's title, or that its abstract repeats, rarest first.

        Pairs that the space does not know are left out: anybody may be the first to put two words
        side by side. What occurs more often counts as rarer.
        """
        weights = {
            term: (1 + log(count)) * self.space.rarity([term])
            for term, count in Counter(terms_of(paper)).items()
            if count >= SAID_AGAIN and (" " not in term or term in self.space.column)
        }
        return sorted(weights, key=lambda term: (-weights[term], term))[:most]

    def ordered(self, paper: Paper, others: Sequence[Paper]) -> list[Paper]:
        """Other papers, the one most like this first, by their words and a little by their direction.

        A word counts by its rarity once more than in a cosine of TF-IDF: what a paper of a rare
        subject shares with others of it are few words. Equally like ones stay in order.
        """
        tfidf = self.space.tfidf([terms_of(paper), *map(terms_of, others)])
        dense = self.space.dense(tfidf)
        asked = tfidf[[0]].multiply(self.space.idf).toarray()[0]
        likeness = tfidf[1:] @ _of_length_1(asked) + DIRECTION * dense[1:] @ dense[0]
        return [others[at] for at in np.argsort(-likeness, kind="stable").tolist()]

    def _vectors(self, rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.codes[rows] * self.steps[rows, np.newaxis]
        return found

    def _around(self, vector: np.ndarray, most: int, held: np.ndarray) -> dict[str, float]:
        vector = _of_length_1(vector)
        best = self._best(vector)
        cosines = self._cosines(best, vector)
        nearest = np.argsort(-cosines, kind="stable")[:most]
        nearest = nearest[cosines[nearest] >= LEAST]
        found = dict(zip(held.tolist(), self._cosines(held, vector).tolist(), strict=True))
        found |= dict(zip(best[nearest].tolist(), cosines[nearest].tolist(), strict=True))
        order = sorted(found, key=lambda at: (-found[at], at))
        return {self.ids[at]: found[at] for at in order}

    def _cosines(self, rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.einsum("ij,j->i", self.codes[rows], vector) * self.steps[rows]
        return found

    def _best(self, vector: np.ndarray) -> np.ndarray:
        """The rows that look nearest by the first axes."""
        if len(self.ids) <= MOST_COMPARED:
            return np.arange(len(self.ids))
        looks = np.einsum("ij,i->j", self.first, vector[:FIRST_AXES])
        return np.argpartition(looks, -MOST_COMPARED)[-MOST_COMPARED:]


def gather(space: Space, vectors: Iterable[tuple[str, bytes]]) -> Nearness:
    """The nearness of papers by their packed vectors in a space, the newest first.

    100,000 take a third of a second, and the time to read them.
    """
    ids: list[str] = []
    codes = [np.empty((0, space.dimensions), np.int8)]
    steps = [np.empty(0, np.float32)]
    rest = iter(vectors)
    while block := list(islice(rest, READ_AT_ONCE)):
        rows = directions(unpack([vector for _, vector in block]))
        step = np.abs(rows).max(axis=1) / LEVELS
        scaled = np.divide(rows, step[:, np.newaxis], where=step[:, np.newaxis] > 0, out=rows)
        ids.extend(paper_id for paper_id, _ in block)
        codes.append(np.rint(scaled, out=scaled).astype(np.int8))
        steps.append(step)
    return Nearness(space=space, ids=ids, codes=np.concatenate(codes), steps=np.concatenate(steps))


def _of_length_1(vector: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / (length or 1.0), np.float32)
