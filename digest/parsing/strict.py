"""XML bytes to a tree, strictly and safely.

A document type is cut off before parsing, and with it external entities, entity bombs and remote
DTDs. What is not well-formed is mended in known, lossless ways (encoding, control characters, HTML
entities, bare ampersands) and parsed strictly again; lxml's `recover` is never used, since it
silently corrupts text around a bare `&`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from html.entities import html5
from xml.sax.saxutils import escape

from lxml import etree

from digest.errors import ListingUnreadable

Element = etree._Element  # noqa: SLF001 - lxml has no public name for it

_HEAD = 1_024
_MAX_CODE = 0x10FFFF
_AS_WINDOWS = "digest.windows-1252"
_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_DECLARATION = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]+)", re.IGNORECASE)
# All that may precede the root: declaration, comments, processing instructions, document type.
_PROLOG = re.compile(
    r"(?:\s+|<!--(?:[^-]|-(?!->))*+-->|<\?(?:[^?]|\?(?!>))*+\?>"
    r"|<!DOCTYPE[^\[>]*(?:\[(?:[^\]\"']|\"[^\"]*\"|'[^']*')*+\]\s*)?>)*+",
    re.IGNORECASE,
)
_AMPERSAND = re.compile(r"&(?:#(\d{1,7});|#[xX]([0-9a-fA-F]{1,6});|([A-Za-z][A-Za-z0-9]{1,31});)?")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_WESTERN = frozenset(
    {"", "utf8", "iso-8859-1", "latin1", "latin-1", "windows-1252", "cp1252", "us-ascii",
     "ascii"}
)  # fmt: skip
# Encodings whose bytes may all look like UTF-8.
_WIDE = ("utf-16", "utf-32", "ucs-2", "ucs-4", "iso-10646-ucs-")
# Python's names of the encodings of the web (encoding.spec.whatwg.org) and the wide ones. Other
# codecs of Python take quadratic time (punycode). Western ones are read as UTF-8 or windows-1252.
_CODECS = """utf-7 utf-16 utf-16-be utf-16-le utf-32 utf-32-be utf-32-le cp866 iso8859-2 iso8859-3
iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11
iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman mac-cyrillic
tis-620 cp874 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 gb2312 gbk
gb18030 hz big5 big5hkscs euc_jp iso2022_jp iso2022_kr shift_jis cp932 euc_kr cp949"""
KNOWN_ENCODINGS = frozenset(_CODECS.split())
_SEVEN_BIT = ("iso-2022-", "hz", "utf-7")
_SUPERSETS = {
    **dict.fromkeys(("gb2312", "gb-2312-80", "gbk", "x-gbk", "cp936"), "gb18030"),
    **dict.fromkeys(("shift-jis", "sjis", "x-sjis", "ms-kanji", "windows-31j"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks-c-5601-1987", "windows-949"), "cp949"),
    **dict.fromkeys(("big5", "big5-hkscs"), "big5hkscs"),
    **dict.fromkeys(("iso-8859-9", "latin5"), "cp1254"),
    **dict.fromkeys(("tis-620", "iso-8859-11", "windows-874"), "cp874"),
}


def xml_root(body: bytes, *, media_type: str = "", subject: str = "") -> Element:
    """The root element of an XML document, without comments and processing instructions.

    `media_type` is the HTTP Content-Type, whose charset counts when the document declares none.
    Raises ListingUnreadable, about `subject`, when the document is not well-formed even after
    mending; nothing is fetched, and no entity of the document's own is resolved.
    """
    root = well_formed(body, media_type=media_type)
    if root is not None:
        return root
    try:
        return parsed(mended(body, media_type=media_type))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ListingUnreadable(f"not well-formed XML: {error}", subject=subject) from None


def well_formed(body: bytes, *, media_type: str = "") -> Element | None:
    """The root of a document that needs no mending, else None."""
    declared = _declared(body, media_type)
    if declared and declared != "utf-8":
        return None
    with suppress(etree.XMLSyntaxError, ValueError):
        root = etree.fromstring(body, _parser())
        if root.getroottree().docinfo.internalDTD is None:
            return root
    return None


def parsed(text: str) -> Element:
    """The root of a document that is text already, without declaration and document type."""
    return etree.fromstring(text.encode(), _parser("utf-8"))


def mended(body: bytes, *, media_type: str = "") -> str:
    """The document from its root on, as text that XML 1.0 allows.

    HTML's named entities become characters; an ampersand that begins no entity, or one the
    document would have to define itself, becomes plain text.
    """
    text = _ILLEGAL.sub("", decoded(body, media_type=media_type)).lstrip("\ufeff")
    if prolog := _PROLOG.match(text):
        text = text[prolog.end() :]
    return "".join(_with_known_entities(text)) if "&" in text else text


def _with_known_entities(text: str) -> Iterator[str]:
    end = 0
    while (start := text.find("<![CDATA[", end)) >= 0 and (stop := text.find("]]>", start)) >= 0:
        yield _AMPERSAND.sub(_entity, text[end:start])
        yield text[start : stop + 3]
        end = stop + 3
    yield _AMPERSAND.sub(_entity, text[end:])


def decoded(body: bytes, *, media_type: str = "") -> str:
    """Bytes as text: by byte order mark, as valid UTF-8, by declaration, by HTTP charset.

    Valid UTF-8 is read as such whatever is declared, unless text in the declared encoding may
    look like UTF-8. Legacy encodings are read as their common supersets, as in browsers
    (encoding.spec.whatwg.org), and invalid bytes in UTF-8 as windows-1252.
    """
    if body.startswith(_BOMS):
        is_long = body.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff"))
        return body.decode("utf-32" if is_long else "utf-16", "replace")
    encoding = _declared(body, media_type).replace("_", "-")
    if encoding.startswith(_WIDE):
        is_believed = b"\x00" in body[:_HEAD]
    elif encoding.startswith(_SEVEN_BIT):
        is_believed = body.isascii()
    else:
        is_usual = encoding in _WESTERN or encoding.startswith("utf-8")
        is_believed = not is_usual and not _is_utf8(body)
    if is_believed:
        with suppress(LookupError, ValueError):
            codec = codecs.lookup(_SUPERSETS.get(encoding, encoding))
            if codec.name in KNOWN_ENCODINGS:
                return body.decode(codec.name, "replace")
    return _utf8(body)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _declared(body: bytes, media_type: str) -> str:
    match = _DECLARATION.match(body[:_HEAD])
    if match:
        return match[1].decode("ascii").lower()
    charset = _CHARSET.search(media_type)
    return charset[1].lower() if charset else ""


def _utf8(body: bytes) -> str:
    return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", _AS_WINDOWS)


def _windows_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_AS_WINDOWS, _windows_byte)


def _entity(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name in _XML_ENTITIES:
        return match[0]
    if name:
        return escape(html5.get(f"{name};", match[0]))
    if not decimal and not hexadecimal:
        return "&amp;"
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return "" if code > _MAX_CODE or _ILLEGAL.match(chr(code)) else match[0]


def _parser(encoding: str | None = None) -> etree.XMLParser:
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        collect_ids=False,
        remove_comments=True,
        remove_pis=True,
    )
