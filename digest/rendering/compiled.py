"""What all messages of a block share: compiled mail templates, and papers rendered once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

from digest.model import Paper, Pick, Site, Topic, Voice
from digest.rendering import links, templates, wording
from digest.rendering.feed_items import spoken
from digest.rendering.pieces import Pieces, hole
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
from digest.text import clean, truncate

KEPT_FRAGMENTS = 4096
LONGEST_IMPRINT = 500
LONGEST_VOICE = 300
MOST_VOICES = 3

OPEN = ("number", "label", "reason", "answer")
"""The holes in a rendered paper: its number in HTML and in text, the reason, the answer links."""

_LISTS = {"picks": "paper", "rest": "line"}


@dataclass(frozen=True, slots=True)
class Fragment:
    """One paper in both parts; a message fills the holes of `OPEN`, in that order."""

    html: Pieces
    text: Pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTemplates:
    """The compiled templates of a site; `paper` and `line` render a paper, with a cache.

    `paper` takes the paper, its upvotes, its voices, the longest abstract and whether there is
    a reason.
    """

    site: Site
    digest: tuple[Part, Part]
    paper: Callable[[Paper, int, tuple[Voice, ...], int, bool], Fragment]
    line: Callable[[Paper], tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Edition:
    """The papers of a block of digests, each rendered when first needed and then kept.

    `because` says in a sentence why a pick was picked. Papers, upvotes and voices may be added
    to the mappings later.
    """

    templates: MailTemplates
    papers: Mapping[str, Paper]
    _: KW_ONLY
    upvotes: Mapping[str, int] = field(default_factory=dict)
    because: Callable[[Pick], str] = lambda _: ""
    voices: Mapping[str, Sequence[Voice]] = field(default_factory=dict)
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
    that people or clients cannot read. All combinations of optional values are tried that can
    occur on this site.
    """
    constants = {**site_values(site), "signature": wording.signature(site)}
    parts = templates.load(folder, "digest", _LISTS, constants)
    papers, titles = _sparse_papers(site), _TITLES[:1] if site.url else _TITLES
    context = {**_SPECIMEN, "picks": _PAPERS, "rest": titles}
    if not site.url:
        context |= dict.fromkeys(_ADDRESSES, "")
    sparse = [templates.without(context, names) for names in templates.lacks(_OPTIONAL)]
    _check_pieces(parts, sparse, papers, titles)
    templates.check(parts, [*sparse, context | {"picks": papers}])
    return MailTemplates(
        site=site,
        digest=parts,
        paper=lru_cache(KEPT_FRAGMENTS)(partial(_paper, parts, site, topics)),
        line=lru_cache(KEPT_FRAGMENTS)(partial(_line, parts, site)),
    )


def site_values(site: Site) -> dict[str, str]:
    """What templates print of the site, bounded so that a footer always fits."""
    return {
        # For templates that operators edited before these two were constant.
        "lang": "en",
        "dir": "ltr",
        "site_name": truncate(clean(site.name), 100),
        "home_url": links.home(site),
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
        _open(view, reasoned=reasoned, answered=bool(site.url)),
        abstract=truncate(view.abstract, longest) if longest else "",
        voices=tuple(map(_spoken, voices[:MOST_VOICES])),
    )
    html, text = parts
    return Fragment(
        html.block("paper", paper=view).ordered(*OPEN),
        text.block("paper", paper=view).ordered(*OPEN),
    )


def _open(view: PaperView, *, reasoned: bool, answered: bool) -> PaperView:
    """The view with holes (`OPEN`) for what differs between readers."""
    return replace(
        view,
        number=hole("number"),
        label=hole("label"),
        reason=hole("reason") if reasoned else "",
        answer_url=hole("answer") if answered else "",
    )


def _spoken(voice: Voice) -> str:
    """Who speaks for a paper and what they say, cut to what a person may write."""
    name = truncate(clean(voice.name), LONGEST_NAME)
    return clean(spoken(replace(voice, name=name, line=truncate(clean(voice.line), LONGEST_VOICE))))


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
    """Render mails in pieces, as they are sent; raises ConfigError.

    This finds a shell that uses a name of its items or the other way round, and filters that
    change a hole.
    """
    for part in parts:
        with templates.blaming(part.name):
            for each in contexts:
                constants = {name: str(each[name]) for name in part.constants}
                names = each.keys() - constants.keys()
                # A copy, because the kept shells must be made with the site's own constants.
                trial = replace(part, constants=constants, _shells={})
                trial.shell(frozenset(name for name in names if each[name]), names)
            for paper in papers:
                view = _open(paper, reasoned=bool(paper.reason), answered=bool(paper.answer_url))
                part.block("paper", paper=view)
            for line in titles:
                part.block("line", paper=line)


def _sparse_papers(site: Site) -> tuple[PaperView, ...]:
    """A paper with all values, and papers that lack what they may lack on this site."""
    things = _OPTIONAL_OF_PAPERS if site.url else (*_OPTIONAL_OF_PAPERS, ("url",))
    papers = []
    for number, names in enumerate(templates.lacks(things), 1):
        whole = _specimen_paper(number)
        lost = names if site.url else {*names, "answer_url"}
        papers.append(replace(whole, **{name: type(getattr(whole, name))() for name in lost}))
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
_SPECIMEN: Mapping[str, object] = {
    **templates.specimen(
        "site_name imprint contact subject preheader day summary notice_title notice next rest_title"
        " hidden because_you signature by_mail",
        "home_url full_url feed_url unsubscribe_url unsubscribe_mailto preferences_url",
    ),
    "lang": "en",
    "dir": "ltr",
}

# A digest has all of these if the site has an address, else none.
_ADDRESSES = ("home_url", "full_url", "feed_url", "preferences_url", "unsubscribe_url")
_FURTHER = ("rest", "rest_title", "hidden")
_OPTIONAL = (
    ("unsubscribe_mailto",),
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
_OPTIONAL_OF_PAPERS = (
    ("authors",),
    ("field",),
    ("abstract",),
    ("links",),
    ("reason",),
    ("voices",),
)
