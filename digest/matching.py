"""Whether a paper is in a topic, mentions a phrase or is by an author: yes or no, without scores.

Ranking and feeds share these rules, so that a topic's feed has the papers that are ranked for
the topic's followers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from digest.model import Paper, Topic
from digest.text import author_key, contains_phrase, contains_prefix, fold, words
from digest.text.function_words import FUNCTION_WORDS

# Words in nearly every abstract; they count only in a query that has no others.
STOP_WORDS = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "by", "can", "for", "from", "in", "is", "it", "its",
        "of", "on", "or", "our", "that", "the", "this", "to", "via", "we", "which", "with",
    )
)  # fmt: skip
PREFIX = "*"
PASTED_WORDS = 16
# Phones type curly ones, and pages print them.
QUOTES = '"“”„‟«»＂'
# A phrase in quotation marks (the closing one may be missing), or a word. A curly mark after a word
# only closes, as in text copied from a quotation.
QUERY_PART = re.compile(rf"(?:\"|(?<!\w)[{QUOTES}])([^{QUOTES}]*)[{QUOTES}]?|([^\s{QUOTES}]+)")

_SHORTEST_PLURAL = 4
_SHORTEST_PREFIX = 3
_MOST_PARTS = 16
# Single characters that are no words: those of ASCII, and Kana.
_LETTER = re.compile(r"[\x00-\x7f\u3041-\u30ff\u31f0-\u31ff]")
_INSIDE_NAME = re.compile(r"['’‘`´\-‐‑–]")


def folded(paper: Paper) -> str:
    """Title and abstract, folded; the line break between them keeps phrases from matching both."""
    return f"{fold(paper.title)} \n {fold(paper.abstract)}"


def searched(paper: Paper) -> str:
    """The text that queries search: title, abstract and authors, folded."""
    return " \n ".join((folded(paper), *map(fold, paper.authors)))


def variants(phrase: str) -> tuple[str, ...]:
    """A folded phrase in singular and plural, by the regular English `s` only."""
    if not phrase.endswith("s"):
        return (phrase, f"{phrase}s") if phrase else ()
    is_plural = len(phrase) >= _SHORTEST_PLURAL and not phrase.endswith("ss")
    return (phrase, phrase[:-1]) if is_plural else (phrase,)


def mentions(text: str, phrase: str) -> bool:
    """Whether a folded text contains a folded phrase as whole words, in singular or plural."""
    return any(contains_phrase(text, each) for each in variants(phrase))


@lru_cache(maxsize=16_384)
def telling(phrase: str) -> str:
    """The phrase folded; empty where it does not tell papers apart.

    That is for function words alone, and for a single letter, such as `r` (in formulas) or `の`
    (in every Japanese text). In other scripts one letter may be a word.
    """
    folded = fold(phrase)
    return "" if _LETTER.fullmatch(folded) or FUNCTION_WORDS.issuperset(folded.split()) else folded


@lru_cache(maxsize=8192)
def query_parts(query: str) -> tuple[str, ...]:
    """The words and quoted phrases of a query, folded; `prefix*` keeps its asterisk.

    As in the search box, stop words count only where there are no others, and at most 16 parts
    are read.
    """
    told: dict[str, None] = {}
    plain: dict[str, None] = {}
    for quoted, word in QUERY_PART.findall(query):
        part = fold(quoted or word)
        if word.endswith(PREFIX) and len(part) >= _SHORTEST_PREFIX:
            told.setdefault(part + PREFIX)
        elif part:
            (plain if word and part in STOP_WORDS else told).setdefault(part)
    return tuple(told or plain)[:_MOST_PARTS]


def in_query(text: str, query: str) -> bool:
    """Whether a text (see `searched`) has every word and phrase of a query, singular or plural.

    In a run of Chinese or Japanese a phrase may be anywhere, `prefix*` only at the beginning.
    """
    parts = query_parts(query)
    return bool(parts) and all(
        contains_prefix(text, part[:-1]) if part.endswith(PREFIX) else mentions(text, part)
        for part in parts
    )


def is_pasted(query: str) -> bool:
    """Whether a query is a pasted text of more than 16 words, whose words need not all match.

    A text that begins with a quotation mark is a query.
    """
    return len(query.split()) > PASTED_WORDS and not query.lstrip().startswith(tuple(QUOTES))


@lru_cache(maxsize=8192)
def category_keys(categories: tuple[str, ...]) -> frozenset[str]:
    """The categories and their archives, case-folded: `cs.ir` and `cs` for `cs.IR`."""
    keys = [each.casefold() for each in categories]
    return frozenset([*keys, *(each.partition(".")[0] for each in keys)])


def in_topic(text: str, categories: Sequence[str], topic: Topic) -> bool:
    """Whether a paper with this folded text and these categories belongs to the topic.

    It does with one of the topic's categories (cross-lists count, and an archive includes all of
    its categories) or one of its phrases. The topic's keywords do not matter.
    """
    wanted, phrases = demands(topic)
    return bool(wanted & category_keys(tuple(categories))) or any(
        mentions(text, p) for p in phrases
    )


@lru_cache(maxsize=1024)
def demands(topic: Topic) -> tuple[frozenset[str], tuple[str, ...]]:
    """A topic's categories, case-folded, and its phrases, folded."""
    return (
        frozenset(each.casefold() for each in topic.categories),
        tuple(phrase for each in topic.phrases if (phrase := fold(each))),
    )


def topic_of(value: str, known: Mapping[str, Topic]) -> Topic:
    """The topic with this id; an unknown id is that of a category or an archive."""
    return known.get(value) or Topic(id=value, name=value, categories=(value,))


def is_named(topic: Topic) -> bool:
    """Whether the topic comes from the settings, and is not just a category or archive."""
    return bool(topic.phrases) or topic.categories != (topic.id,)


def given_name(name: str) -> str:
    """The first given name, folded: `jurgen`, `yuchen` for Yu-Chen, `j` for an initial, or ``."""
    family, comma, given = name.partition(",")
    if comma and author_key(family) != author_key(name):
        parts = words(_INSIDE_NAME.sub("", given))
    else:
        parts = words(_INSIDE_NAME.sub("", family))
        trailing_initial = len(parts) > 1 and len(parts[-1]) == 1  # "Schmidhuber J"
        parts = parts[-1:] if trailing_initial else parts[:-1]
    return parts[0] if parts else ""


def agree(one: str, other: str) -> bool:
    """Whether two folded given names may be one person's: equal, or one an initial of the other."""
    return one == other or (one[:1] == other[:1] and min(len(one), len(other)) == 1)
