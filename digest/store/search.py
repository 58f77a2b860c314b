"""What people type into a search box, as an FTS5 expression that cannot be wrong."""

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
# As PDF files have them, and hardly any listing. Other letters, as in CO₂, are indexed as they are written.
LIGATURES = {each: unicodedata.normalize("NFKC", chr(each)) for each in range(0xFB00, 0xFB07)}
WHOLE_WORDS = re.compile(r".*\S(?=\s)", re.DOTALL)

# The index knows words by their stems alone (M. F. Porter, "An algorithm for suffix stripping",
# Program 14, 1980), which may be shorter than a prefix. With what may be missing of these endings
# put to it, a prefix has nearly every stem of the words that begin so.
ENDINGS = (
    "ability", "al", "ancy", "ation", "ational", "ative", "ator", "bility", "ed", "ence", "ful",
    "ibility", "ing", "ion", "ism", "ity", "ive", "ize", "ly", "ment", "ness", "ous",
)  # fmt: skip
# What is begun so is bent by stemming (`key` to `kei`, `coding` to `code`), but not with an e behind.
BENT = ("y", "ys", "ing", "ed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing to look for; where it is a prefix, `beginning` is that, folded."""

    expression: str
    demanded: bool = False
    beginning: str = ""


def expressions(query: str, count: Callable[[str], int], most: int) -> Iterator[tuple[str, str]]:
    """The MATCH expressions to try in turn, each with the one that says which papers it ranks.

    All of the terms, then any of them; none finds nothing. Where `count` says that more papers have
    any of them than the `most` that are ranked, those come first that have one of the rarest, ranked
    by all terms: or the newest papers with a common word would be all that is found.

    Every term is quoted, so that operators, column names and punctuation of FTS5's query language
    (sqlite.org/fts5.html, section 3) are plain text; what stays is `"a phrase"` and `prefix*`, of
    three letters at least, and these no paper may lack, unless the text was pasted. Stop words outside
    of phrases count only when there is nothing else.

    A `prefix*` also matches words that only share a stem with one that begins so: `beginnings`
    tells them apart.
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
    """How a word of each paper must begin, folded, for every `prefix*` of a query."""
    return [each.beginning for each in _terms(query) if each.beginning]


def _any(demanded: Sequence[str], others: Sequence[str]) -> str:
    return " AND ".join((*demanded, f"({' OR '.join(others)})"))


def _rarest(counts: Mapping[str, int], most: int) -> list[str]:
    """The terms with the fewest papers, `most` in all but always one term; [] where that is every one."""
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
    """A word or phrase, with its ligatures and without."""
    apart = text.translate(LIGATURES)
    return f'"{text}"' if apart == text else f'("{text}" OR "{apart}")'


def _cut(query: str) -> str:
    """A long text up to the last word that ends there, since a part of a word stands nowhere."""
    if len(query) <= MOST_CHARACTERS:
        return query
    whole = WHOLE_WORDS.match(query[: MOST_CHARACTERS + 1])
    return whole[0] if whole else query[:MOST_CHARACTERS]


def _begun(text: str) -> Term:
    """What finds all words that begin so, and some that only share a stem with one that does."""
    prefixes = [text, f"{text}e"] if text.lower().endswith(BENT) else [text]
    whole = [f'"{text}{each}"' for each in _endings(text.lower())]
    either = dict.fromkeys((*(f'"{each}" *' for each in prefixes), *whole))
    return Term(expression=f"({' OR '.join(either)})", demanded=True, beginning=fold(text))


def _endings(text: str) -> Iterator[str]:
    """What may be missing of a word that is begun: the rest of every ending that it may be within."""
    if not ("a" <= text[-1] <= "z"):
        return
    yield from ("", "ed")
    for ending in ENDINGS:
        for length in range(1, len(ending)):
            if text.endswith(ending[:length]):
                yield ending[length:]
