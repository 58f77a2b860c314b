"""Decode header fields: charsets, encoded words, addresses.

The standard library's header classes raise on some malformed fields and take quadratic time on
others. The functions here take any text, and time proportional to its length.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from itertools import islice

MOST_FIELDS = 500
LONGEST_VALUE = 20_000
LONGEST_WORDS = 2_000
LONGEST_ADDRESS = 254

_CHARSET = re.compile(
    r"(?:utf|iso-?8859|iso-2022|windows|cp\d|koi8|us-ascii|ascii|latin|gb|big5|euc|shift|sjis|tis|mac)"
    r"[a-z0-9_.-]*",
    re.IGNORECASE,
)
# What mail programs mean by these (as browsers do: encoding.spec.whatwg.org §4.2).
_MEANT = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8",
}
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_FOLD = re.compile(r"\r?\n(?=[ \t])|[\r\n]+")
_LOCAL = r"[^\s<>()\[\]\\,;:@\"]{1,64}"
_LABEL = r"[^\W_](?:[^\W_]|-){0,62}"
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL}){{0,9}}\.?")
_FIND_ADDRESS = re.compile(rf"(?<![^\s<>,;:\"']){_LOCAL}@{_LABEL}(?:\.{_LABEL}){{0,9}}")


def fields_of(message: Message) -> tuple[tuple[str, str], ...]:
    """Return the header fields from the top: names in lower case, values unfolded and decoded."""
    items = islice(message.raw_items(), MOST_FIELDS)
    return tuple((str(name).lower(), unfolded(str(value))) for name, value in items)


def unfolded(value: str) -> str:
    """Return a field's body on one line (RFC 5322 §2.2.3), with 8-bit characters read as UTF-8."""
    octets = value[:LONGEST_VALUE].encode("utf-8", "surrogateescape")
    return _FOLD.sub("", octets.decode("utf-8", "replace")).strip()


def words_of(value: str) -> str:
    """Return a field's body with its encoded words (RFC 2047) decoded as far as possible."""
    value = value[:LONGEST_WORDS]
    if "=?" not in value:
        return value
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        part if isinstance(part, str) else decoded(part, charset or "ascii")
        for part, charset in parts
    )


def decoded(octets: bytes, charset: str) -> str:
    """Decode bytes by the charset named, else as UTF-8, else as Windows-1252.

    Only charsets used in mail are tried: some that Python knows, like punycode, take quadratic time.
    """
    meant = _MEANT.get(charset.lower(), charset)
    names = [meant] if _CHARSET.fullmatch(meant) else []
    for name in (*names, "utf-8"):
        try:
            return octets.decode(name)
        except (LookupError, ValueError):
            continue
    return octets.decode("cp1252", "replace")


def without_comments(value: str) -> str | None:
    """Return a structured field with each comment as a space (RFC 5322 §3.2.2).

    None if a comment or quoted string does not end: then its meaning cannot be trusted.
    """
    kept: list[str] = []
    depth = 0
    quoted = escaped = False
    for char in value:
        if escaped or (char == "\\" and (quoted or depth)):
            escaped = not escaped
        elif quoted:
            quoted = char != '"'
        elif char == '"' and not depth:
            quoted = True
        elif char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
            kept.append(" ")
            continue
        if not depth:
            kept.append(char)
    return None if depth or quoted or escaped else "".join(kept)


def one_address(value: str) -> str:
    """Return the address in a field that holds exactly one mailbox; "" if it does not.

    Comments, quoted strings and display names are no addresses.
    """
    uncommented = without_comments(value)
    if uncommented is None:
        return ""
    plain = QUOTED.sub('"', uncommented)
    if any(char in plain for char in ",;:"):
        return ""
    if "<" in plain or ">" in plain:
        found = re.fullmatch(r"[^<>]*<([^<>]*)>\s*", plain)
        plain = found[1] if found else ""
    return address(plain)


def address(text: str) -> str:
    """Return a bare address with its domain in lower case; "" for what is none."""
    text = text.strip()
    if len(text) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        return ""
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower().rstrip('.')}"


def addresses(value: str) -> list[str]:
    """Return everything that looks like an address in a field of recipients."""
    return [address(each) for each in _FIND_ADDRESS.findall(value)]


def domain_of(text: str) -> str:
    """Return what stands behind the last @, in lower case; the whole text if there is none."""
    return text.rpartition("@")[2].strip().lower().rstrip(".")
