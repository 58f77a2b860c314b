"""Mail templates and the papers of an edition, made once: what every message of a block shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

from digest.model import Paper, Pick, Site, Topic, Voice
from digest.rendering import templates, wording
from digest.rendering.feed_items import spoken
from digest.rendering.pieces import Ordered, hole
from digest.rendering.templates import Part
from digest.rendering.views import (
    LONGEST_NAME,
    LineView,
    LinkView,
    PaperView,
    line_view,
    paper_view,
    title_of,
)
from digest.resources import templates_dir
from digest.text import clean, truncate

KEPT_FRAGMENTS = 4096
LONGEST_IMPRINT = 500
LONGEST_VOICE = 300
MOST_VOICES = 3

OPEN = ("number", "label", "reason", "answer")
"""What is left open of a paper: its number, the same as text begins with, why, where to answer."""

_LISTS = {"picks": "paper", "rest": "line"}


@dataclass(frozen=True, slots=True)
class Fragment:
    """One paper in both parts, to be joined into any message once `OPEN` is filled in order."""

    html: Ordered
    text: Ordered


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTemplates:
    """The compiled templates of a site; `paper` and `line` render, and keep the latest they made.

    `paper` takes the paper, its upvotes, who speaks for it, the longest abstract and whether there is
    a reason.
    """

    site: Site
    digest: tuple[Part, Part]
    paper: Callable[[Paper, int, tuple[Voice, ...], int, bool], Fragment]
    line: Callable[[Paper], tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The papers of a block of digests, each rendered when first needed and then kept."""

    templates: MailTemplates
    papers: Mapping[str, Paper]
    upvotes: Mapping[str, int]
    because: Callable[[Pick], str]
    voices: Mapping[str, Sequence[Voice]]
    _papers: dict[tuple[int, bool], dict[str, Fragment]] = field(default_factory=dict)
    _lines: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    _titles: dict[str, str] = field(default_factory=dict)

    def title(self, paper_id: str) -> str:
        """A paper's title as it is shown."""
        found = self._titles.get(paper_id)
        if found is None:
            found = self._titles[paper_id] = title_of(self.papers[paper_id])
        return found

    def paper(self, paper_id: str, longest: int, *, reasoned: bool) -> Fragment:
        """A pick, its abstract cut to `longest` characters, with or without room for a reason."""
        kept = self._papers.get((longest, reasoned))
        if kept is None:
            kept = self._papers[longest, reasoned] = {}
        found = kept.get(paper_id)
        if found is None:
            found = kept[paper_id] = self.templates.paper(
                self.papers[paper_id],
                self.upvotes.get(paper_id, 0),
                tuple(self.voices.get(paper_id, ())),
                longest,
                reasoned,
            )
        return found

    def line(self, paper_id: str) -> tuple[bytes, bytes]:
        """A paper of which only the title is shown, in HTML and in text."""
        found = self._lines.get(paper_id)
        if found is None:
            found = self._lines[paper_id] = self.templates.line(self.papers[paper_id])
        return found


def compile_mail(
    site: Site, topics: Mapping[str, Topic], *, folder: Path | None = None
) -> MailTemplates:
    """Read, inline and lint the mail templates, from `folder` or where they are installed.

    Raises ConfigError naming the file when a template is missing, broken, or would make mails
    that people or clients cannot read, whatever a digest or a paper of this site has not got;
    the message says everything that `lint` found.
    """
    folder = folder or templates_dir() / "mail"
    sheet = templates.read(folder / templates.STYLESHEET)
    constants = {**site_values(site), "signature": wording.signature(site)}
    digest = templates.load(folder, "digest", sheet, _LISTS, constants)
    papers, titles = _sparse_papers(site), _TITLES[:1] if site.url else _TITLES
    context = _SPECIMEN | {"picks": _PAPERS, "rest": titles}
    always = _ADDRESSES if site.url else ()
    sparse = [templates.without(context, each) for each in templates.lacks(_OPTIONAL, always)]
    _check_pieces(digest, sparse, papers, titles)
    templates.check(folder, sheet, digest, [*sparse, context | {"picks": papers}])
    return MailTemplates(
        site=site,
        digest=digest,
        paper=lru_cache(KEPT_FRAGMENTS)(partial(_paper, digest, site, topics)),
        line=lru_cache(KEPT_FRAGMENTS)(partial(_line, digest, site)),
    )


def site_values(site: Site) -> dict[str, str]:
    """What templates print of the publisher, bounded so that a footer always fits."""
    return {
        # Templates edited before their words were called English ask for these.
        "lang": "en",
        "dir": "ltr",
        "site_name": truncate(clean(site.name), 100),
        "home_url": f"{site.url}/" if site.url else "",
        "imprint": truncate(clean(site.imprint), LONGEST_IMPRINT),
        "contact": truncate(clean(site.contact), LONGEST_IMPRINT),
    }


def _paper(
    parts: tuple[Part, Part],
    site: Site,
    topics: Mapping[str, Topic],
    paper: Paper,
    upvotes: int,
    voices: tuple[Voice, ...],
    longest: int,
    reasoned: bool,
) -> Fragment:
    view = paper_view(paper, site=site, topics=topics, upvotes=upvotes)
    view = replace(
        view,
        abstract=truncate(view.abstract, longest) if longest else "",
        number=hole("number"),
        label=hole("label"),
        reason=hole("reason") if reasoned else "",
        answer_url=hole("answer") if site.url else "",
        voices=tuple(clean(spoken(_bounded(each))) for each in voices[:MOST_VOICES]),
    )
    html, text = parts
    return Fragment(
        html.block("paper", paper=view).ordered(*OPEN),
        text.block("paper", paper=view).ordered(*OPEN),
    )


def _bounded(voice: Voice) -> Voice:
    """The voice with what it says, and its name, each cut to what a person may write."""
    return replace(
        voice,
        name=truncate(clean(voice.name), LONGEST_NAME),
        line=truncate(clean(voice.line), LONGEST_VOICE),
    )


def _line(parts: tuple[Part, Part], site: Site, paper: Paper) -> tuple[bytes, bytes]:
    view = line_view(paper, site=site)
    html, text = (part.block("line", paper=view).fill({}) for part in parts)
    return html, text


def _check_pieces(
    parts: tuple[Part, Part],
    contexts: Sequence[Mapping[str, object]],
    papers: Sequence[PaperView],
    titles: Sequence[LineView],
) -> None:
    """Render mails as they are sent, in pieces; raises ConfigError.

    A mail around its items knows nothing of these, nor an item of what is around it; and what
    stays open in either must come through as it is.
    """
    for part in parts:
        with templates.trying(part):
            for each in contexts:
                constants = {name: str(each[name]) for name in part.constants}
                names = each.keys() - constants.keys()
                # What is kept in a shell has to be the site's own.
                trial = replace(part, constants=constants, _shells={})
                trial.shell(frozenset(name for name in names if each[name]), names)
            for paper in papers:
                part.block("paper", paper=_opened(paper))
            for line in titles:
                part.block("line", paper=line)


def _opened(paper: PaperView) -> PaperView:
    """The specimen as it is rendered for a mail, with `OPEN` left open."""
    return replace(
        paper,
        number=hole("number"),
        label=hole("label"),
        reason=hole("reason") if paper.reason else "",
        answer_url=hole("answer") if paper.answer_url else "",
    )


def _sparse_papers(site: Site) -> tuple[PaperView, ...]:
    """A paper of which all is known, and such as lack something they may lack on this site."""
    papers = []
    always = _ADDRESSES_OF_PAPERS if site.url else ()
    for number, names in enumerate(templates.lacks(_OPTIONAL_OF_PAPERS, always), 1):
        whole = _specimen_paper(number)
        lost = {name: type(getattr(whole, name))() for name in names}
        papers.append(replace(whole, **lost))
    return tuple(papers)


def _specimen_paper(number: int) -> PaperView:
    url = f"https://example.org/{number}"
    return PaperView(
        id=f"specimen:{number}",
        title=f"Title {number}",
        short_title=f"Title {number}",
        url=url,
        authors="Authors",
        field="Field",
        abstract="Abstract",
        links=(LinkView(name="PDF", phrase="PDF of", url=f"{url}.pdf"),),
        number=str(number),
        reason="Reason",
        answer_url=url,
        voices=("Voice 1", "Voice 2"),
    )


_PAPERS = (_specimen_paper(1), _specimen_paper(2))
_TITLES = (
    LineView(title="Line 1", url="https://example.org/line"),
    LineView(title="Line 2", url=""),
)
_SPECIMEN = {
    "lang": "en",
    "dir": "ltr",
    "site_name": "Site name",
    "imprint": "Imprint",
    "contact": "Contact",
    "subject": "Subject",
    "preheader": "Preheader",
    "day": "Day",
    "summary": "Summary",
    "notice_title": "Notice title",
    "notice": "Notice",
    "next": "Next",
    "rest_title": "Rest title",
    "hidden": "Hidden",
    "because_you": "Because you",
    "signature": "Signature",
    "home_url": "https://example.org/",
    "full_url": "https://example.org/d/",
    "feed_url": "https://example.org/feed",
    "unsubscribe_url": "https://example.org/u/",
    "unsubscribe_mailto": "mailto:leave@example.org",
    "preferences_url": "https://example.org/me/",
    "by_mail": "By mail",
}

# What a site that is not on the web has none of, and every other has.
_ADDRESSES = ("home_url", "full_url", "feed_url", "preferences_url", "unsubscribe_url")
_FURTHER = ("rest", "rest_title", "hidden")
_OPTIONAL = (
    _ADDRESSES,
    ("unsubscribe_mailto",),
    (*_ADDRESSES, "unsubscribe_mailto"),
    ("picks",),
    _FURTHER,
    ("picks", *_FURTHER),
    ("hidden",),
    ("notice", "notice_title"),
    ("next",),
    ("by_mail",),
    ("imprint",),
    ("contact",),
)
_ADDRESSES_OF_PAPERS = ("url", "answer_url")
_OPTIONAL_OF_PAPERS = (
    ("url",),
    ("authors",),
    ("field",),
    ("abstract",),
    ("links",),
    ("reason",),
    ("answer_url",),
    ("voices",),
)
