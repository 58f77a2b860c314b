"""Mail templates compiled once: CSS inlined, checked, and cut into constant pieces and holes.

A template is one ordinary Jinja file per part, in `templates/mail/`, with the statements written
as HTML comments (`<!--% for paper in picks %-->`): those are legal between table rows and come
through the inliner untouched, which `{% … %}` would not. Three rules follow:

- no `<`, `>`, `&` or `"` inside `{{ … }}`;
- no spaces inside it in an address (`href="{{paper.url}}"`);
- no filter on what differs between readers: that is filled in after the template is rendered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from digest.resources import templates_dir
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
# A NUL in quoted-printable: what is left of a hole's mark that a filter has changed.
_BROKEN_HOLE = b"=00"


@dataclass(frozen=True, slots=True)
class Part:
    """One part (HTML or text) of one kind of mail, ready to be rendered in pieces.

    `lists` maps each sequence to the template block that renders one of its items. The shell is
    the mail with one hole in place of each sequence; `block` renders an item alone. `constants`
    are values that all mails share. Every method that renders raises ConfigError naming the file
    for an error of Jinja's, such as an unknown name. What else an expression raises may be due to
    one paper, and is raised as it is.
    """

    name: str
    template: Template
    cover: Template
    lists: Mapping[str, str]
    constants: Mapping[str, str]
    globals: Mapping[str, object]
    _shells: dict[frozenset[str], Pieces] = field(default_factory=dict)

    def shell(self, given: frozenset[str], names: Iterable[str]) -> Pieces:
        """The mail around its items: a hole for each name in `given`, "" for the other `names`."""
        found = self._shells.get(given)
        if found is None:
            context = {name: hole(name) if name in given else "" for name in names}
            items: dict[str, list[object]] = {
                name: [None] if name in given else [] for name in self.lists
            }
            with blaming(self.name, TemplateError):
                rendered = self.cover.render({**self.constants, **context, **items})
            found = self._shells[given] = self._opened(rendered)
        return found

    def whole(self, context: Mapping[str, object]) -> str:
        """The mail rendered in one go."""
        with blaming(self.name, TemplateError):
            return self.template.render(context)

    def block(self, name: str, **context: object) -> Pieces:
        """One item of a list; values in `context` may be holes."""
        template = self.template
        # Jinja's own merging of its globals into every context takes as long as rendering.
        made = template.new_context({**self.globals, **context}, shared=True)
        with blaming(self.name, TemplateError):
            rendered = "".join(template.blocks[name](made))
        return self._opened(rendered)

    def _opened(self, rendered: str) -> Pieces:
        found = Pieces.of(rendered)
        if any(_BROKEN_HOLE in each for each in found.pieces):
            raise _unusable(self.name, "a filter changes what is only filled in later")
        return found


def load(
    folder: Path | None,
    name: str,
    lists: Mapping[str, str] = {},
    constants: Mapping[str, str] = {},
) -> tuple[Part, Part]:
    """The HTML and the text part of a mail, from `<name>.html` and `<name>.txt`.

    They are in `folder`, or where Digest's own templates are. `constants` are wrapped in the
    text part. Raises ConfigError naming the file when it is missing, does not compile, or its
    CSS cannot be inlined without changing what the template says.
    """
    folder = folder or templates_dir() / "mail"
    sheet = read(folder / STYLESHEET)
    html_file, text_file = folder / f"{name}.html", folder / f"{name}.txt"
    source = inline(read(html_file), sheet, name=str(html_file))
    wrapped = {each: wrap(value) for each, value in constants.items()}
    return (
        _part(source, lists, constants, escape=True, name=str(html_file)),
        _part(read(text_file), lists, wrapped, escape=False, name=str(text_file)),
    )


def specimen(texts: str, addresses: str) -> dict[str, str]:
    """A made-up value for each of these names, to try a template with."""
    words = {each: each.replace("_", " ").capitalize() for each in texts.split()}
    return words | {each: f"https://example.org/{each}" for each in addresses.split()}


def lacks(things: Sequence[tuple[str, ...]]) -> Iterator[frozenset[str]]:
    """Which names a mail may have no value for: none, all, those of one thing, of all but one.

    A thing is a group of names that come and go together. Trying all of these takes every branch
    of a template that depends on one thing.
    """
    every = frozenset(chain.from_iterable(things))
    yield frozenset()
    yield every
    for thing in things:
        yield frozenset(thing)
        yield every.difference(thing)


def without(context: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    """The context with these names empty, each as what it is: a text, a list, a tuple."""
    return {**context, **{name: type(context[name])() for name in names}}


def check(parts: tuple[Part, Part], contexts: Sequence[Mapping[str, object]]) -> None:
    """Render both parts in each of these contexts, and lint the HTML.

    Raises ConfigError with all faults; one that several mails share is named once.
    """
    html, text = parts
    with blaming(text.name):
        for each in contexts:
            text.whole(each)
    with blaming(html.name):
        mails = dict.fromkeys(html.whole(each) for each in contexts)
    faults: dict[str, str] = {}
    for mail in mails:
        for fault in lint(mail):
            faults.setdefault(_NUMBER.sub("", fault), fault)
    if faults:
        raise ConfigError(f"{html.name}: {'; '.join(faults.values())}.", subject=html.name)


@contextmanager
def blaming(name: str, kind: type[Exception] = Exception) -> Iterator[None]:
    """Errors of this kind are the template's fault, and become a ConfigError that names it."""
    try:
        yield
    except ConfigError:
        raise
    except kind as error:
        what = "" if isinstance(error, TemplateError) else f"{type(error).__name__}: "
        raise _unusable(name, f"{what}{error}") from error


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

    Raises ConfigError if the rules in the head have faults, or if a Jinja token was changed: the
    inliner is an HTML parser, and moves or escapes what it does not understand.
    """
    from premailer import Premailer  # noqa: PLC0415 - takes 0.3 s, and only mail needs it

    plain, kept = split_sheet(css)
    if len(kept) > LARGEST_SHEET:
        raise ConfigError(f"{name}: the @media rules are larger than 16 kB.", subject=name)
    if faults := faults_of_sheet(kept):
        raise ConfigError(f"{name}: {'; '.join(faults)}.", subject=name)
    inliner = Premailer(
        source.replace(_STYLE_HOLE, ""),
        css_text=plain,
        allow_network=False,
        disable_validation=True,
        disable_leftover_css=True,
        disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
    )
    done: str = inliner.transform(pretty_print=False)
    before, after = Counter(_TOKEN.findall(source)), Counter(_TOKEN.findall(done))
    if before != after:
        lost = before - after
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
    """`text` in lines of at most 72, all but the first indented.

    A long word or URL stays whole, and so does what a no-break space joins.
    """
    text = _SPACES.sub(" ", str(text)).strip()
    return f"\n{' ' * indent}".join(wrapped(text, COLUMNS - indent))


def _slim(source: str, used: frozenset[str]) -> str:
    """Leave out indentation, and classes that no rule in the head names."""

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
    with blaming(name):
        part, cover = made.get_template("part"), made.get_template("cover")
    return Part(name, part, cover, lists, constants, dict(part.globals))


def _unusable(name: str, why: str) -> ConfigError:
    return ConfigError(f"The template {name} cannot be used: {why}.", subject=name)
