"""A space in which texts that mean alike lie near each other, learned from an archive of papers.

Two views of a text: its words weighed by how rare they are (sublinear TF-IDF over one and two
words), and where it lies in the low-rank space of words that occur together (latent semantic
analysis: S. Deerwester and others, "Indexing by latent semantic analysis", JASIS 41, 1990).
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import pairwise
from math import log, sqrt
from typing import TYPE_CHECKING, TypeAlias
from zipfile import BadZipFile

import numpy as np
import scipy.sparse as sp

from digest.ranking import companions
from digest.ranking.sparse import rows_of, strongest
from digest.text import words
from digest.text.function_words import FUNCTION_WORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from digest.model import Paper

MOST_TERMS = 100_000
MOST_ON_AXES = 40_000
MOST_DIMENSIONS = 256
FEWEST_PAPERS = 500
BREAK = "\t"  # between the categories of a paper, of which bioRxiv's are several words
PAPERS_A_DIMENSION = 10
RAREST_TERM_IN = 2
FLATTENING = 0.25
MOST_REFERENCES = 20_000
TERMS_OF_A_REFERENCE = 64
MOST_DOUBLED = 0.03
FEWEST_VOTED = 30

Matrix: TypeAlias = sp.csr_array


def terms(text: str) -> list[str]:
    """The words of a text that carry meaning, and the pairs of them that stand side by side."""
    kept = [word for word in words(text) if len(word) > 1 and word not in FUNCTION_WORDS]
    return [*kept, *(f"{one} {two}" for one, two in pairwise(kept))]


def terms_of(paper: Paper) -> list[str]:
    """The terms of a paper; those of the title count twice."""
    return 2 * terms(paper.title) + terms(paper.abstract)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class References:
    """Papers of the archive that a profile of few words or likes is rounded out with.

    `tfidf` holds a row a paper, its 64 strongest terms; `near` where it lies (rows of length 1),
    `categories` the category ids of each, and `companions` (papers × papers) for each the ones
    that the same people like, rows that sum to 1 or are empty.
    """

    ids: Sequence[str]
    categories: Sequence[Sequence[str]]
    tfidf: Matrix
    near: np.ndarray
    companions: Matrix


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """What words weigh and mean, learned from `papers` papers.

    `terms` are the columns of TF-IDF, the most frequent first, and `idf` (float32) their
    rarities. `axes` (terms × dimensions, float16) is where the first of them lie in the low-rank
    space, `variance` what papers vary along each axis, `stretch` what each was multiplied by, and
    `voted` (dimensions, float32) the way from all papers to those that people have voted for, zeros
    where these are too few. Without dimensions the archive was too small to tell what words go
    together.
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
        """How many axes the low-rank space has; 0 where too little was learned from."""
        return int(self.axes.shape[1])

    def tfidf(self, found: Iterable[Iterable[str]]) -> Matrix:
        """Texts, each as its terms, as rows of length 1 or less (float32).

        Rows are divided by the length they would have if all their words were known: one that no
        paper of the archive has counts as the rarest of terms. Where few papers give few words,
        any two texts would otherwise be alike by what little they share.
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
        """The IDF of the rarest of these terms; of a word that no document has, or of none, the highest."""
        highest = log(self.papers + 2) + 1
        known = [
            float(self.idf[self.column[each]]) if each in self.column else highest
            for each in found
            if each in self.column or " " not in each
        ]
        return max(known, default=highest)

    def places(self, tfidf: Matrix) -> np.ndarray:
        """Where rows of `tfidf` lie in the low-rank space (rows × dimensions, float32)."""
        # Axes are kept in half precision, which nothing multiplies in: only those asked for grow.
        there = np.zeros(tfidf.shape[1], bool)
        there[tfidf.indices] = True
        used = np.flatnonzero(there[: len(self.axes)])
        return np.asarray(tfidf[:, used] @ self.axes[used].astype(np.float32), np.float32)

    def dense(self, tfidf: Matrix) -> np.ndarray:
        """The directions of rows of `tfidf` in the low-rank space, each of length 1.

        A row of which nothing is known stays zero.
        """
        return directions(self.places(tfidf))


def directions(rows: np.ndarray) -> np.ndarray:
    """Rows brought to length 1; zero ones stay zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


def learn(
    papers: Sequence[Paper],
    libraries: Iterable[Sequence[str]] = (),
    voted: Collection[str] = frozenset(),
) -> Space:
    """The space of these papers, newest first; the same papers give the same space.

    `libraries` are what people like, each a list of paper ids: papers that the same people like
    are companions. `voted` are the ids of papers that people have voted for lately. Axes are stretched by their singular values to the power of minus a quarter,
    halfway between plain LSA and one in which frequent themes count no more than rare ones. There
    is one for ten papers, 256 at most, and none for fewer than 500 papers or where hardly any word
    stands in two of them.
    """
    held = [sorted(each) for each in libraries]
    learned = bare(papers)
    if len(papers) < FEWEST_PAPERS:
        return learned
    # Terms are made a second time rather than kept: of 50,000 papers they would be a gigabyte.
    tfidf = learned.tfidf(terms_of(each) for each in papers)
    on_axes = tfidf[:, :MOST_ON_AXES]
    dimensions = min(MOST_DIMENSIONS, len(papers) // PAPERS_A_DIMENSION, on_axes.shape[1] - 1)
    if dimensions < 1:
        return learned
    # Only learning needs it, and it alone is half of what a process that ranks would hold.
    from sklearn.utils.extmath import randomized_svd  # noqa: PLC0415

    _, weights, axes = randomized_svd(on_axes, dimensions, n_iter=3, random_state=0)
    stretch = (weights / weights[0]).clip(1e-6) ** -FLATTENING
    space = replace(
        learned,
        axes=np.asarray(axes.T * stretch, np.float16),
        variance=np.asarray(weights**2 / len(papers), np.float32),
        stretch=np.asarray(stretch, np.float32),
    )
    references = _references(space, papers, tfidf, held)
    rows = [at for at, each in enumerate(papers) if each.id in voted]
    space = replace(space, references=references, voted=_toward(space, tfidf[rows], references))
    return replace(space, name=_name(space))


def _toward(space: Space, voted: Matrix, references: References) -> np.ndarray:
    """From the mean of a sample of all papers to that of what people have voted for."""
    if voted.shape[0] < FEWEST_VOTED:
        return np.zeros(space.dimensions, np.float32)
    usual = references.near.mean(axis=0, dtype=np.float32)
    return np.asarray(space.dense(voted).mean(axis=0) - usual, np.float32)


def bare(papers: Sequence[Paper]) -> Space:
    """The words of these papers and their rarities alone, however many they are."""
    frequency: Counter[str] = Counter()
    pairs = doubled = 0
    for each in papers:
        found = terms_of(each)
        frequency.update(set(found))
        pairs += sum(" " in term for term in found)
        doubled += sum(" " in term and len(set(term.split(" "))) == 1 for term in found)
    # Some sources list a paper's words, each as often as it occurs, rather than its text. A word
    # next to itself, rare in what people write, then makes a good part of all pairs, and pairs
    # mean nothing.
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
    """A name that changes with anything in which what is kept of papers and readers could differ."""
    mark = blake2b("\n".join(space.terms).encode(), digest_size=6)
    for each in (space.idf, space.axes, space.stretch):
        mark.update(np.ascontiguousarray(each).tobytes())
    if space.references is not None:
        mark.update("\n".join(space.references.ids).encode())
        companions = space.references.companions
        for each in (companions.data, companions.indices, companions.indptr):
            mark.update(np.ascontiguousarray(each).tobytes())
    return f"lsa:{mark.hexdigest()}"


def _references(
    space: Space, papers: Sequence[Paper], tfidf: Matrix, libraries: Iterable[Sequence[str]]
) -> References:
    """What people like, and a sample of the rest that is the same for the same papers."""
    row = {each.id: at for at, each in enumerate(papers)}
    held = [[row[each] for each in library if each in row] for library in libraries]
    liked = {at for library in held for at in library}
    others = np.random.default_rng(0).permutation(len(papers))
    chosen = [*sorted(liked), *(at for at in others.tolist() if at not in liked)]
    chosen = sorted(chosen[:MOST_REFERENCES])
    place = {at: n for n, at in enumerate(chosen)}
    own = [[place[at] for at in library if at in place] for library in held]
    rows = tfidf[chosen]
    return References(
        ids=[papers[at].id for at in chosen],
        categories=[papers[at].categories for at in chosen],
        tfidf=strongest(rows, TERMS_OF_A_REFERENCE),
        near=space.dense(rows).astype(np.float16),
        companions=companions.of(own, len(chosen)),
    )


def dumps(space: Space) -> bytes:
    """A space as bytes that `loads` reads, axes and weights in half precision.

    Scores then differ by less than a hundredth; where two papers of the archive are all but equally near
    to a like, the other one may be taken for its neighbour.
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
            **_arrays("companions", references.companions),
        }
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **kept)
    return out.getvalue()


def loads(content: bytes) -> Space:
    """The space that `dumps` wrote. Raises ValueError for anything else."""
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
                voted=_kept_voted(kept),
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
    ids = _lines(kept["ids"])
    return References(
        ids=ids,
        categories=_kept_categories(kept),
        tfidf=_matrix("tfidf", kept, (len(ids), width)),
        near=kept["near"],
        companions=_matrix("companions", kept, (len(ids), len(ids))),
    )


def _kept_voted(kept: Mapping[str, np.ndarray]) -> np.ndarray:
    if "voted" in kept:
        return kept["voted"]
    return np.zeros_like(kept["variance"])  # of before, when votes were for their own papers alone


def _kept_categories(kept: Mapping[str, np.ndarray]) -> list[list[str]]:
    if "categories" in kept:  # of before, when no category had several words
        return [each.split() for each in _lines(kept["categories"])]
    return [each.split(BREAK) if each else [] for each in _lines(kept["categories_by_tab"])]


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
    """Dense rows as bytes for the store, half precision."""
    return [row.tobytes() for row in rows.astype(np.float16)]


def unpack(rows: Sequence[bytes]) -> np.ndarray:
    """What `pack` wrote, as float32 rows; all must be of one length."""
    if not rows:
        return np.zeros((0, 0), np.float32)
    flat = np.frombuffer(b"".join(rows), np.float16).astype(np.float32)
    return flat.reshape(len(rows), -1)
