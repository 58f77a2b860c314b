"""What templates see of a paper: clean, clipped, with human names; made once per paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from digest.model import Link, LinkKind, Paper, Site, Topic
from digest.rendering import links
from digest.rendering.wording import count
from digest.text import clean, truncate

LONGEST_TITLE = 300
SHORT_TITLE = 60
LONGEST_NAME = 60
MOST_AUTHORS = 5
MOST_FIELDS = 3
MOST_UPVOTES = 10**9

_LABELS = {
    LinkKind.ABSTRACT: ("Abstract", "Abstract of"),
    LinkKind.PDF: ("PDF", "PDF of"),
    LinkKind.CODE: ("Code", "Code of"),
    LinkKind.PROJECT: ("Project page", "Project page of"),
    LinkKind.DISCUSSION: ("Discussion", "Discussion of"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A link as shown: `phrase` begins its accessible name (`PDF of` … paper 3)."""

    name: str
    phrase: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperView:
    """A paper as shown; `number`, `reason` and the two answer addresses belong to a pick."""

    id: str
    title: str
    short_title: str
    url: str
    page_url: str
    authors: str
    field: str
    abstract: str
    links: tuple[LinkView, ...]
    number: str = ""
    label: str = ""
    reason: str = ""
    more_url: str = ""
    less_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A paper of which only the title is shown."""

    title: str
    url: str


def paper_view(
    paper: Paper, *, site: Site, topics: Mapping[str, Topic], upvotes: int = 0
) -> PaperView:
    """Everything about a paper that is the same for every reader; the abstract is whole."""
    title = title_of(paper)
    facts = [*_fields(paper.categories, topics)]
    if upvotes > 0:
        facts.append(count(min(upvotes, MOST_UPVOTES), "upvote"))
    return PaperView(
        id=paper.id,
        title=title,
        short_title=truncate(title, SHORT_TITLE),
        url=_url(paper, site),
        page_url=links.paper(site, paper.id),
        authors=authors_line(paper.authors),
        field=" · ".join(facts),
        abstract=clean(paper.abstract),
        links=_links(paper, site),
    )


def line_view(paper: Paper, *, site: Site) -> LineView:
    """A paper's title and where it leads."""
    return LineView(title=title_of(paper), url=_url(paper, site))


def authors_line(authors: Sequence[str], most: int = MOST_AUTHORS) -> str:
    """The first authors, then `and 12 more`; one more than `most` is named rather than counted."""
    names = [name for each in authors if (name := truncate(clean(each), LONGEST_NAME))]
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    if len(names) > 1:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return "".join(names)


def title_of(paper: Paper) -> str:
    """A title as it is shown; there is always something to click on."""
    return truncate(clean(paper.title), LONGEST_TITLE) or "Untitled"


def _url(paper: Paper, site: Site) -> str:
    own = next((link.url for link in paper.links if link.kind is LinkKind.ABSTRACT), "")
    return links.safe(paper.url) or links.safe(own) or links.paper(site, paper.id)


def _links(paper: Paper, site: Site) -> tuple[LinkView, ...]:
    given = [Link(kind=LinkKind.ABSTRACT, url=_url(paper, site)), *paper.links]
    found: dict[LinkKind, str] = {}
    for kind in LinkKind:
        urls = (links.safe(each.url) for each in given if each.kind is kind)
        url = next((each for each in urls if each), "")
        if url and url not in found.values():
            found[kind] = url
    views = [
        LinkView(name=_LABELS[kind][0], phrase=_LABELS[kind][1], url=url)
        for kind, url in found.items()
    ]
    if site.url:
        page = links.paper(site, paper.id)
        views.append(LinkView(name="Similar papers", phrase="Similar papers to", url=page))
    return tuple(views)


def _fields(categories: Sequence[str], topics: Mapping[str, Topic]) -> list[str]:
    """Category names people know, with the code they file under: `Machine Learning (cs.LG)`."""
    names = []
    for category in categories[:MOST_FIELDS]:
        topic = topics.get(category)
        code = truncate(clean(category), LONGEST_NAME)
        name = truncate(clean(topic.name), LONGEST_NAME) if topic else ""
        names.append(f"{name} ({code})" if name and name != code else code)
    if len(categories) > MOST_FIELDS:
        names.append(f"{len(categories) - MOST_FIELDS} more")
    return [each for each in names if each]
