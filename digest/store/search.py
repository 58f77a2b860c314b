"""What people type into a search box, as a valid FTS5 expression."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from digest.matching import QUERY_PART, STOP_WORDS, is_pasted
from digest.text import fold, without_strokes

MOST_CHARACTERS = 500
MOST_TERMS = 16
SHORTEST_PREFIX = 3

PREFIX = re.compile(r"(.*[^\W_])[\W_]*\*", re.DOTALL)
# Text copied from PDF files has ligatures, listings rarely do. CO₂ and the like are indexed as written.
LIGATURES = {each: unicodedata.normalize("NFKC", chr(each)) for each in range(0xFB00, 0xFB07)}
WHOLE_WORDS = re.compile(r".*\S(?=\s)", re.DOTALL)

# The index has only the stems of words (M. F. Porter, "An algorithm for suffix stripping",
# Program 14, 1980), which may be shorter than a prefix. A prefix that ends within one of these
# endings is therefore also looked up with the rest of the ending.
ENDINGS = (
    "ability", "al", "ancy", "ation", "ational", "ative", "ator", "bility", "ed", "ence", "ful",
    "ibility", "ing", "ion", "ism", "ity", "ive", "ize", "ly", "ment", "ness", "ous",
)  # fmt: skip
# Stemming changes prefixes that end like this (`key` to `kei`, `coding` to `code`), but not if an
# "e" follows.
BENT = ("y", "ys", "ing", "ed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One search term; `beginning` is the folded prefix, if it is one."""

    expression: str
    demanded: bool = False
    beginning: str = ""


def expressions(query: str, count: Callable[[str], int], most: int) -> Iterator[tuple[str, str]]:
    """The MATCH expressions to try in turn, each with the one that selects the papers it ranks.

    First all terms, then any of them; no expressions for a query without terms. If `count` says that
    more papers have any of the terms than the `most` that are ranked, papers with one of the rarest
    terms come before, ranked by all terms: otherwise only the newest papers with a common word
    would be found.

    Every term is quoted, so that the operators, column names and punctuation of FTS5's query language
    (sqlite.org/fts5.html, section 3) are plain text. What stays is `"a phrase"` and `prefix*` (of at
    least three letters), which every result must have, unless the text was pasted. Stop words outside
    phrases count only when there is nothing else.

    A `prefix*` also matches words that only share a stem with a word that begins like this; use
    `beginnings` to sort those out.
    """
    terms = _terms(query)
    demanded = [each.expression for each in terms if each.demanded]
    others = [each.expression for each in terms if not each.demanded]
    if terms:
        everything = " AND ".join((*demanded, *others))
        yield everything, everything
    if len(others) > 1:
        counts = {each: count(" AND ".join((*demanded, each))) for each in others}
        rarest, either = _rarest(counts, most), _any(demanded, others)
        if rarest:
            yield either, _any(demanded, rarest)
        yield either, either
    if demanded and others:
        yield " AND ".join(demanded), " AND ".join(demanded)


def beginnings(query: str) -> list[str]:
    """The folded prefix of every `prefix*` in a query; each result must have a word for each."""
    return [each.beginning for each in _terms(query) if each.beginning]


def _any(demanded: Sequence[str], others: Sequence[str]) -> str:
    return " AND ".join((*demanded, f"({' OR '.join(others)})"))


def _rarest(counts: Mapping[str, int], most: int) -> list[str]:
    """The rarest terms that together have at most `most` papers, at least one; [] if that is all."""
    known = sorted(filter(counts.get, counts), key=counts.__getitem__)
    fitting = sum(total <= most for total in accumulate(counts[each] for each in known))
    return known[: max(fitting, 1)] if fitting < len(known) else []


def _terms(query: str) -> list[Term]:
    # A NUL would end the expression for SQLite, a lone surrogate cannot be stored as UTF-8.
    clean = _cut(query).replace("\0", " ").encode("utf-8", "ignore").decode()
    clean = without_strokes(clean)
    demanding = not is_pasted(query)
    found: list[Term] = []
    plain: list[Term] = []
    for match in QUERY_PART.finditer(clean):
        phrase, word = match.group(1), match.group(2)
        text = word if phrase is None else phrase
        letters = sum(character.isalnum() for character in text)
        begun = PREFIX.fullmatch(word or "")
        if begun and demanding and letters >= SHORTEST_PREFIX:
            found.append(_begun(begun[1].translate(LIGATURES)))
        elif letters:
            told = found if phrase is not None or text.lower() not in STOP_WORDS else plain
            told.append(Term(expression=_written(text), demanded=demanding and phrase is not None))
    return list(dict.fromkeys(found or plain))[:MOST_TERMS]


def _written(text: str) -> str:
    """A word or phrase, quoted; one with ligatures also without them."""
    apart = text.translate(LIGATURES)
    return f'"{text}"' if apart == text else f'("{text}" OR "{apart}")'


def _cut(query: str) -> str:
    """A text cut to MOST_CHARACTERS after a whole word."""
    if len(query) <= MOST_CHARACTERS:
        return query
    whole = WHOLE_WORDS.match(query[: MOST_CHARACTERS + 1])
    return whole[0] if whole else query[:MOST_CHARACTERS]


def _begun(text: str) -> Term:
    """The term for a prefix; it also matches some words that only share a stem."""
    prefixes = [text, f"{text}e"] if text.lower().endswith(BENT) else [text]
    whole = [f'"{text}{each}"' for each in _endings(text.lower())]
    either = dict.fromkeys((*(f'"{each}" *' for each in prefixes), *whole))
    return Term(expression=f"({' OR '.join(either)})", demanded=True, beginning=fold(text))


def _endings(text: str) -> Iterator[str]:
    """The rest of every ending that a prefix may end within."""
    if not ("a" <= text[-1] <= "z"):
        return
    yield from ("", "ed")
    for ending in ENDINGS:
        for length in range(1, len(ending)):
            if text.endswith(ending[:length]):
                yield ending[length:]
