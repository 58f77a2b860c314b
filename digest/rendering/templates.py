"""Mail templates compiled once: CSS inlined, checked, and cut into constant pieces and holes.

A template is one ordinary Jinja file per part, in `templates/mail/`, with the statements written
as HTML comments (`<!--% for paper in picks %-->`): those are legal between table rows and come
through the inliner untouched, which `{% … %}` would not. Two rules follow: no `<`, `>`, `&`
or `"` inside `{{ … }}`, and no spaces inside it where it stands in an address
(`href="{{paper.url}}"`). A filter works on what is the same for every reader; what is filled in
for each of them is still a mark when the template is rendered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template, TemplateError
from jinja2.loaders import DictLoader

from digest.errors import ConfigError
from digest.rendering.lint import faults_of_sheet, lint
from digest.rendering.pieces import Pieces, hole
from digest.text import wrapped

COLUMNS = 72
STYLESHEET = "mail.css"
# Gmail reads no more of a style element than this.
LARGEST_SHEET = 16_000

_TOKEN = re.compile(r"\{\{.*?\}\}|<!--%.*?%-->", re.DOTALL)
_CLASS = re.compile(r' class="([^"]*)"')
_SELECTOR = re.compile(r"\.([\w-]+)")
_SPACES = re.compile(r"[^\S\xa0]+")
_STYLE_HOLE = "<style></style>"
_NUMBER = re.compile(r"\d+")
# A hole's mark that is none any more, in quoted-printable.
_CLOSED = b"=00"


@dataclass(frozen=True, slots=True)
class Part:
    """One part (HTML or text) of one kind of mail, ready to be rendered in pieces.

    `lists` names the sequences whose items are blocks of their own, with the block's name: the
    shell is rendered with one hole in their place, and each item alone, by `block`. `constants`
    are the same in every mail, and no holes.
    """

    name: str
    template: Template
    cover: Template
    lists: Mapping[str, str]
    constants: Mapping[str, str]
    globals: Mapping[str, object]
    _shells: dict[frozenset[str], Pieces] = field(default_factory=dict)

    def shell(self, given: frozenset[str], names: Iterable[str]) -> Pieces:
        """The mail around its items, with a hole for every name that is given; "" for the others.

        Raises ConfigError where the template asks for something else.
        """
        found = self._shells.get(given)
        if found is None:
            context = {name: hole(name) if name in given else "" for name in names}
            items: dict[str, list[object]] = {
                name: [None] if name in given else [] for name in self.lists
            }
            try:
                rendered = self.cover.render({**self.constants, **context, **items})
            except TemplateError as error:
                raise _unusable(self.name, str(error)) from error
            found = self._shells[given] = self._opened(rendered)
        return found

    def whole(self, context: Mapping[str, object]) -> str:
        """The mail rendered in one go, to look at; raises ConfigError where a name is wrong."""
        try:
            return self.template.render(context)
        except TemplateError as error:
            raise _unusable(self.name, str(error)) from error

    def block(self, name: str, **context: object) -> Pieces:
        """One item of a list, with the holes that `context` has marks for.

        Raises ConfigError where the block asks for something else, as for what is outside of it.
        """
        template = self.template
        # Jinja's own merging of its globals into every context takes as long as rendering.
        made = template.new_context({**self.globals, **context}, shared=True)
        try:
            rendered = "".join(template.blocks[name](made))
        except TemplateError as error:
            raise _unusable(self.name, str(error)) from error
        return self._opened(rendered)

    def _opened(self, rendered: str) -> Pieces:
        found = Pieces.of(rendered)
        if any(_CLOSED in each for each in found.pieces):
            raise _unusable(self.name, "a filter changes what is only filled in later")
        return found


def load(
    folder: Path,
    name: str,
    sheet: str,
    lists: Mapping[str, str],
    constants: Mapping[str, str] | None = None,
) -> tuple[Part, Part]:
    """The HTML and the text part of a mail, from `<name>.html` and `<name>.txt`.

    `constants` are what the mails of a site have in common; in the text part they are wrapped.
    Raises ConfigError naming the file when it is missing, does not compile, or its CSS cannot be
    inlined without changing what the template says.
    """
    html_file, text_file = folder / f"{name}.html", folder / f"{name}.txt"
    source = inline(read(html_file), sheet, name=str(html_file))
    shared = constants or {}
    wrapped = {each: wrap(value) for each, value in shared.items()}
    return (
        _part(source, lists, shared, escape=True, name=str(html_file)),
        _part(read(text_file), lists, wrapped, escape=False, name=str(text_file)),
    )


def lacks(
    things: Sequence[tuple[str, ...]], always: Collection[str] = ()
) -> Iterator[frozenset[str]]:
    """Which names a mail may have nothing for: none, those of one thing, of all but one, of all.

    A thing is what comes and goes together. So every branch that hangs on one of them is taken.
    What is `always` there is among none of them.
    """
    every = frozenset(chain.from_iterable(things)).difference(always)
    yield frozenset()
    yield every
    for thing in things:
        yield every.intersection(thing)
        yield every.difference(thing)


def without(context: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    """The context with these names empty, as templates find what is not there."""
    return {**context, **{name: type(context[name])() for name in names}}


@contextmanager
def trying(part: Part) -> Iterator[None]:
    """Rendering specimens: whatever it raises is the template's fault, and a ConfigError."""
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        raise _unusable(part.name, f"{type(error).__name__}: {error}") from error


def check(
    folder: Path, sheet: str, parts: tuple[Part, Part], contexts: Sequence[Mapping[str, object]]
) -> None:
    """Render both parts in each of these contexts, and lint what comes of it.

    Raises ConfigError naming the file where a name is wrong, or the folder and all that is wrong
    with what readers would get; the same fault is told of the first context that has it.
    """
    html, text = parts
    with trying(text):
        for each in contexts:
            text.whole(each)
    with trying(html):
        mails = dict.fromkeys(html.whole(each) for each in contexts)
    faults = faults_of_sheet(split_sheet(sheet)[1])
    for mail in mails:
        told = {_NUMBER.sub("", each) for each in faults}
        faults += [each for each in lint(mail) if _NUMBER.sub("", each) not in told]
    if faults:
        raise ConfigError(f"{folder}: {'; '.join(dict.fromkeys(faults))}.", subject=str(folder))


def read(path: Path) -> str:
    """A template's text; raises ConfigError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The template {path} cannot be read: {error}.", subject=str(path)
        ) from error


def environment(*, escape: bool, sources: Mapping[str, str]) -> Environment:
    """Jinja as mail templates are written: statements are HTML comments, unknown names errors."""
    made = Environment(
        loader=DictLoader(dict(sources)),
        autoescape=escape,  # noqa: S701 - off for text parts alone
        undefined=StrictUndefined,
        block_start_string="<!--%",
        block_end_string="%-->",
        comment_start_string="<!--#",
        comment_end_string="#-->",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["wrap"] = wrap
    return made


def inline(source: str, css: str, *, name: str) -> str:
    """Write the sheet's plain rules into style attributes; keep its at-rules in the head.

    The Jinja tokens must be the same before and after, as a multiset: an inliner is an HTML
    parser, and moves or escapes what it does not understand. Raises ConfigError.
    """
    from premailer import Premailer  # noqa: PLC0415 - takes 0.3 s, and only mail needs it

    plain, kept = split_sheet(css)
    if len(kept) > LARGEST_SHEET:
        raise ConfigError(f"{name}: the @media rules are larger than 16 kB.", subject=name)
    inliner = Premailer(
        source.replace(_STYLE_HOLE, ""),
        css_text=plain,
        allow_network=False,
        disable_validation=True,
        disable_leftover_css=True,
        disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
    )
    done: str = inliner.transform(pretty_print=False)
    if Counter(_TOKEN.findall(done)) != Counter(_TOKEN.findall(source)):
        lost = Counter(_TOKEN.findall(source)) - Counter(_TOKEN.findall(done))
        raise ConfigError(
            f"{name}: inlining the CSS would change {', '.join(sorted(lost))}; "
            "see the rules at the top of digest/rendering/templates.py.",
            subject=name,
        )
    done = done.replace("</head>", f"<style>\n{kept}\n</style>\n</head>", 1)
    return _slim(done, frozenset(_SELECTOR.findall(kept))) + "\n"


def split_sheet(css: str) -> tuple[str, str]:
    """A sheet's plain rules, and its top-level at-rules; comments go."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    plain: list[str] = []
    kept: list[str] = []
    depth = start = 0
    for match in re.finditer(r"[{}]", css):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            rule = css[start : match.end()].strip()
            (kept if rule.startswith("@") else plain).append(rule)
            start = match.end()
    return "\n".join(plain), "\n".join(re.sub(r"\s+", " ", rule) for rule in kept)


@lru_cache(maxsize=4096)
def wrap(text: str, indent: int = 0) -> str:
    """`text` in lines of at most 72, all but the first indented; a long word or URL stays whole.

    Nor is a line broken at a no-break space.
    """
    text = _SPACES.sub(" ", str(text)).strip()
    return f"\n{' ' * indent}".join(wrapped(text, COLUMNS - indent))


def _slim(source: str, used: frozenset[str]) -> str:
    """Drop what costs bytes in every item: indentation, and classes the kept sheet does not name."""

    def names(match: re.Match[str]) -> str:
        kept = [each for each in match[1].split() if each in used]
        return f' class="{" ".join(kept)}"' if kept else ""

    tight = re.sub(r'style="[^"]*"', lambda match: re.sub(r"([:;,]) ", r"\1", match[0]), source)
    return re.sub(r"\n\s+", "\n", _CLASS.sub(names, tight))


def _part(
    source: str,
    lists: Mapping[str, str],
    constants: Mapping[str, str],
    *,
    escape: bool,
    name: str,
) -> Part:
    if "{%" in source:
        raise _unusable(name, "statements are written <!--% … %-->, not {% … %}")
    holes = (
        f"<!--% block {block} %-->{hole(each)}<!--% endblock %-->" for each, block in lists.items()
    )
    around = f"<!--% extends 'part' %-->{''.join(holes)}"
    made = environment(escape=escape, sources={"part": source, "cover": around})
    try:
        part, cover = made.get_template("part"), made.get_template("cover")
    except TemplateError as error:
        raise _unusable(name, str(error)) from error
    return Part(name, part, cover, lists, constants, dict(part.globals))


def _unusable(name: str, why: str) -> ConfigError:
    return ConfigError(f"The template {name} cannot be used: {why}.", subject=name)
