"""One entry of a file of references, and the id of its paper."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from digest.merging import SICI, arxiv_id, canonical_doi
from digest.text import html_to_text, latex_to_text

MOST_CHARACTERS = 4_000

_ARXIV = re.compile(
    r"(?:arxiv(?::\s{0,3}|\s{1,3}|\.org/[a-z-]{2,8}/)|huggingface\.co/papers/|arxiv\.)"
    r"((?:[a-z-]{2,9}(?:\.[a-z-]{2,6})?/)?\d[\d.v]{6,14})",
    re.IGNORECASE | re.ASCII,
)
_DOI = re.compile(
    r"\b10\.\d{4,9}/(?:(?![,;]\s?(?:10\.\d|https?:))[^\s\"<>{}|^`，、；]){1,200}" rf"(?:{SICI})?",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(10\.(?:1101|64898)/[\d.]+)v\d{1,2}(?:[./].{0,40})?")
_ESCAPED = re.compile(r"\\([_%&#~$])")
# A line of a note that begins with the entry's own id, as in Zotero's "Extra" field:
# `arXiv:2406.01234 [cs]`, `DOI: 10.1000/own`.
_OWN = re.compile(
    r"(?:^|<p>)[ \t]*(?:number:[ \t]*)?(?:arxiv|doi)[: \t][ \t]*\S+", re.IGNORECASE | re.MULTILINE
)
_PAIRS = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: fields that are ids, other fields that may have one, and the title.

    `notes` are the user's own text, and may mention other papers. `place` is the entry's key, line
    or number, for messages. `fault` says why it could not be parsed.
    """

    place: str
    ids: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    title: str = ""
    fault: str = ""


def identity(entry: Entry) -> str:
    """The id of the entry's paper, `arxiv:…` before `doi:…`; "" if it has neither.

    Ids in notes count last, except those at the beginning of a line.
    """
    ids = [_bounded(each) for each in entry.ids]
    notes = [_bounded(each) for each in entry.notes]
    own = [line[0] for each in notes for line in _OWN.finditer(each)]
    texts = [*ids, *map(_bounded, entry.texts), *own]
    return _named(ids, texts) or _named((), notes)


def title_of(entry: Entry) -> str:
    """The entry's title as plain text, from LaTeX, HTML or plain text."""
    return latex_to_text(html_to_text(_bounded(entry.title)).replace("{", "").replace("}", ""))


def dois(text: str) -> Iterator[str]:
    """The DOIs in a text, lower-cased; bioRxiv's without the version."""
    plain = unquote(html.unescape(_ESCAPED.sub(r"\1", text)))
    for match in _DOI.finditer(plain):
        found = match[0].rstrip(".,;:'’”")
        while found[-1:] in _PAIRS and found.count(found[-1]) > found.count(_PAIRS[found[-1]]):
            found = found[:-1].rstrip(".,;:'’”")
        if doi := canonical_doi(found):
            versioned = _VERSION.fullmatch(doi)
            yield versioned[1] if versioned else doi


def _named(ids: Iterable[str], texts: Sequence[str]) -> str:
    for each in _arxiv_ids(ids, texts):
        return f"arxiv:{each}"
    return next((f"doi:{doi}" for text in texts for doi in dois(text)), "")


def _arxiv_ids(ids: Iterable[str], texts: Iterable[str]) -> Iterator[str]:
    found = [arxiv_id(each) for each in ids]
    found += [arxiv_id(match[1].rstrip(".v")) for text in texts for match in _ARXIV.finditer(text)]
    return (each[0] for each in found if each)


def _bounded(text: str) -> str:
    return text[:MOST_CHARACTERS].strip()
