"""A paper as templates see it: cleaned, clipped, with names of topics; made once per paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from digest.model import Link, LinkKind, Paper, Pick, Site, Topic
from digest.rendering import links
from digest.rendering.wording import count
from digest.text import clean, truncate

LONGEST_TITLE = 300
SHORT_TITLE = 60
LONGEST_NAME = 60
MOST_AUTHORS = 5
MOST_FIELDS = 3
MOST_UPVOTES = 10**9
TEASER = 230

_CREATIVE_COMMONS = re.compile(
    r"https?://creativecommons\.org/(?:licenses|publicdomain)/([a-z-]+)/([\d.]+)"
)
LABELS = {
    LinkKind.ABSTRACT: "Abstract",
    LinkKind.PDF: "PDF",
    LinkKind.CODE: "Code",
    LinkKind.PROJECT: "Project page",
    LinkKind.DISCUSSION: "Discussion",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A link as shown; `phrase` and the paper's title are its accessible name (`PDF of …`)."""

    name: str
    phrase: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A category as pages show it: its code, its name, and the path of its page."""

    code: str
    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperView:
    """A paper as shown; `number`, `label`, `reason` and `answer_url` are those of a pick.

    `path` is its page on this site. Pages print `chips`, `votes` and `teaser`, mails `field`.
    """

    id: str
    title: str
    short_title: str
    url: str
    authors: str
    field: str
    abstract: str
    links: tuple[LinkView, ...]
    number: str = ""
    label: str = ""
    reason: str = ""
    answer_url: str = ""
    voices: tuple[str, ...] = ()
    path: str = ""
    chips: tuple[Chip, ...] = ()
    votes: int = 0
    teaser: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A paper of which only the title is shown, and on pages its authors."""

    title: str
    url: str
    path: str = ""
    authors: str = ""


def paper_view(
    paper: Paper, *, site: Site, topics: Mapping[str, Topic], upvotes: int = 0
) -> PaperView:
    """What is the same for every reader; the abstract is whole."""
    title = title_of(paper)
    facts = _fields(paper.categories, site=site, topics=topics)
    if votes := _votes(upvotes):
        facts.append(count(votes, "upvote"))
    return PaperView(
        id=paper.id,
        title=title,
        short_title=truncate(title, SHORT_TITLE),
        url=_url(paper, site),
        authors=authors_line(paper.authors),
        field=" · ".join(facts),
        abstract=clean(paper.abstract),
        links=_links(paper, site),
    )


def card_view(
    paper: Paper, *, site: Site, topics: Mapping[str, Topic], upvotes: int = 0
) -> PaperView:
    """A paper's view for pages."""
    view = paper_view(paper, site=site, topics=topics, upvotes=upvotes)
    return replace(
        view,
        path=paper_path(site, paper.id),
        chips=tuple(chip(each, site=site, topics=topics) for each in paper.categories if each),
        votes=_votes(upvotes),
        teaser=truncate(view.abstract, TEASER),
    )


def line_view(paper: Paper, *, site: Site) -> LineView:
    """A paper's title and its link."""
    return LineView(title=title_of(paper), url=_url(paper, site))


def row_view(paper: Paper, *, site: Site) -> LineView:
    """A line view for pages."""
    return replace(
        line_view(paper, site=site),
        path=paper_path(site, paper.id),
        authors=authors_line(paper.authors),
    )


def chip(category: str, *, site: Site, topics: Mapping[str, Topic]) -> Chip:
    """A category as pages show it."""
    topic = topics.get(category)
    code = truncate(clean(category), LONGEST_NAME)
    return Chip(
        code=code,
        name=truncate(clean(topic.name), LONGEST_NAME) or code if topic else code,
        path=f"{root(site)}/topics/{links.slug(category)}",
    )


def reckoned(pick: Pick) -> dict[str, object]:
    """Why a pick was picked, for JSON: its score, its chance, and every term."""
    return {
        "score": round(pick.score, 6),
        "chance": round(pick.chance, 4),
        "terms": [
            {
                "kind": str(term.kind),
                "what": term.what,
                "amount": round(term.amount, 6),
                "words": list(term.words),
            }
            for term in pick.reasons
        ],
    }


def root(site: Site) -> str:
    """The beginning of all paths on this site, "" if the site is at the root of its host."""
    return quote(urlsplit(site.url).path.rstrip("/"), safe="/%")


def paper_path(site: Site, paper_id: str) -> str:
    """The path of a paper's page."""
    return paper_below(root(site), paper_id)


def paper_below(base: str, paper_id: str) -> str:
    """The page of a paper below `base`; slashes in old arXiv ids and DOIs are kept."""
    return f"{base}/papers/{quote(paper_id, safe=':/')}"


def licence_of(paper: Paper) -> tuple[str, str]:
    """The short name of a paper's licence (`CC BY 4.0`), and its address or ""."""
    text = clean(paper.licence)
    found = _CREATIVE_COMMONS.match(text)
    if found:
        kind = "CC0" if found[1] == "zero" else f"CC {found[1].upper()}"
        return f"{kind} {found[2]}", links.safe(text)
    if "arxiv.org/licenses/nonexclusive-distrib" in text:
        return "arXiv, non-exclusive", links.safe(text)
    return truncate(text, LONGEST_NAME), links.safe(text)


def author_path(site: Site, name: str) -> str:
    """The path of the page of an author's papers."""
    return f"{root(site)}/authors/{quote(name, safe='')}"


def authors_line(authors: Sequence[str], most: int = MOST_AUTHORS) -> str:
    """The first `most` authors, then `and 12 more`; never `and 1 more`."""
    names = [name for each in authors if (name := truncate(clean(each), LONGEST_NAME))]
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    if len(names) > 1:
        return f"{', '.join(names[:-1])} and {names[-1]}"
    return "".join(names)


def title_of(paper: Paper) -> str:
    """A title as shown; never empty, so that there is something to click."""
    return truncate(clean(paper.title), LONGEST_TITLE) or "Untitled"


def _votes(upvotes: int) -> int:
    return max(0, min(upvotes, MOST_UPVOTES))


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
        LinkView(name=LABELS[kind], phrase=f"{LABELS[kind]} of", url=url)
        for kind, url in found.items()
    ]
    if site.url:
        page = links.paper(site, paper.id)
        views.append(LinkView(name="Similar papers", phrase="Similar papers to", url=page))
    return tuple(views)


def _fields(categories: Sequence[str], *, site: Site, topics: Mapping[str, Topic]) -> list[str]:
    """Names of categories with their codes: `Machine Learning (cs.LG)`."""
    chips = [chip(each, site=site, topics=topics) for each in categories[:MOST_FIELDS]]
    names = [
        each.code if each.name == each.code else f"{each.name} ({each.code})" for each in chips
    ]
    if len(categories) > MOST_FIELDS:
        names.append(f"{len(categories) - MOST_FIELDS} more")
    return [each for each in names if each]
