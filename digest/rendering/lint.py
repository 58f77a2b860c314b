"""Finds what screen readers, old mail clients and spam filters dislike in a rendered mail.

Sources: the Email Markup Consortium's accessibility report (2026), and for the elements and
properties that most clients support caniemail.com (June 2026).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise

SMALLEST_FONT = 14
LEAST_CONTRAST = 4.5

_VOID = frozenset({"meta", "br", "img", "link", "hr", "input", "col"})
_TAGS = frozenset({
    "html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td", "p", "h1", "h2",
    "h3", "a", "span", "br", "ul", "ol", "li", "b", "strong", "i", "em", "img", "hr",
    "blockquote",
})  # fmt: skip
_PROPERTIES = frozenset({
    "background-color", "border-bottom", "border-color", "border-radius", "border-top", "color",
    "display", "font-family", "font-size", "font-style", "font-weight", "line-height", "margin",
    "max-width", "overflow-wrap", "padding", "text-align", "text-decoration", "text-transform",
    "vertical-align", "width", "word-break",
})  # fmt: skip
_DISPLAYS = frozenset({"none", "block", "inline", "inline-block"})
_VALUE = re.compile(r"var\(|calc\(|url\(|expression\(|!important", re.IGNORECASE)
# Below this an sRGB channel is linear (IEC 61966-2-1).
_DARKEST = 0.04045
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_KEPT_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_DARK = re.compile(r"@media[^{]*prefers-color-scheme:\s*dark[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}")
_INHERITED = ("color", "background-color", "font-size", "display")


def lint(html: str) -> list[str]:
    """The faults of a rendered mail, one sentence each."""
    reader = _Reader(_dark_rules(html))
    reader.feed(html)
    reader.close()
    if "color-scheme" not in html:
        reader.findings.append("no color-scheme")
    return [*reader.findings, *_faults_of_document(reader)]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two `#rrggbb` colours (WCAG 2.2, relative luminance), 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@dataclass
class _Element:
    tag: str
    style: dict[str, str]
    dark: dict[str, str]


@dataclass
class _Link:
    url: str
    label: str
    text: str = ""


class _Reader(HTMLParser):
    """Walks the elements with their inherited inline styles, for light and dark mode."""

    def __init__(self, dark: Mapping[str, dict[str, str]]) -> None:
        super().__init__(convert_charrefs=True)
        self.findings: list[str] = []
        self.languages: dict[str, bool] = {}
        self.headings: list[int] = []
        self.links: list[_Link] = []
        self.title = ""
        self._dark = dark
        self._open: list[_Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        style = _declarations(given.get("style", ""))
        self._check_element(tag, given, style)
        above = self._open[-1] if self._open else _Element("", {}, {})
        inherited = {name: above.style[name] for name in _INHERITED if name in above.style}
        dimmed = {name: above.dark[name] for name in _INHERITED if name in above.dark}
        dark = dict(style)
        for name in given.get("class", "").split():
            dark |= self._dark.get(name, {})
        if tag not in _VOID:
            self._open.append(_Element(tag, inherited | style, dimmed | dark))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self._open or self._open[-1].tag != tag:
            self._find(f"</{tag}> closes what is not open")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        tags = [each.tag for each in self._open]
        if "title" in tags:
            self.title += data
        if not data.strip() or "style" in tags or "head" in tags or not self._open:
            return
        if "a" in tags and self.links:
            self.links[-1].text += data
        shown = self._open[-1]
        if shown.style.get("display") == "none":
            return
        self._check_text(data.strip()[:30], shown.style, "")
        self._check_text(data.strip()[:30], shown.dark, "dark: ")

    def _check_element(self, tag: str, given: Mapping[str, str], style: Mapping[str, str]) -> None:
        if tag not in _TAGS:
            self._find(f"<{tag}> is not for mail")
        if tag == "table" and given.get("role") != "presentation":
            self._find('a table without role="presentation" is read out as data')
        if tag == "img" and "alt" not in given:
            self._find("an image without alt")
        if tag in ("html", "div") and tag not in self.languages:
            directed = given.get("dir") in ("ltr", "rtl")
            self.languages[tag] = bool(given.get("lang")) and directed
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if tag == "a":
            if not given.get("href"):
                self._find("a link to nowhere")
            self.links.append(_Link(given.get("href", ""), given.get("aria-label", "")))
        if any(name.startswith("on") for name in given):
            self._find(f"<{tag}> has an event handler")
        self.findings.extend(_faults_of_style(tag, style))

    def _check_text(self, text: str, style: Mapping[str, str], mode: str) -> None:
        ink, paper = style.get("color", ""), style.get("background-color", "")
        size = style.get("font-size", "")
        if not ink or not paper:
            self._find(f"{mode}“{text}” has no colour of its own")
        elif _COLOUR.fullmatch(ink) and _COLOUR.fullmatch(paper):
            ratio = contrast(ink, paper)
            if ratio < LEAST_CONTRAST:
                self._find(f"{mode}“{text}” has contrast {ratio:.1f} ({ink} on {paper})")
        if not size.endswith("px") or float(size[:-2]) < SMALLEST_FONT:
            self._find(f"{mode}“{text}” is smaller than {SMALLEST_FONT}px, or of no set size")

    def _find(self, text: str) -> None:
        line, _ = self.getpos()
        self.findings.append(f"line {line}: {text}")


def _faults_of_document(seen: _Reader) -> list[str]:
    tags = ("html", "div")
    found = [f"<{tag}> needs lang and dir" for tag in tags if not seen.languages.get(tag)]
    if not seen.title.strip():
        found.append("no title")
    if seen.headings.count(1) != 1 or seen.headings[:1] != [1]:
        found.append("there must be one h1, before all other headings")
    if any(after > before + 1 for before, after in pairwise(seen.headings)):
        found.append("a level of headings is skipped")
    names: dict[str, str] = {}
    for link in seen.links:
        name = " ".join((link.label or link.text).split())
        if not name:
            found.append(f"a link without text: {link.url}")
        elif names.setdefault(name, link.url) != link.url:
            found.append(f"two links are called “{name}” and lead to different places")
    return found


def _faults_of_style(tag: str, style: Mapping[str, str]) -> list[str]:
    found: list[str] = []
    for name, value in style.items():
        if name not in _PROPERTIES:
            found.append(f"<{tag}>: many clients do not know {name}")
        if _VALUE.search(value) or (name == "display" and value not in _DISPLAYS):
            found.append(f"<{tag}>: {name}: {value} is not for mail")
        if name in ("color", "background-color") and not _COLOUR.fullmatch(value):
            found.append(f"<{tag}>: write {name} as #rrggbb, not {value}")
    return found


def faults_of_sheet(kept: str) -> list[str]:
    """The faults of rules that stay in the head: a selector is one class, values are !important."""
    found: list[str] = []
    for selector, body in _KEPT_RULE.findall(re.sub(r"@media[^{]*\{", "", kept)):
        if not re.fullmatch(r"\s*\.[\w-]+\s*", selector):
            found.append(f"{selector.strip()}: selectors in the head are single classes")
        found.extend(
            f"{selector.strip()}: {name} needs !important"
            for name, value in _declarations(body).items()
            if not value.endswith("!important")
        )
    return found


def _dark_rules(html: str) -> dict[str, dict[str, str]]:
    rules: dict[str, dict[str, str]] = {}
    for block in _DARK.findall(html):
        for selector, body in _KEPT_RULE.findall(block):
            values = _declarations(body.replace("!important", ""))
            rules.setdefault(selector.strip().lstrip("."), {}).update(values)
    return rules


def _declarations(style: str) -> dict[str, str]:
    pairs = (each.partition(":") for each in style.split(";"))
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= _DARKEST else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
