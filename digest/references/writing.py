"""Writes papers as BibTeX, RIS or CSL-JSON, in UTF-8."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, product
from string import ascii_lowercase

import rispy
from bibtexparser.entrypoint import write_string
from bibtexparser.library import Library
from bibtexparser.model import Entry, Field

from digest.errors import InvalidInput
from digest.model import Paper
from digest.references.names import split_name
from digest.text import clean, latex_escape, words

FORMS = ("bib", "ris", "csl")
MEDIA_TYPES: Mapping[str, str] = {
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "csl": "application/vnd.citationstyles.csl+json",
}
_SMALL_WORDS = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "is", "of", "on", "the", "to", "with")
)
_ACRONYM = re.compile(r"\w[A-Z]")


def write(papers: Iterable[Paper], form: str) -> bytes:
    """Papers as a file of references: `bib`, `ris` or `csl`; raises InvalidInput for other forms."""
    chosen = list(papers)
    if form == "bib":
        return _bibtex(chosen).encode()
    if form == "ris":
        return _ris(chosen).encode()
    if form == "csl":
        items = [_csl_item(paper, key) for paper, key in _keyed(chosen)]
        return json.dumps(items, ensure_ascii=False, indent=2).encode()
    raise InvalidInput(f"There is no form {form!r}; there are {', '.join(FORMS)}.", subject=form)


# --- BibTeX -------------------------------------------------------------------------------------


def _bibtex(papers: Sequence[Paper]) -> str:
    return write_string(Library([_bib_entry(paper, key) for paper, key in _keyed(papers)]))


def _bib_entry(paper: Paper, key: str) -> Entry:
    """`@article` for a paper in a journal, else `@misc` as in arXiv's own export."""
    arxiv = _arxiv(paper)
    fields = {
        "title": " ".join(map(_protected, clean(paper.title).split())),
        "author": " and ".join(map(_bib_name, filter(None, map(clean, paper.authors)))),
        "year": _year(paper),
        "journal": latex_escape(clean(paper.journal_ref)),
        "eprint": arxiv,
        "archivePrefix": "arXiv" if arxiv else "",
        "primaryClass": paper.categories[0] if arxiv and paper.categories else "",
        "doi": _verbatim(_doi(paper)),
        "url": _verbatim(paper.url),
        "abstract": latex_escape(clean(paper.abstract)),
    }
    kind = "article" if paper.journal_ref else "misc"
    return Entry(kind, key, [Field(name, value) for name, value in fields.items() if value])


def _protected(word: str) -> str:
    """A word of a title, in braces if it has capitals inside, so that BibTeX keeps them."""
    return f"{{{latex_escape(word)}}}" if _ACRONYM.search(word) else latex_escape(word)


def _bib_name(name: str) -> str:
    family, given = split_name(name)
    return latex_escape(f"{family}, {given}") if given else f"{{{latex_escape(family)}}}"


def _verbatim(text: str) -> str:
    """An address or DOI: not escaped for LaTeX, but braces must balance."""
    return clean(text).replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")


# --- RIS ----------------------------------------------------------------------------------------


class _Writer(rispy.RisWriter):  # type: ignore[misc]  # rispy has no types
    """RIS with CRLF and without rispy's numbers between the records."""

    NEWLINE = "\r\n"

    def set_header(self, count: int) -> str:  # noqa: ARG002 - the base class's signature
        return ""


def _ris(papers: Sequence[Paper]) -> str:
    return str(rispy.dumps([_ris_record(each) for each in papers], implementation=_Writer))


def _ris_record(paper: Paper) -> dict[str, object]:
    arxiv = _arxiv(paper)
    names = (split_name(clean(each)) for each in paper.authors)
    fields: dict[str, object] = {
        "type_of_reference": "JOUR" if paper.journal_ref else "UNPB",
        "title": clean(paper.title),
        "authors": [f"{family}, {given}" if given else family for family, given in names if family],
        "year": _year(paper),
        "date": f"{paper.published:%Y/%m/%d}" if paper.published else "",
        "journal_name": clean(paper.journal_ref),
        "publisher": "arXiv" if arxiv and not paper.journal_ref else "",
        "note": f"arXiv:{arxiv}" if arxiv else "",
        "doi": _doi(paper),
        "urls": [clean(paper.url)] if paper.url else [],
        "abstract": clean(paper.abstract),
        "keywords": [clean(each) for each in paper.categories],
    }
    return {name: value for name, value in fields.items() if value}


# --- CSL-JSON -----------------------------------------------------------------------------------


def _csl_item(paper: Paper, key: str) -> dict[str, object]:
    """An item of https://github.com/citation-style-language/schema (csl-data.json, 1.0)."""
    arxiv = _arxiv(paper)
    day = paper.published
    fields: dict[str, object] = {
        "id": key,
        "type": "article-journal" if paper.journal_ref else "article",
        "title": clean(paper.title),
        "author": [_csl_name(name) for each in paper.authors if (name := clean(each))],
        "issued": {"date-parts": [[day.year, day.month, day.day]]} if day else None,
        "container-title": clean(paper.journal_ref),
        "publisher": "arXiv" if arxiv and not paper.journal_ref else "",
        "number": f"arXiv:{arxiv}" if arxiv else "",
        "DOI": _doi(paper),
        "URL": clean(paper.url),
        "abstract": clean(paper.abstract),
    }
    return {name: value for name, value in fields.items() if value}


def _csl_name(name: str) -> dict[str, str]:
    family, given = split_name(name)
    return {"family": family, "given": given} if given else {"literal": family}


# --- what all forms share -----------------------------------------------------------------------


def _keyed(papers: Sequence[Paper]) -> list[tuple[Paper, str]]:
    """Each paper with a citation key (family name, year, first word), made unique by letters."""
    keyed: dict[str, Paper] = {}
    for paper in papers:
        candidates = map(_stem(paper).__add__, _suffixes())
        keyed[next(each for each in candidates if each not in keyed)] = paper
    return [(paper, key) for key, paper in keyed.items()]


def _suffixes() -> Iterator[str]:
    """Nothing, then `a` to `z`, `aa`, `ab` and so on."""
    for length in count():
        yield from map("".join, product(ascii_lowercase, repeat=length))


def _stem(paper: Paper) -> str:
    family = split_name(clean(paper.authors[0]))[0] if paper.authors else ""
    first = next((each for each in words(paper.title) if each not in _SMALL_WORDS), "")
    key = f"{''.join(words(family))}{_year(paper)}{first}"
    return "".join(each for each in key if each.isascii() and each.isalnum())[:60] or "paper"


def _arxiv(paper: Paper) -> str:
    keys = (paper.id, *paper.identifiers)
    return next((each.removeprefix("arxiv:") for each in keys if each.startswith("arxiv:")), "")


def _doi(paper: Paper) -> str:
    """The paper's DOI, or the one in its id, or arXiv's."""
    arxiv = _arxiv(paper)
    given = clean(paper.doi) or (
        paper.id.removeprefix("doi:") if paper.id.startswith("doi:") else ""
    )
    return given or (f"10.48550/arXiv.{arxiv}" if arxiv else "")


def _year(paper: Paper) -> str:
    return f"{paper.published.year}" if paper.published else ""
