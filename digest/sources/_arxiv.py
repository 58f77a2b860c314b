"""What arXiv's three interfaces share: its categories, its clock, and its papers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digest.editions import is_list_day
from digest.merging import arxiv_id, canonical_doi
from digest.model import Link, LinkKind, Paper
from digest.parsing import Element, find_links, parse_date, safe_url
from digest.sources import _options
from digest.sources._json import YEARS
from digest.text import clean, latex_to_text

EASTERN = ZoneInfo("America/New_York")
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
    """Whether the text looks like an arXiv category, as MSC and ACM classes beside them do not."""
    return _CATEGORY.fullmatch(text) is not None


def in_categories(paper_categories: Iterable[str], wanted: Sequence[str]) -> bool:
    """Whether a paper is in one of the wanted categories or archives; nothing wanted takes all."""
    return not wanted or any(
        each in wanted or each.partition(".")[0] in wanted for each in paper_categories
    )


# --- arXiv's clock --------------------------------------------------------------------------


def midnight(day: date) -> datetime:
    """When the list of that day appears in the feeds: its first moment, US Eastern, in UTC."""
    return datetime.combine(day, time(), EASTERN).astimezone(UTC)


def listed_at(submitted: datetime) -> datetime:
    """When a paper submitted at that moment appears in the RSS, by arXiv's weekly schedule.

    Deadlines are at 14:00 US Eastern on working days; what met one is announced at 20:00 the
    same day (Friday's on Sunday) and stands in the feeds from the midnight after. Holidays and
    moderation can make it later. Source: https://info.arxiv.org/help/availability.html
    """
    local = submitted.astimezone(EASTERN)
    deadline = local.date() + timedelta(days=local.time() >= DEADLINE)
    while not is_list_day(deadline):
        deadline += timedelta(days=1)
    day = deadline + timedelta(days=1)
    while not is_list_day(day):
        day += timedelta(days=1)
    return midnight(day)


def read_moment(text: str) -> datetime | None:
    """A date or time as arXiv writes it, in UTC; None if it is none, or absurd."""
    return in_range(parse_date(text))


def in_range(moment: datetime | None) -> datetime | None:
    """The moment, unless its year is absurd: date arithmetic must never overflow."""
    return moment if moment is not None and moment.year in YEARS else None


# --- papers ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one of arXiv's interfaces says of a paper, as it says it: TeX, raw identifiers."""

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
    """A paper in readable text, with its links and all names by which sources may know it.

    `links` are those a source gives besides; they come before what the abstract mentions.
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
    """A paper's abstract page and PDF; both addresses always lead to the latest version."""
    return (
        Link(kind=LinkKind.ABSTRACT, url=f"https://arxiv.org/abs/{base}"),
        Link(kind=LinkKind.PDF, url=f"https://arxiv.org/pdf/{base}"),
    )


def distinct(links: Iterable[Link]) -> tuple[Link, ...]:
    """The links, each address once, in order."""
    return tuple({link.url: link for link in reversed(tuple(links))}.values())[::-1]


def read_id(text: str) -> tuple[str, int] | None:
    """The version-less id and the version (1 where none is given), or None if it is no arXiv id."""
    found = arxiv_id(text)
    if found is None:
        return None
    base, version = found
    return base, version or 1


# --- XML by local names: arXiv's namespaces have changed, its element names have not ------------


def local_name(element: Element) -> str:
    """The element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: Element | None, name: str) -> list[Element]:
    """The children of that name, in order; none of nothing."""
    return [] if element is None else element.findall(f"{{*}}{name}")


def child(element: Element | None, name: str) -> Element | None:
    """The first child of that name."""
    return None if element is None else element.find(f"{{*}}{name}")


def text_of(element: Element | None) -> str:
    """All text inside an element, stripped; of nothing, none."""
    return "" if element is None else "".join(map(str, element.itertext())).strip()
