"""Learns from an archive of papers how to weigh words, and a space in which similar texts are near.

A text has two views: sublinear TF-IDF over words and pairs of words, and its place in a low-rank
space of words that occur together (latent semantic analysis: S. Deerwester and others, "Indexing by
latent semantic analysis", JASIS 41, 1990).
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import pairwise
from math import log, sqrt
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
import scipy.sparse as sp

from digest.ranking.sparse import Matrix, rows_of, strongest
from digest.text import words
from digest.text.function_words import FUNCTION_WORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from digest.model import Paper

MOST_TERMS = 100_000
MOST_ON_AXES = 40_000
MOST_DIMENSIONS = 256
FEWEST_PAPERS = 500
BREAK = "\t"  # between the categories of a paper, since bioRxiv's may contain spaces
PAPERS_A_DIMENSION = 10
RAREST_TERM_IN = 2
FLATTENING = 0.25
MOST_REFERENCES = 20_000
TERMS_OF_A_REFERENCE = 64
MOST_DOUBLED = 0.03
FEWEST_VOTED = 30


def terms(text: str) -> list[str]:
    """The content words of a text, and adjacent pairs of them."""
    kept = [word for word in words(text) if len(word) > 1 and word not in FUNCTION_WORDS]
    return [*kept, *(f"{one} {two}" for one, two in pairwise(kept))]


def terms_of(paper: Paper) -> list[str]:
    """The terms of a paper, those of its title twice."""
    return 2 * terms(paper.title) + terms(paper.abstract)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class References:
    """Papers of the archive that complement a profile of few likes or words.

    Each paper has a row: `tfidf` holds its 64 strongest terms, `near` its direction (length 1) and
    `categories` its category ids.
    """

    ids: Sequence[str]
    categories: Sequence[Sequence[str]]
    tfidf: Matrix
    near: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """Word weights and a low-rank space, learned from `papers` papers.

    `terms` are the columns of TF-IDF, most frequent first, and `idf` (float32) their weights. `axes`
    (terms × dimensions, float16) places the first terms in the low-rank space, `variance`
    (dimensions) is the variance of papers along each axis, and `stretch` (dimensions) the factor of
    each axis. `voted` (dimensions, float32) points from the mean paper to the mean of those with
    votes; it is zero if these are few. There are no dimensions if the archive was too small.
    """

    name: str
    papers: int
    terms: Sequence[str]
    idf: np.ndarray
    axes: np.ndarray
    variance: np.ndarray
    stretch: np.ndarray
    voted: np.ndarray
    references: References | None = None
    column: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "column", {term: at for at, term in enumerate(self.terms)})

    @property
    def dimensions(self) -> int:
        """The number of axes of the low-rank space; 0 if the archive was too small."""
        return int(self.axes.shape[1])

    def tfidf(self, found: Iterable[Iterable[str]]) -> Matrix:
        """TF-IDF of texts, each given as its terms: rows of length 1 or less (float32).

        An unknown word counts as the rarest of terms towards a row's length. Otherwise any two texts
        of mostly unknown words would be similar by the few that are known.
        """
        rarest = self.rarity(())
        rows: list[tuple[np.ndarray, np.ndarray]] = []
        for each in found:
            known: dict[int, float] = {}
            unknown = 0.0
            for term, count in Counter(each).items():
                at = self.column.get(term)
                if at is not None:
                    known[at] = 1 + log(count)
                elif " " not in term:
                    unknown += ((1 + log(count)) * rarest) ** 2
            columns = np.array(sorted(known), np.int32)
            values = np.array([known[at] for at in columns.tolist()]) * self.idf[columns]
            rows.append((columns, values / (sqrt(float(values @ values) + unknown) or 1.0)))
        return rows_of(rows, len(self.terms))

    def rarity(self, found: Iterable[str]) -> float:
        """The IDF of the rarest of these terms; the highest possible for an unknown word, or no terms."""
        highest = log(self.papers + 2) + 1
        known = [
            float(self.idf[self.column[each]]) if each in self.column else highest
            for each in found
            if each in self.column or " " not in each
        ]
        return max(known, default=highest)

    def places(self, tfidf: Matrix) -> np.ndarray:
        """Rows of `tfidf` as vectors in the low-rank space (rows × dimensions, float32)."""
        # The axes are float16, which must be converted to multiply: only those needed are.
        there = np.zeros(tfidf.shape[1], bool)
        there[tfidf.indices] = True
        used = np.flatnonzero(there[: len(self.axes)])
        return np.asarray(tfidf[:, used] @ self.axes[used].astype(np.float32), np.float32)

    def dense(self, tfidf: Matrix) -> np.ndarray:
        """The directions of rows of `tfidf` in the low-rank space, of length 1 or zero."""
        return directions(self.places(tfidf))


def directions(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1; zero rows stay zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


def learn(papers: Sequence[Paper], voted: Collection[str] = frozenset()) -> Space:
    """Learn the space of these papers, newest first; the same papers give the same space.

    `voted` are ids of papers with recent votes. Axes are scaled by their singular values to the power
    of -1/4, halfway between plain LSA and equal weight for frequent and rare themes. There is an axis
    for every ten papers, up to 256, but none for fewer than 500 papers, or if hardly any word occurs
    in two of them.
    """
    learned = bare(papers)
    if len(papers) < FEWEST_PAPERS:
        return learned
    # The terms are made again rather than kept: those of 50,000 papers take a gigabyte.
    tfidf = learned.tfidf(terms_of(each) for each in papers)
    on_axes = tfidf[:, :MOST_ON_AXES]
    dimensions = min(MOST_DIMENSIONS, len(papers) // PAPERS_A_DIMENSION, on_axes.shape[1] - 1)
    if dimensions < 1:
        return learned
    # Imported here because only learning needs it, and it would double a ranking process's memory.
    from sklearn.utils.extmath import randomized_svd  # noqa: PLC0415

    _, weights, axes = randomized_svd(on_axes, dimensions, n_iter=3, random_state=0)
    stretch = (weights / weights[0]).clip(1e-6) ** -FLATTENING
    space = replace(
        learned,
        axes=np.asarray(axes.T * stretch, np.float16),
        variance=np.asarray(weights**2 / len(papers), np.float32),
        stretch=np.asarray(stretch, np.float32),
    )
    references = _references(space, papers, tfidf)
    rows = [at for at, each in enumerate(papers) if each.id in voted]
    space = replace(space, references=references, voted=_toward(space, tfidf[rows], references))
    return replace(space, name=_name(space))


def _toward(space: Space, voted: Matrix, references: References) -> np.ndarray:
    """The way from the mean of the reference papers to the mean of those with votes."""
    if voted.shape[0] < FEWEST_VOTED:
        return np.zeros(space.dimensions, np.float32)
    usual = references.near.mean(axis=0, dtype=np.float32)
    return np.asarray(space.dense(voted).mean(axis=0) - usual, np.float32)


def bare(papers: Sequence[Paper]) -> Space:
    """A space of word weights alone, without dimensions, for any number of papers."""
    frequency: Counter[str] = Counter()
    pairs = doubled = 0
    for each in papers:
        found = terms_of(each)
        frequency.update(set(found))
        pairs += sum(" " in term for term in found)
        doubled += sum(" " in term and len(set(term.split(" "))) == 1 for term in found)
    # Some sources list a paper's words by number of occurrences instead of its text. Then many pairs
    # are a word next to itself, which is rare in real text, and pairs mean nothing.
    in_order = doubled <= MOST_DOUBLED * pairs
    least = RAREST_TERM_IN if len(papers) >= FEWEST_PAPERS else 1
    held = [
        (-n, term) for term, n in frequency.items() if n >= least and (in_order or " " not in term)
    ]
    kept = [term for _, term in sorted(held)[:MOST_TERMS]]
    idf = np.log((1 + len(papers)) / (1 + np.array([frequency[term] for term in kept]))) + 1
    nothing = np.zeros(0, np.float32)
    space = Space(
        name="",
        papers=len(papers),
        terms=kept,
        idf=idf.astype(np.float32),
        axes=np.zeros((min(len(kept), MOST_ON_AXES), 0), np.float16),
        variance=nothing,
        stretch=nothing,
        voted=nothing,
    )
    return replace(space, name=_name(space))


def _name(space: Space) -> str:
    """A name that changes whenever stored vectors of papers or readers would become invalid."""
    mark = blake2b("\n".join(space.terms).encode(), digest_size=6)
    for each in (space.idf, space.axes, space.stretch):
        mark.update(np.ascontiguousarray(each).tobytes())
    if space.references is not None:
        mark.update("\n".join(space.references.ids).encode())
    return f"lsa:{mark.hexdigest()}"


def _references(space: Space, papers: Sequence[Paper], tfidf: Matrix) -> References:
    """A sample of the papers, always the same for the same papers."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(papers))[:MOST_REFERENCES]).tolist()
    rows = tfidf[chosen]
    return References(
        ids=[papers[at].id for at in chosen],
        categories=[papers[at].categories for at in chosen],
        tfidf=strongest(rows, TERMS_OF_A_REFERENCE),
        near=space.dense(rows).astype(np.float16),
    )


def dumps(space: Space) -> bytes:
    """A space as bytes for `loads`, with axes and weights in half precision.

    Scores change by less than a hundredth. Where two papers of the archive are almost equally near to
    a like, the other one may become its neighbour.
    """
    kept = {
        "about": np.array([space.name, str(space.papers)]),
        "terms": _text(space.terms),
        "idf": space.idf,
        "axes": space.axes,
        "variance": space.variance,
        "stretch": space.stretch,
        "voted": space.voted,
    }
    if space.references is not None:
        references = space.references
        kept |= {
            "ids": _text(references.ids),
            "categories_by_tab": _text(
                BREAK.join(" ".join(i.split()) for i in each) for each in references.categories
            ),
            "near": references.near,
            **_arrays("tfidf", references.tfidf),
        }
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **kept)
    return out.getvalue()


def loads(content: bytes) -> Space:
    """Read what `dumps` wrote. Raises ValueError for anything else, after which one learns anew."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as kept:
            name, papers = kept["about"].tolist()
            words = _lines(kept["terms"])
            return Space(
                name=name,
                papers=int(papers),
                terms=words,
                idf=kept["idf"],
                axes=kept["axes"],
                variance=kept["variance"],
                stretch=kept["stretch"],
                voted=kept["voted"],
                references=_kept_references(kept, len(words)) if "ids" in kept else None,
            )
    except (
        ValueError,
        LookupError,
        OSError,
        EOFError,
        TypeError,
        RuntimeError,
        BadZipFile,
    ) as error:
        raise ValueError("these bytes are no space") from error


def _kept_references(kept: Mapping[str, np.ndarray], width: int) -> References:
    if "companions_values" in kept:  # of before: it tells which papers people like together
        raise ValueError("learned from what people like")
    ids = _lines(kept["ids"])
    return References(
        ids=ids,
        categories=[
            each.split(BREAK) if each else [] for each in _lines(kept["categories_by_tab"])
        ],
        tfidf=_matrix("tfidf", kept, (len(ids), width)),
        near=kept["near"],
    )


def _text(lines: Iterable[str]) -> np.ndarray:
    return np.frombuffer("".join(f"{each}\n" for each in lines).encode(), np.uint8)


def _lines(text: np.ndarray) -> list[str]:
    return text.tobytes().decode().split("\n")[:-1]


def _arrays(name: str, matrix: Matrix) -> dict[str, np.ndarray]:
    return {
        f"{name}_values": matrix.data.astype(np.float16),
        f"{name}_columns": matrix.indices.astype(np.int32),
        f"{name}_ends": matrix.indptr.astype(np.int32),
    }


def _matrix(name: str, kept: Mapping[str, np.ndarray], shape: tuple[int, int]) -> Matrix:
    values = kept[f"{name}_values"].astype(np.float32)
    return sp.csr_array((values, kept[f"{name}_columns"], kept[f"{name}_ends"]), shape=shape)


def pack(rows: np.ndarray) -> list[bytes]:
    """Dense rows as bytes for the store, in half precision."""
    return [row.tobytes() for row in rows.astype(np.float16)]


def unpack(rows: Sequence[bytes]) -> np.ndarray:
    """Read what `pack` wrote, as float32 rows; all must be of one length."""
    if not rows:
        return np.zeros((0, 0), np.float32)
    flat = np.frombuffer(b"".join(rows), np.float16).astype(np.float32)
    return flat.reshape(len(rows), -1)
