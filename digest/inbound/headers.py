"""Header fields as they came, made readable: charsets, encoded words, addresses.

The standard library's header classes raise on some malformed fields and take quadratic time on
others; here every function takes any text whatever, in time proportional to its length.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

MOST_FIELDS = 500
LONGEST_VALUE = 20_000
LONGEST_WORDS = 2_000
LONGEST_ADDRESS = 254

_CHARSET = re.compile(
    r"(?:utf|iso-?8859|iso-2022|windows|cp\d|koi8|us-ascii|ascii|latin|gb|big5|euc|shift|sjis|tis|mac)"
    r"[a-z0-9_.-]*",
    re.IGNORECASE,
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_FOLD = re.compile(r"\r?\n(?=[ \t])|[\r\n]+")
_LOCAL = r"[^\s<>()\[\]\\,;:@\"]{1,64}"
_LABEL = r"[^\W_](?:[^\W_]|-){0,62}"
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL}){{0,9}}\.?")
_FIND_ADDRESS = re.compile(rf"(?<![^\s<>,;:\"']){_LOCAL}@{_LABEL}(?:\.{_LABEL}){{0,9}}")


def fields_of(message: Message) -> tuple[tuple[str, str], ...]:
    """The header fields from the top: names in lower case, values unfolded and decoded as UTF-8."""
    found: list[tuple[str, str]] = []
    for name, value in message.raw_items():
        if len(found) >= MOST_FIELDS:
            break
        found.append((str(name).lower(), unfolded(str(value))))
    return tuple(found)


def unfolded(value: str) -> str:
    """A field's body on one line (RFC 5322 §2.2.3), with 8-bit characters read as UTF-8."""
    octets = value[:LONGEST_VALUE].encode("utf-8", "surrogateescape")
    return _FOLD.sub("", octets.decode("utf-8", "replace")).strip()


def words_of(value: str) -> str:
    """A field's body with its encoded words (RFC 2047) decoded as far as they can be."""
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
    """Text of bytes in a charset someone names; UTF-8, or else Windows-1252, where they are wrong.

    Only charsets that mail uses: Python knows others (punycode) that take quadratic time.
    """
    names = [charset] if _CHARSET.fullmatch(charset) else []
    for name in (*names, "utf-8"):
        try:
            return octets.decode(name)
        except (LookupError, ValueError):
            continue
    return octets.decode("cp1252", "replace")


def bare(value: str) -> str | None:
    """A structured field without comments and with a lone `"` for each quoted string; else None."""
    plain = without_comments(value)
    return plain and _QUOTED.sub('"', plain)


def without_comments(value: str) -> str | None:
    """A structured field with each comment as a space (RFC 5322 §3.2.2); quoted strings stay.

    None if one of either does not end: then nothing in it can be trusted to mean what it seems to.
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
    """The address of a field that holds exactly one mailbox; "" for none, several, or a riddle.

    What stands in comments or quotes is no address, and neither is a display name.
    """
    plain = bare(value)
    if plain is None or any(char in plain for char in ",;:"):
        return ""
    if "<" in plain or ">" in plain:
        found = re.fullmatch(r"[^<>]*<([^<>]*)>\s*", plain)
        plain = found[1] if found else ""
    return address(plain)


def address(text: str) -> str:
    """A bare address with its domain in lower case, or "" for what is none."""
    text = text.strip()
    if len(text) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        return ""
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower().rstrip('.')}"


def addresses(value: str) -> list[str]:
    """Whatever looks like an address in a field that lists recipients."""
    return [address(each) for each in _FIND_ADDRESS.findall(value)]


def domain_of(text: str) -> str:
    """What stands behind the last @, in lower case; the whole text where there is none."""
    return text.rpartition("@")[2].strip().lower().rstrip(".")
