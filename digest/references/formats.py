"""A function from text to entries for each format of references.

They are generators, so that no more is parsed than is used. On hostile text they may raise
anything; `reading` turns that into a problem.
"""

from __future__ import annotations

import csv
import html
import io
import json
import logging
import re
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise

import rispy
from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import RemoveEnclosingMiddleware
from bibtexparser.model import DuplicateBlockKeyBlock, DuplicateFieldKeyBlock, ParsingFailedBlock
from bibtexparser.model import Entry as BibEntry

from digest.merging import arxiv_id
from digest.references.entries import Entry, dois

# Its warnings quote what people uploaded; the web page names what could not be read.
logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)

MOST_BLOCKS = 3_000
MOST_MARKS = 300_000
"""A megabyte of real entries has 140,000; bibtexparser takes a second for one of only marks."""

FEWEST_WORDS = 4

_DAMAGED = "it could not be parsed"
_OVERLOADED = "there are too many brackets, quotation marks, commas and equals signs in it"
_BLOCK = re.compile(r"@\w{0,40}[ \t]{0,9}[{(]")
_RIS_TAG = re.compile(r"\n(?![A-Z][A-Z0-9]  -)")
_RIS_START = re.compile(r"^TY  -", re.MULTILINE)
_RDF_ITEM = re.compile(r"<[\w.-]{1,40}:[\w.-]{1,40} rdf:about=\"", re.ASCII)
_RDF_TYPE = re.compile(r"<z:itemType>\s*(\w{1,40})\s*<")
_RDF_NO_PAPER = frozenset(("attachment", "note", "annotation"))
_SEPARATOR = re.compile(r"[\s,;，、；|<>\"]+")


def bibtex(text: str) -> Iterator[Entry]:
    """BibTeX and BibLaTeX; entries that could not be parsed have a `fault`."""
    starts = [each.start() for each in islice(_BLOCK.finditer(text), MOST_BLOCKS + 1)]
    bounded = text[: starts[MOST_BLOCKS]] if len(starts) > MOST_BLOCKS else text
    if sum(map(bounded.count, '{}"@,=')) > MOST_MARKS:
        yield Entry(place="the file", fault=_OVERLOADED)
        return
    plain = [RemoveEnclosingMiddleware(allow_inplace_modification=True)]
    for block in parse_string(bounded, parse_stack=plain).blocks:
        match block:
            case BibEntry():
                yield _bib_entry(block)
            case DuplicateBlockKeyBlock() | DuplicateFieldKeyBlock():
                inner = block.ignore_error_block
                if isinstance(inner, BibEntry):
                    yield _bib_entry(inner)
            case ParsingFailedBlock():
                yield Entry(place=f"line {(block.start_line or 0) + 1}", fault=_DAMAGED)


def _bib_entry(entry: BibEntry) -> Entry:
    fields = {field.key.casefold(): str(field.value).strip('{}" ') for field in entry.fields}
    eprint = fields.get("eprint", "")
    archives = (fields.get(name, "") for name in ("archiveprefix", "eprinttype", "primaryclass"))
    return Entry(
        place=entry.key,
        ids=(
            eprint,
            *(f"{archive}/{eprint}" for archive in archives if archive and eprint),
            fields.get("arxivid", ""),
            fields.get("volume", "").removeprefix("abs/"),
            fields.get("doi", ""),
        ),
        texts=_those(
            fields, "journal", "journaltitle", "url", "howpublished", "publisher", "addendum",
            "pubstate", "number",
        ),
        notes=_those(fields, "note", "annote"),
        title=fields.get("title", ""),
    )  # fmt: skip


def ris(text: str) -> Iterator[Entry]:
    """RIS, record by record, so that a damaged record does not affect others.

    Lines are unfolded, because rispy raises at a continued line or adds it to another record.
    """
    unfolded = _RIS_TAG.sub(" ", text)
    starts = [each.start() for each in _RIS_START.finditer(unfolded)]
    for number, (start, end) in enumerate(pairwise([*starts, len(unfolded)]), start=1):
        place = f"record {number}"
        try:
            record = f"{unfolded[start:end].rstrip()}\nER  - \n"
            # By default rispy splits addresses at semicolons, which DOIs may have.
            found = rispy.loads(record, delimiter_tags_mapping={})
        except Exception:  # noqa: BLE001 - rispy may raise anything
            found = []
        yield _ris_entry(place, found[0]) if found else Entry(place=place, fault=_DAMAGED)


def _ris_entry(place: str, record: Mapping[str, object]) -> Entry:
    return Entry(
        place=place,
        ids=_those(record, "doi", "accession_number"),
        texts=_those(
            record, "urls", "custom1", "custom2", "custom3", "journal_name",
            "secondary_title", "alternate_title1", "publisher", "volume", "number", "type_of_work",
            "label", "file_attachments1", "file_attachments2",
        ),
        notes=_those(record, "notes", "note"),
        title=_first(
            record, "title", "primary_title", "translated_title", "short_title", "secondary_title"
        ),
    )  # fmt: skip


def csl(text: str) -> Iterator[Entry]:
    """CSL-JSON: a list of items, one item, or an object that holds the list."""
    given: object = json.loads(text)
    if isinstance(given, dict):
        inside = [each for each in given.values() if isinstance(each, list)]
        given = [given] if "title" in given or not inside else inside[0]
    for number, item in enumerate(given if isinstance(given, list) else [given], start=1):
        if not isinstance(item, dict):
            yield Entry(place=f"item {number}", fault=_DAMAGED)
            continue
        yield Entry(
            place=_first(item, "id", "citation-key") or f"item {number}",
            ids=_those(item, "arxiv", "arxivId", "DOI", "doi", "archive_location", "number"),
            texts=_those(item, "URL", "url", "container-title", "publisher", "id", "archive"),
            notes=_those(item, "note", "extra"),
            title=_first(item, "title"),
        )


def zotero_rdf(text: str) -> Iterator[Entry]:
    """Zotero's RDF, searched as text and not parsed as XML, so that no entity is expanded."""
    starts = [each.start() for each in _RDF_ITEM.finditer(text)]
    for number, (start, end) in enumerate(pairwise([*starts, len(text)]), start=1):
        item = text[start:end]
        kind = _RDF_TYPE.search(item)
        if kind is None or kind[1] in _RDF_NO_PAPER:
            continue
        before, _, after = _parted(item, "dcterms:isPartOf")
        _, title, _ = _parted(f"{before} {after}", "dc:title")
        before, _, after = _parted(item, "dcterms:abstract")
        before, extra, rest = _parted(f"{before} {after}", "dc:description")
        yield Entry(
            place=f"item {number}",
            texts=(html.unescape(before), html.unescape(rest)),
            notes=(html.unescape(extra),),
            title=html.unescape(title),
        )


def _parted(text: str, tag: str) -> tuple[str, str, str]:
    """The text before, inside and after the first element with this tag."""
    before, _, rest = text.partition(f"<{tag}>")
    inside, _, after = rest.partition(f"</{tag}>")
    return before, inside, after


def table(text: str) -> Iterator[Entry]:
    """CSV with named columns, as Zotero, Scopus or a spreadsheet writes it."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    heading = [each.strip().casefold() for each in next(rows, [])]
    for row in rows:
        if not any(each.strip() for each in row):
            continue
        fields = dict(zip(heading, row, strict=False))
        yield Entry(
            place=f"line {rows.line_num}",
            ids=_those(fields, "arxiv", "arxiv id", "doi", "archive location", "number", "id"),
            texts=_those(
                fields, "url", "link", "publication title", "journal", "publisher", "volume",
                "key",
            ),
            notes=_those(fields, "extra", "notes", "note"),
            title=_first(fields, "title", "article title", "document title"),
        )  # fmt: skip


def lines(text: str) -> Iterator[Entry]:
    """Ids, DOIs and addresses, one or several in a line; any other line of some words is a title."""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip(" \t-*•#")
        if not bare:
            continue
        place = f"line {number}"
        ids = [each for each in _SEPARATOR.split(bare) if arxiv_id(each)]
        ids += [each for each in dois(bare) if not arxiv_id(each)]
        if ids:
            yield from (Entry(place=place, ids=(each,)) for each in ids)
        else:
            is_title = len(bare.split()) >= FEWEST_WORDS and "://" not in bare
            yield Entry(place=place, texts=(bare,), title=bare if is_title else "")


def _those(record: Mapping[str, object], *names: str) -> tuple[str, ...]:
    """The texts in these fields of a record; a field may have a list of them."""
    values = (record.get(name) for name in names)
    parts = (part for value in values for part in (value if isinstance(value, list) else (value,)))
    return tuple(part for part in parts if isinstance(part, str) and part.strip())


def _first(record: Mapping[str, object], *names: str) -> str:
    return next(iter(_those(record, *names)), "")
