"""Profile vectors: what somebody likes, or a phrase, as a vector to multiply papers with.

A full vector has thousands of words. A compact one keeps only the strongest and folds the others
into the low-rank part, so that it fits in a few pages of the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from digest.ranking.points import MARKS
from digest.ranking.sparse import Matrix, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.ranking.features import Features
    from digest.ranking.space import Space

MOST_MARKS = 768
FEWEST_MARKS = 256
MARKS_A_LIKE = 32
COMMON = 512
FORMAT = 5
"""The version of what `packed` writes: raise it when the bytes, or what they are made from, change."""
MOST_WORDS = 3
MOST_TELLING = 12
LEAST_TELLING = 1 / 4
AT_ONCE = 128
_SAY_NOTHING = frozenset({"com", "doi", "github", "html", "http", "https", "io", "org", "www"})
TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Directions:
    """Vectors of profiles or phrases, one a row; times a paper's point they give log-odds.

    `marks` (rows × MARKS) weighs words, categories and authors; `dense` the near, places and meaning
    columns of `Points`, side by side.
    """

    marks: Matrix
    dense: np.ndarray

    def only(self, rows: Sequence[int]) -> Directions:
        """These rows, in this order."""
        return Directions(marks=self.marks[rows], dense=self.dense[rows])

    def words(
        self, features: Features, rows: np.ndarray, papers: np.ndarray
    ) -> list[tuple[str, ...]]:
        """For each pair of a row and a paper, the words that contribute most to their product."""
        found: list[tuple[str, ...]] = []
        own = features.columns.only(self.marks)
        for start in range(0, len(rows), AT_ONCE):
            span = slice(start, start + AT_ONCE)
            wanted, at = np.unique(rows[span], return_inverse=True)
            held = features.words[papers[span]]
            asked = np.repeat(np.arange(held.shape[0]), np.diff(held.indptr))
            values = held.data * own[wanted].toarray()[at[asked], held.indices]
            found += _telling(features, asked, held.indices, values, held.shape[0])
        return found

    def parts(self, features: Features, row: int, paper: int) -> list[tuple[str, float]]:
        """What each word, category and author adds to the product of a row and a paper, which they sum to.

        A word adds by its own weight and by its share of the low-rank part. What an embedder adds is
        listed as the paper's meaning.
        """
        points, space = features.points, features.space
        near, places, meaning = np.split(self.dense[row], [space.dimensions, 2 * space.dimensions])
        length = float(np.linalg.norm(points.places[paper])) or 1.0
        toward = near / length + places
        drawn = space.axes.astype(np.float32) @ toward
        own = features.columns.only(self.marks[[row]]).toarray()[0]
        held = features.sparse[[paper]]
        found = []
        for column, value in zip(held.indices.tolist(), held.data.tolist(), strict=True):
            mark = int(features.columns.marks[column])
            part = own[column] + (drawn[mark] if mark < len(drawn) else 0.0)
            found.append((features.named(column), float(value * part)))
        if len(meaning):
            found.append(("its meaning", float(meaning @ points.meaning[paper])))
        return sorted((each for each in found if each[1]), key=lambda pair: -abs(pair[1]))


def _telling(
    features: Features, asked: np.ndarray, columns: np.ndarray, values: np.ndarray, count: int
) -> list[tuple[str, ...]]:
    """For each of `count` questions, up to three words with the largest positive values.

    `asked` (ascending) is the question that each column and its value belong to. No word is told
    that shares a stem with one before it.
    """
    said = np.flatnonzero(values > 0)
    # Sort by question, then by falling value: `within` is below 1, so questions do not mix.
    within = values[said].astype(float) / max(values.max(initial=0), TINY)
    best = said[np.argsort(asked[said] - within, kind="stable")]
    ends = np.searchsorted(asked[said], np.arange(count + 1))
    tops = (best[start : min(end, start + MOST_TELLING)] for start, end in pairwise(ends.tolist()))
    return [_distinct(features, columns[top].tolist(), values[top].tolist()) for top in tops]


def _distinct(
    features: Features, columns: Sequence[int], values: Sequence[float]
) -> tuple[str, ...]:
    """The first words without a common stem, as long as they are worth a quarter of the first.

    Of words that much of the archive has, one is told if there is no other.
    """
    found: list[str] = []
    general: list[str] = []
    used = set(_SAY_NOTHING)
    least = 0.0
    for each, value in zip(columns, values, strict=True):
        stems = features.stems(each)
        if value >= least and used.isdisjoint(stems):
            least = least or LEAST_TELLING * value
            if features.general[each]:
                general.append(features.named(each))
                continue
            used.update(stems)
            found.append(features.named(each))
            if len(found) == MOST_WORDS:
                break
    return tuple(found or general[:1])


@lru_cache
def nowhere(width: int) -> Directions:
    """No rows, with a dense part of this width; cached, since most blocks have no dislikes."""
    return Directions(marks=rows_of([], MARKS), dense=np.zeros((0, width), np.float32))


def stacked(looking: Sequence[Directions]) -> Directions:
    """Directions stacked as rows of one; there must be at least one."""
    marks = [each.marks for each in looking]
    # Usually these are hundreds of single rows, for which Python is quicker than numpy.
    lengths = [end - start for each in marks for start, end in pairwise(each.indptr.tolist())]
    values = np.concatenate([each.data for each in marks])
    columns = np.concatenate([each.indices for each in marks])
    ends = np.cumsum([0, *lengths], dtype=np.int32)
    return Directions(
        marks=sp.csr_array((values, columns, ends), shape=(len(lengths), MARKS)),
        dense=np.concatenate([each.dense for each in looking]),
    )


def summed(looking: Sequence[Directions]) -> Directions:
    """The sum of directions with the same number of rows."""
    first, *others = looking
    marks, dense = first.marks, first.dense
    for each in others:
        marks = sp.csr_array(marks + each.marks) if each.marks.nnz else marks
        dense = dense + each.dense
    return Directions(marks=marks, dense=dense)


def compact(directions: Directions, space: Space, likes: np.ndarray) -> Directions:
    """Keep each row's strongest marks, and approximate its other words in the low-rank space.

    A row keeps 256 marks, and 32 more for each of its `likes` (one number a row), up to 768; besides,
    the 512 commonest words, which most rows share. The other words r would add r·x to a paper x; the
    low-rank space captures r·V·Vᵀ·x of that.
    """
    marks, dense = directions.marks.copy(), directions.dense.copy()
    dimensions = space.dimensions
    strength = np.where(marks.indices < COMMON, np.inf, np.abs(marks.data))
    weak = np.zeros(marks.nnz, bool)
    common = np.concatenate([[0], np.cumsum(marks.indices < COMMON)])[marks.indptr]
    most = np.minimum(FEWEST_MARKS + MARKS_A_LIKE * likes, MOST_MARKS) + np.diff(common)
    for (start, end), kept in zip(pairwise(marks.indptr.tolist()), most.tolist(), strict=True):
        if (over := end - start - kept) > 0:
            weak[start + np.argpartition(strength[start:end], over)[:over]] = True
    words = weak & (marks.indices < len(space.axes))
    ends = np.concatenate([[0], np.cumsum(words)])[marks.indptr]
    rest = sp.csr_array(
        (marks.data[words], marks.indices[words], ends), shape=(len(dense), len(space.terms))
    )
    captured = space.places(rest) / space.stretch**2
    dense[:, dimensions : 2 * dimensions] += captured
    marks.data[weak] = 0
    marks.eliminate_zeros()
    return Directions(marks=marks, dense=dense)


def packed(directions: Directions) -> list[bytes]:
    """Rows as bytes for the store: mark numbers (int32), their values and the dense part (float16)."""
    marks = directions.marks.indices.astype(np.int32)
    values = directions.marks.data.astype(np.float16)
    return [
        marks[start:end].tobytes() + values[start:end].tobytes() + dense.tobytes()
        for (start, end), dense in zip(
            pairwise(directions.marks.indptr.tolist()),
            directions.dense.astype(np.float16),
            strict=True,
        )
    ]


def unpacked(rows: Sequence[bytes], width: int) -> Directions:
    """Read what `packed` wrote with a dense part of this width.

    Raises ValueError for bytes of another length.
    """
    if not rows:
        return nowhere(width)
    lengths = [(len(each) - 2 * width) // 6 for each in rows]
    if any(n < 0 or len(row) != 6 * n + 2 * width for row, n in zip(rows, lengths, strict=True)):
        raise ValueError("these bytes are of another space")
    both = list(zip(rows, lengths, strict=True))
    marks = b"".join(row[: 4 * n] for row, n in both)
    values = b"".join(row[4 * n : 6 * n] for row, n in both)
    dense = b"".join(row[6 * n :] for row, n in both)
    return Directions(
        marks=sp.csr_array(
            (
                np.frombuffer(values, np.float16).astype(np.float32),
                np.frombuffer(marks, np.int32),
                np.cumsum([0, *lengths], dtype=np.int32),
            ),
            shape=(len(rows), MARKS),
        ),
        dense=np.frombuffer(dense, np.float16).astype(np.float32).reshape(len(rows), width),
    )


def bundled(rows: Sequence[bytes]) -> bytes:
    """Several byte strings as one, each with its length before it; none give empty bytes."""
    return b"".join(len(each).to_bytes(4, "little") + each for each in rows)


def unbundled(content: bytes) -> list[bytes]:
    """Read what `bundled` wrote. Raises ValueError for anything else."""
    rows, at = [], 0
    while at < len(content):
        start = at + 4
        at = start + int.from_bytes(content[at:start], "little")
        rows.append(content[start:at])
    if at != len(content):
        raise ValueError("these bytes are of another space")
    return rows
