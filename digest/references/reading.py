"""Reads a file of references: detects its format, and finds the papers in it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from digest.model import Value
from digest.references import formats
from digest.references.entries import Entry, identity, title_of
from digest.text import clean, truncate

MOST_BYTES = 1_000_000
MOST_ENTRIES = 2_000
MOST_PROBLEMS = 50
LONGEST_PLACE = 60
LONGEST_TITLE = 300

Reader = Callable[[str], Iterator[Entry]]

_READERS: dict[str, Reader] = {
    "BibTeX": formats.bibtex,
    "RIS": formats.ris,
    "CSL-JSON": formats.csl,
    "Zotero RDF": formats.zotero_rdf,
    "CSV": formats.table,
    "list": formats.lines,
}
_SUFFIXES = {
    "bib": "BibTeX",
    "bibtex": "BibTeX",
    "ris": "RIS",
    "json": "CSL-JSON",
    "rdf": "Zotero RDF",
    "csv": "CSV",
    "tsv": "CSV",
    "txt": "list",
}
_SIGNS = (
    ("RIS", re.compile(r"^TY  -", re.MULTILINE)),
    ("BibTeX", re.compile(r"^[ \t]*@[A-Za-z]{1,30}[ \t]*[{(]", re.MULTILINE)),
    ("Zotero RDF", re.compile(r"\s*<(?=[^>]*\brdf:|\?xml)", re.IGNORECASE)),
    ("CSL-JSON", re.compile(r"\s*[\[{]\s*[\[{\"]")),
)
_COLUMNS = frozenset(("doi", "title", "arxiv", "arxiv id", "article title", "document title"))
_BETWEEN_CELLS = re.compile(r"[,;\t]")


@dataclass(frozen=True, slots=True, kw_only=True)
class References(Value):
    """The papers in a file of references, each once, in the order of the file.

    `form` is the format it was read as. `ids` are `arxiv:…` and `doi:…` keys, `titles` the titles
    of entries that have neither. `problems` are sentences that name an entry and what is wrong
    with it; `bounds` are the problems of the file as a whole. `entries` counts all entries,
    `named` those with an id, and `damaged` those that could not be parsed.
    """

    form: str
    ids: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    entries: int = 0
    named: int = 0
    damaged: int = 0
    bounds: tuple[str, ...] = ()


def read(data: bytes, name: str = "") -> References:
    """The papers in a file of BibTeX, RIS, CSL-JSON, Zotero RDF, CSV, or a list of ids.

    It takes any bytes and never raises. The format is detected from the content, else from the
    file's `name`. Only the first megabyte and 2,000 entries are read; `problems` then says so.
    """
    text, bounds = _decoded(data)
    problems: list[str] = []
    form = _form(text, name)
    ids: dict[str, None] = {}
    titles: dict[str, None] = {}
    entries = named = damaged = 0
    try:
        for entry in _READERS[form](text):
            if entries == MOST_ENTRIES:
                bounds.append(f"Only the first {MOST_ENTRIES:,} entries were read.")
                break
            entries += 1
            if key := identity(entry):
                ids.setdefault(key)
                named += 1
            elif title := truncate(title_of(entry), LONGEST_TITLE):
                titles.setdefault(title)
            else:
                problems.append(_not_understood(entry, entries))
                damaged += bool(entry.fault)
    except Exception:  # noqa: BLE001 - a parser may raise anything on hostile text
        where = f" after entry {entries:,}" if entries else ""
        bounds.append(f"The file could not be read as {form}{where}.")
    else:
        if not entries and text.strip():
            bounds.append(f"The file was read as {form} and has no entries.")
    return References(
        form=form,
        ids=tuple(ids),
        titles=tuple(titles),
        problems=_few([*bounds, *problems]),
        entries=entries,
        named=named,
        damaged=damaged,
        bounds=tuple(bounds),
    )


def _decoded(data: bytes) -> tuple[str, list[str]]:
    r"""The text of a file in UTF-8, UTF-16 or Windows-1252, with `\n` between lines; and problems."""
    problems: list[str] = []
    if len(data) > MOST_BYTES:
        data = data[:MOST_BYTES]
        data = data[: data.rfind(b"\n") + 1] or data
        problems.append("Only the first megabyte of it was read.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""), problems


def _form(text: str, name: str) -> str:
    start = text[:20_000]
    for form, sign in _SIGNS:
        if sign.match(start) or (sign.flags & re.MULTILINE and sign.search(start)):
            return form
    heading = start.lstrip().partition("\n")[0]
    if not _COLUMNS.isdisjoint(
        each.strip(' "').casefold() for each in _BETWEEN_CELLS.split(heading)
    ):
        return "CSV"
    return _SUFFIXES.get(name.rpartition(".")[2].strip().casefold(), "list")


def _not_understood(entry: Entry, number: int) -> str:
    place = truncate(clean(entry.place), LONGEST_PLACE) or f"entry {number}"
    return f"{place}: {entry.fault or 'there is no arXiv id, DOI or title in it'}."


def _few(problems: list[str]) -> tuple[str, ...]:
    more = len(problems) - MOST_PROBLEMS
    rest = (f"… and {more} more.",) if more > 0 else ()
    return (*problems[:MOST_PROBLEMS], *rest)
