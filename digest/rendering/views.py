"""What templates see of a paper: clean, clipped, with human names; made once per paper."""

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
class Chip:
    """A category as pages show it: its code, what it is called, and where its papers are."""

    code: str
    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperView:
    """A paper as shown; `number`, `reason` and the address of its answers belong to a pick.

    `path` is its page on this site. Pages print `chips`, `votes` and `teaser` where mails print
    `field`.
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
    """A paper of which only the title is shown, on pages also who wrote it."""

    title: str
    url: str
    path: str = ""
    authors: str = ""


def paper_view(
    paper: Paper, *, site: Site, topics: Mapping[str, Topic], upvotes: int = 0
) -> PaperView:
    """Everything about a paper that is the same for every reader; the abstract is whole."""
    title = title_of(paper)
    facts = [*_fields(paper.categories, topics)]
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
    """The same with what only pages show."""
    view = paper_view(paper, site=site, topics=topics, upvotes=upvotes)
    return replace(
        view,
        path=paper_path(site, paper.id),
        chips=tuple(chip(each, site=site, topics=topics) for each in paper.categories if each),
        votes=_votes(upvotes),
        teaser=truncate(view.abstract, TEASER),
    )


def line_view(paper: Paper, *, site: Site) -> LineView:
    """A paper's title and where it leads."""
    return LineView(title=title_of(paper), url=_url(paper, site))


def row_view(paper: Paper, *, site: Site) -> LineView:
    """The same with what only pages show."""
    return replace(
        line_view(paper, site=site),
        path=paper_path(site, paper.id),
        authors=authors_line(paper.authors),
    )


def chip(category: str, *, site: Site, topics: Mapping[str, Topic]) -> Chip:
    """A category and the page of its papers."""
    topic = topics.get(category)
    code = truncate(clean(category), LONGEST_NAME)
    return Chip(
        code=code,
        name=truncate(clean(topic.name), LONGEST_NAME) if topic else code,
        path=f"{root(site)}/topics/{links.slug(category)}",
    )


def reckoned(pick: Pick) -> dict[str, object]:
    """What made a pick, as plain values for JSON: its score, its chance, and every term."""
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
    """What the paths of all pages begin with: "" where the site has its host to itself."""
    return quote(urlsplit(site.url).path.rstrip("/"), safe="/%")


def paper_path(site: Site, paper_id: str) -> str:
    """A paper's page."""
    return paper_below(root(site), paper_id)


def paper_below(base: str, paper_id: str) -> str:
    """A paper's page among those of `base`; the slashes of old arXiv ids and of DOIs stay as they are."""
    return f"{base}/papers/{quote(paper_id, safe=':/')}"


def licence_of(paper: Paper) -> tuple[str, str]:
    """A licence's short name and its address ("" if it gives none): `CC BY 4.0`."""
    text = clean(paper.licence)
    found = _CREATIVE_COMMONS.match(text)
    if found:
        kind = "CC0" if found[1] == "zero" else f"CC {found[1].upper()}"
        return f"{kind} {found[2]}", links.safe(text)
    if "arxiv.org/licenses/nonexclusive-distrib" in text:
        return "arXiv, non-exclusive", links.safe(text)
    return truncate(text, LONGEST_NAME), links.safe(text)


def author_path(site: Site, name: str) -> str:
    """The page of an author's papers."""
    return f"{root(site)}/authors/{quote(name, safe='')}"


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
