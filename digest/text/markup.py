"""HTML and JATS as plain text."""

from __future__ import annotations

import html
import re

import nh3

from digest.text.cleaning import clean
from digest.text.mathml import formulas_to_text, raised_to_text, tex_once

_INLINE = (
    "a abbr acronym address applet area audio b base basefont bdi bdo big blink body button canvas"
    " caption cite code col colgroup data datalist del details dfn dialog dir em embed fieldset"
    " figcaption font form frame frameset head html i iframe img input ins kbd label legend link"
    " main map mark menu meta meter nobr noframes noscript object optgroup option output param"
    " picture progress q rp rt ruby s samp script select slot small source span strike strong style"
    " sub summary sup svg template textarea time title track tt u var video wbr math mi mn mo mrow"
    " msub msup msubsup mfrac mtext annotation semantics italic bold sc monospace xref ext-link"
    " inline-formula disp-formula tex-math alternatives inline-graphic"
)
_BLOCK = (
    "article aside blockquote br center dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li"
    " nav ol p pre section table tbody td tfoot th thead tr ul"
)
_ATTRIBUTES = r"(?:\s[^<>=]*=[^<>]*|\s*/?|\s+[a-z]+\s*/?)"
# Only known tags: `x<y and z>w` and `List<String>` are words, not markup.
_TAG = re.compile(
    rf"</?(?:(?:jats|mml|xhtml|html):[\w.-]+|(?:{'|'.join((_INLINE + ' ' + _BLOCK).split())}))"
    rf"{_ATTRIBUTES}>|<!\[CDATA\[|<!doctype[^<>]*>",
    re.IGNORECASE,
)
_BREAK = re.compile(
    rf"</?(?:(?:jats|mml):(?:p|title|sec|list|list-item)|{'|'.join(_BLOCK.split())})\b(?=[\s/>])",
    re.IGNORECASE,
)
# nh3 would delete these with their content.
_MATHML = re.compile(
    r"</?(?:math|mi|mn|mo|mrow|msub|msup|msubsup|mfrac|mtext|annotation|semantics)\b",
    re.IGNORECASE,
)
_AFTER_AMPERSAND = r"(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_ENTITY = re.compile(f"&{_AFTER_AMPERSAND}")
_BARE = re.compile(f"&(?!{_AFTER_AMPERSAND})")
_ROUNDS = 3
# nh3 takes quadratic time for nested blocks: 0.1 s for this many, half a minute for 40,000.
_MAX_TAGS = 3_000


def html_to_text(s: str) -> str:
    """Plain text from HTML, JATS or plain text: tags stripped, entities decoded, cleaned.

    Markup that was escaped twice is stripped too; scripts and styles go with their content. Only
    known tags are stripped, so that `p<0.05`, `List<String>` and LaTeX stay. Superscripts and
    MathML are converted as `latex_to_text` does: 10⁶, x^(n+1/2). The result must be escaped where
    it is shown.
    """
    if "<" not in s and "&" not in s:
        return clean(s)
    for _ in range(_ROUNDS):
        if "<!--" in s:
            s = _without_comments(s)
        if "<" in s and _TAG.search(s):
            s = _strip(s)
        if "&" not in s or not _ENTITY.search(s):
            break
        s = _ENTITY.sub(lambda entity: html.unescape(entity[0]), s)
    return clean(s)


def _strip(s: str) -> str:
    """`s` without tags; its text is still escaped."""
    s = s.replace("<![CDATA[", "").replace("]]>", "")
    s = raised_to_text(formulas_to_text(tex_once(s)))
    if s.count("<") > _MAX_TAGS:
        return _TAG.sub(" ", s)
    s = _BREAK.sub(r" \g<0>", s)
    parts: list[str] = []
    end = 0
    for match in _TAG.finditer(s):
        tag = "" if _MATHML.match(match[0]) else match[0]
        parts += (s[end : match.start()].replace("<", "&lt;"), tag)
        end = match.end()
    parts.append(s[end:].replace("<", "&lt;"))
    # nh3 decodes `&copy` without a semicolon, as browsers do; here it is an ordinary ampersand.
    escaped = _BARE.sub("&amp;", "".join(parts)).encode("utf-8", "ignore").decode()
    return nh3.clean(escaped, tags=set(), clean_content_tags={"script", "style"})


def _without_comments(s: str) -> str:
    parts: list[str] = []
    end = 0
    while (start := s.find("<!--", end)) >= 0 and (stop := s.find("-->", start + 4)) >= 0:
        parts.append(s[end:start])
        end = stop + 3
    return "".join((*parts, s[end:]))
