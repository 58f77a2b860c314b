"""What arXiv's three interfaces share: its categories, its clock, and its papers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from digest.editions import LIST_ZONE, is_list_day
from digest.merging import arxiv_id, canonical_doi
from digest.model import Link, LinkKind, Paper
from digest.parsing import Element, find_links, parse_date, safe_url
from digest.sources import _json, _options
from digest.text import clean, latex_to_text

DEADLINE = time(14)

_CATEGORY = re.compile(r"[a-z]+(-[a-z]+)*(\.[A-Za-z]+(-[a-z]+)*)?", re.ASCII)
_DOI_PARTS = re.compile(r"[\s,;]+")


# --- categories -----------------------------------------------------------------------------


def checked_categories(given: object, *, source: str) -> tuple[str, ...]:
    """The categories a source was configured with; raises ConfigError."""
    return _options.names(
        given, source=source, key="categories", like="cs.LG, hep-th or q-bio", valid=is_category
    )


def is_category(text: str) -> bool:
    """Whether the text has the form of an arXiv category; MSC and ACM classes have not."""
    return _CATEGORY.fullmatch(text) is not None


def in_categories(paper_categories: Iterable[str], wanted: Sequence[str]) -> bool:
    """Whether a paper is in one of the wanted categories or archives; every paper if none is."""
    return not wanted or any(
        each in wanted or each.partition(".")[0] in wanted for each in paper_categories
    )


# --- arXiv's clock --------------------------------------------------------------------------


def midnight(day: date) -> datetime:
    """When the list of a day appears in the feeds: midnight US Eastern, in UTC."""
    return datetime.combine(day, time(), LIST_ZONE).astimezone(UTC)


def listed_at(submitted: datetime) -> datetime:
    """When a paper submitted at that moment appears in the RSS, by arXiv's weekly schedule.

    The deadline is 14:00 US Eastern on working days. A paper that met it is announced at 20:00
    the same day (Friday's on Sunday) and is in the feeds from the following midnight. Holidays
    and moderation can delay it. Source: https://info.arxiv.org/help/availability.html
    """
    local = submitted.astimezone(LIST_ZONE)
    deadline = local.date() + timedelta(days=local.time() >= DEADLINE)
    while not is_list_day(deadline):
        deadline += timedelta(days=1)
    day = deadline + timedelta(days=1)
    while not is_list_day(day):
        day += timedelta(days=1)
    return midnight(day)


def read_moment(text: str) -> datetime | None:
    """A date or time as arXiv writes it, in UTC; None if it is not one, or not plausible."""
    return _json.plausible(parse_date(text))


# --- papers ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A paper as one of arXiv's interfaces gives it: with TeX and raw identifiers."""

    base: str
    version: int
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    published: datetime | None = None
    updated: datetime | None = None
    dois: str = ""
    journal_ref: str = ""
    comment: str = ""
    licence: str = ""


def to_paper(record: Record, *, links: Iterable[Link] = ()) -> Paper:
    """The paper in plain text, with its links and every identifier by which sources may name it.

    `links` are further ones of the source; they come before those in the abstract.
    """
    abstract = latex_to_text(record.abstract)
    dois = [doi for part in _DOI_PARTS.split(record.dois) if (doi := canonical_doi(part))]
    page = f"https://arxiv.org/abs/{record.base}"
    keys = (
        f"arxiv:{record.base}",
        *(f"doi:{doi}" for doi in dois),
        f"doi:10.48550/arxiv.{record.base.lower()}",
    )
    return Paper(
        id=f"arxiv:{record.base}",
        title=latex_to_text(record.title),
        abstract=abstract,
        authors=record.authors,
        categories=tuple(dict.fromkeys(filter(None, map(clean, record.categories)))),
        version=record.version,
        published=record.published,
        updated=record.updated,
        url=page,
        doi=dois[0] if dois else "",
        journal_ref=latex_to_text(record.journal_ref),
        comment=latex_to_text(record.comment),
        licence=safe_url(record.licence),
        links=distinct((*arxiv_links(record.base), *links, *find_links(abstract))),
        identifiers=tuple(dict.fromkeys(keys)),
    )


def arxiv_links(base: str) -> tuple[Link, Link]:
    """A paper's abstract page and PDF, without a version: arXiv then serves the latest."""
    return (
        Link(kind=LinkKind.ABSTRACT, url=f"https://arxiv.org/abs/{base}"),
        Link(kind=LinkKind.PDF, url=f"https://arxiv.org/pdf/{base}"),
    )


def distinct(links: Iterable[Link]) -> tuple[Link, ...]:
    """The links, each address once, in order."""
    known: dict[str, Link] = {}
    for link in links:
        known.setdefault(link.url, link)
    return tuple(known.values())


def read_id(text: str) -> tuple[str, int] | None:
    """The id without version, and the version (1 where none is given); None if it is no arXiv id."""
    found = arxiv_id(text)
    return found and (found[0], found[1] or 1)


# --- XML by local names: arXiv's namespaces have changed, its element names have not ------------


def local_name(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: Element | None, name: str) -> list[Element]:
    """The children of that name, in order; none of None."""
    return [] if element is None else element.findall(f"{{*}}{name}")


def child(element: Element | None, name: str) -> Element | None:
    """The first child of that name."""
    return None if element is None else element.find(f"{{*}}{name}")


def text_of(element: Element | None) -> str:
    """All text inside an element, stripped; empty for None."""
    return "" if element is None else "".join(map(str, element.itertext())).strip()


def child_text(element: Element | None, name: str) -> str:
    """All text inside the first child of that name."""
    return text_of(child(element, name))


def fields(element: Element) -> dict[str, str]:
    """The text of each child by its name, where it has any."""
    return {local_name(each): text for each in element if (text := text_of(each))}
