"""The picks of a digest in few bytes: the column `content` of `digests`.

Digests are most of what the database holds (a million a day, for three months), so what many of
them share is stored once and referred to by number: papers by theirs, the window and the `what` of
reasons in `strings`, the words of reasons by their place in the list of their paper (`words`).

    1, then varints (LEB128): window, matched, withheld, picks, rest, reasons, terms, widths, and
       the lowest number of a paper; after them, little-endian,
    papers    picks and rest, as distances from the lowest number (2 bytes each, or 4)
    heads     a reason each: term × 8 + words × 2 + whether it is the pick's last (1 byte, or 2)
    amounts   a reason each, in thousandths (2 bytes)
    places    a word each, in the list of the pick's paper (1 byte, or 2)
    teams     a pick each, an ASCII letter or 0 (only if there are teams)
    terms     varints: kind, `what`

Digests that do not fit into that form, or come from older versions, are JSON and begin with a bracket.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from digest.errors import ConfigError
from digest.model import Digest, Pick, Reason, ReasonKind

# Never reorder: places in it are kept.
KINDS = (
    ReasonKind.TOPIC,
    ReasonKind.KEYWORD,
    ReasonKind.WORDS,
    ReasonKind.AUTHOR,
    ReasonKind.LIKE,
    ReasonKind.DISLIKE,
    ReasonKind.TRENDING,
    ReasonKind.QUERY,
    ReasonKind.PICKED,
    ReasonKind.EXPLORE,
)
KIND_PLACES = {each: place for place, each in enumerate(KINDS)}
KINDS_BY_NAME = {each.value: each for each in KINDS}

COMPACT = b"\1"
HEAD = 16
THOUSANDTHS = 1000
MOST_AMOUNT = 32_767
MOST_WORDS = 3
ONE_BYTE, TWO_BYTES = 0xFF, 0xFFFF
MOST_TERMS = TWO_BYTES >> 3
MORE = 0x80  # the bit of a varint's byte after which there is another
FAR_PAPERS, MANY_TERMS, MANY_WORDS, TEAMS = 1, 2, 4, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The numbers of what digests share, for writing: papers, strings, and words by paper."""

    papers: Mapping[str, int]
    strings: Mapping[str, int]
    words: Mapping[int, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The papers, strings and words by number, for reading; papers that are gone have no entry.

    `joined`: some of the papers were merged into another one, which may be in the same digest.
    """

    papers: Mapping[int, str]
    strings: Mapping[int, str]
    words: Mapping[int, Sequence[str]]
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A content decoded to numbers; `plain` has the picks of one that is JSON."""

    window: int
    matched: int
    withheld: int
    shown: int
    papers: Sequence[int]
    heads: Sequence[int] = ()
    amounts: Sequence[int] = ()
    places: Sequence[int] = ()
    teams: bytes = b""
    terms: Sequence[tuple[ReasonKind, int]] = ()
    plain: Sequence[tuple[int, float, list[tuple[str, str, float, list[str]]], str]] = ()


def encode(digest: Digest, window: int, shared: Shared) -> bytes:
    """The content of a digest; papers of its `rest` that have no number are left out."""
    papers = [shared.papers[each.paper_id] for each in digest.picks]
    papers += [each for each in map(shared.papers.get, digest.rest) if each is not None]
    written = _reasons(digest.picks, papers, shared)
    if written is None:
        return _plain(digest, window, papers)
    heads, amounts, places, terms = written
    lowest = min(papers, default=0)
    far = max(papers, default=0) - lowest > TWO_BYTES
    teams = "".join(each.team or "\0" for each in digest.picks).encode()
    widths = (
        far * FAR_PAPERS
        | (len(terms) > ONE_BYTE >> 3) * MANY_TERMS
        | (max(places, default=0) > ONE_BYTE) * MANY_WORDS
        | any(teams) * TEAMS
    )
    shown = len(digest.picks)
    return b"".join(
        (
            COMPACT,
            _varints(
                (
                    window,
                    digest.matched,
                    digest.withheld,
                    shown,
                    len(papers) - shown,
                    len(heads),
                    len(terms),
                    widths,
                    lowest,
                )
            ),
            _bytes("I" if far else "H", [each - lowest for each in papers]),
            _bytes("H" if widths & MANY_TERMS else "B", heads),
            _bytes("h", amounts),
            _bytes("H" if widths & MANY_WORDS else "B", places),
            teams if widths & TEAMS else b"",
            _varints(
                number
                for kind, what in terms
                for number in (KIND_PLACES[kind], shared.strings[what])
            ),
        )
    )


def _reasons(
    picks: Sequence[Pick], papers: Sequence[int], shared: Shared
) -> tuple[list[int], list[int], list[int], list[tuple[ReasonKind, str]]] | None:
    """Heads, amounts, places and terms; None for what the compact form cannot hold."""
    if not all(each.reasons and len(each.team) <= 1 and each.team.isascii() for each in picks):
        return None
    terms: list[tuple[ReasonKind, str]] = []
    seen: dict[str, tuple[ReasonKind, int]] = {}
    heads: list[int] = []
    amounts: list[int] = []
    found: list[int | None] = []
    longest: tuple[str, ...] = ()
    apart = 0
    for pick, paper in zip(picks, papers, strict=False):
        place_of = shared.words.get(paper, {}).get
        total = 0
        for reason in pick.reasons:
            words = reason.words
            term = seen.get(reason.what)
            # Names up by `what` alone, as two kinds hardly ever share it.
            if term is None or term[0] is not reason.kind:
                term = seen[reason.what] = (reason.kind, _place(terms, reason.kind, reason.what))
            amount = round(reason.amount * THOUSANDTHS)
            total += amount
            amounts.append(amount)
            if words:
                heads.append(term[1] << 3 | len(words) << 1)
                found += map(place_of, words)
                longest = longest if len(longest) >= len(words) else words
            else:
                heads.append(term[1] << 3)
        heads[-1] |= 1
        # Each amount is rounded, and so is the score.
        rounded = len(pick.reasons)
        apart = max(apart, abs(round(pick.score * THOUSANDTHS) - total) - rounded)
    places = [each for each in found if each is not None]
    fits = (
        apart <= 0
        and len(longest) <= MOST_WORDS
        and len(places) == len(found)
        and len(terms) <= MOST_TERMS
        and all(kind in KIND_PLACES for kind, _ in terms)
        and min(amounts, default=0) >= -MOST_AMOUNT
        and max(amounts, default=0) <= MOST_AMOUNT
    )
    return (heads, amounts, places, terms) if fits else None


def _place(terms: list[tuple[ReasonKind, str]], kind: ReasonKind, what: str) -> int:
    """The place of a term in the list; a new one is appended."""
    if (kind, what) not in terms:
        terms.append((kind, what))
    return terms.index((kind, what))


def _plain(digest: Digest, window: int, papers: Sequence[int]) -> bytes:
    picks = [
        (
            paper,
            pick.score,
            [(each.kind, each.what, each.amount, each.words) for each in pick.reasons],
            pick.team,
        )
        for pick, paper in zip(digest.picks, papers, strict=False)
    ]
    rest = papers[len(picks) :]
    return json.dumps((window, digest.matched, digest.withheld, picks, rest)).encode()


def window_in(content: bytes) -> int:
    """The number of the window alone; of a compact content, HEAD bytes are enough."""
    return _numbers(content, 1, 1)[0][0] if content[:1] == COMPACT else decode(content).window


def papers_in(content: bytes, *, titles: bool = True) -> Sequence[int]:
    """The numbers of the papers alone: picks, then with `titles` the rest."""
    if content[:1] != COMPACT:
        plain = decode(content)
        return plain.papers if titles else plain.papers[: plain.shown]
    (_, _, _, shown, rest, _, _, widths, lowest), start = _numbers(content, 1, 9)
    code, size = ("I", 4) if widths & FAR_PAPERS else ("H", 2)
    found = _array(code, content[start : start + size * (shown + rest * titles)])
    return [lowest + each for each in found]


def decode(content: bytes) -> Decoded:
    """Decode a content to numbers, so that their meanings can be looked up for many at once.

    Raises ConfigError for bytes that `encode` has not written.
    """
    try:
        return _decode(content) if content[:1] == COMPACT else _decode_plain(content)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            "The database holds a digest that cannot be read; restore it from a backup."
        ) from error


def _decode_plain(content: bytes) -> Decoded:
    window, matched, withheld, picks, rest = json.loads(content)
    return Decoded(
        window=window,
        matched=matched,
        withheld=withheld,
        shown=len(picks),
        papers=[*(each[0] for each in picks), *rest],
        plain=picks,
    )


def _decode(content: bytes) -> Decoded:
    numbers, at = _numbers(content, 1, 9)
    window, matched, withheld, shown, rest, reasons, terms, widths, lowest = numbers

    def run(code: str, size: int, count: int) -> array[int]:
        nonlocal at
        start, at = at, at + size * count
        return _array(code, content[start:at])

    papers = run("I", 4, shown + rest) if widths & FAR_PAPERS else run("H", 2, shown + rest)
    heads = run("H", 2, reasons) if widths & MANY_TERMS else run("B", 1, reasons)
    amounts = run("h", 2, reasons)
    words = sum([each >> 1 & MOST_WORDS for each in heads])
    places = run("H", 2, words) if widths & MANY_WORDS else run("B", 1, words)
    teams = bytes(run("B", 1, shown)) if widths & TEAMS else b""
    numbers, at = _numbers(content, at, 2 * terms)
    kinds = [(KINDS[kind], what) for kind, what in zip(numbers[::2], numbers[1::2], strict=True)]
    if at != len(content):
        raise ValueError(at)
    return Decoded(
        window=window,
        matched=matched,
        withheld=withheld,
        shown=shown,
        papers=[lowest + each for each in papers],
        heads=heads,
        amounts=amounts,
        places=places,
        teams=teams,
        terms=kinds,
    )


def picks_of(found: Decoded, names: Names) -> tuple[Pick, ...]:
    """The picks of a decoded content, without those whose paper is gone."""
    if found.plain:
        return tuple(_plain_picks(found, names))
    picks: list[Pick] = []
    terms = [(kind, names.strings[what]) for kind, what in found.terms]
    places = found.places
    reasons: list[Reason] = []
    words: tuple[str, ...]
    total = place = at = 0
    listed = names.words.get(found.papers[0], ()) if found.shown else ()
    for head, amount in zip(found.heads, found.amounts, strict=True):
        kind, what = terms[head >> 3]
        if count := head >> 1 & MOST_WORDS:
            words = tuple(map(listed.__getitem__, places[at : at + count]))
            at += count
        else:
            words = ()
        reasons.append(Reason(kind, what, amount / THOUSANDTHS, words))
        total += amount
        if head & 1:
            name = names.papers.get(found.papers[place])
            team = chr(found.teams[place]).strip("\0") if found.teams else ""
            if name is not None:
                picks.append(Pick(name, total / THOUSANDTHS, tuple(reasons), team))
            reasons, total, place = [], 0, place + 1
            if place < found.shown:
                listed = names.words.get(found.papers[place], ())
    return tuple(picks)


def rest_of(found: Decoded, names: Names) -> tuple[str, ...]:
    """The further papers of a decoded content, without those that are gone."""
    papers = map(names.papers.get, found.papers[found.shown :])
    return tuple([each for each in papers if each is not None])


def _plain_picks(found: Decoded, names: Names) -> Iterable[Pick]:
    for paper, score, reasons, team in found.plain:
        if paper in names.papers:
            yield Pick(
                paper_id=names.papers[paper],
                score=score,
                reasons=tuple(
                    Reason(
                        kind=KINDS_BY_NAME[kind],
                        what=what,
                        amount=amount,
                        words=tuple(words[0]) if words else (),
                    )
                    for kind, what, amount, *words in reasons
                ),
                team=team,
            )


def _numbers(content: bytes, at: int, count: int) -> tuple[list[int], int]:
    """The next `count` varints, and the position after them."""
    found: list[int] = []
    for _ in range(count):
        number = content[at]
        at += 1
        if number >= MORE:
            number, shift = number & ~MORE, 7
            while (byte := content[at]) >= MORE:
                number |= (byte & ~MORE) << shift
                at, shift = at + 1, shift + 7
            number |= byte << shift
            at += 1
        found.append(number)
    return found, at


def _varints(numbers: Iterable[int]) -> bytes:
    written = bytearray()
    for each in numbers:
        rest = each
        while rest >= MORE:
            written.append(rest & ~MORE & ONE_BYTE | MORE)
            rest >>= 7
        written.append(rest)
    return bytes(written)


def _bytes(code: str, values: Iterable[int]) -> bytes:
    found = array(code, values)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def _array(code: str, content: bytes) -> array[int]:
    found = array(code, content)
    if sys.byteorder == "big":
        found.byteswap()
    return found
