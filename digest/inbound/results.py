"""Authentication-Results (RFC 8601): what our own mail server found out about a sender.

Anyone can write such a field. Only the topmost one under our own server's name counts: a server
adds its own on top, and removes others that claim its name (RFC 8601 §5). It leaves those that it
cannot parse, so a field that no server would write proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from digest.inbound.headers import QUOTED, without_comments

LONGEST = 4_000
MOST_RESULTS = 40
MOST_MARKS = 600

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([;=])|([^\s;="()]+)')
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)"|(;)|([^\s;"()]+)')
_NAMED = re.compile(r'\s*[^\s;="()\\]+(?=[\s;])')
_KEYWORD = re.compile(r"[a-z][a-z0-9-]*")
# Servers add properties of their own (Fastmail `x-bits`, Microsoft `action`), which are ignored.
_PROPERTY = re.compile(r"[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)?")
_LABEL = r"[^\W_](?:[^\W_]|-){0,62}"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{1,9}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One method's result, such as dkim=pass with header.d=example.org; all in lower case."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...] = ()

    def of(self, name: str) -> str:
        """Return a property's value; "" if it is missing or given twice."""
        values = [value for each, value in self.properties if each == name]
        return values[0] if len(values) == 1 else ""


def proves(fields: Sequence[str], *, authserv_id: str, sender: str) -> bool:
    """Tell whether our mail server vouches that a mail comes from the domain of its From address.

    `fields` are all Authentication-Results of the mail, from the top. What counts is a pass of DKIM
    or SPF for the sender's domain or one above it, or of DMARC for that domain itself (RFC 8601
    §2.7, RFC 7489 §3.1). A domain below the sender's proves nothing: it may belong to a customer.
    """
    if not authserv_id or not sender:
        return False
    for field in fields:
        parsed = parse(field)
        if parsed is not None and parsed[0] == authserv_id.casefold():
            return any(_vouches(each, sender.rpartition("@")[2].casefold()) for each in parsed[1])
        if parsed is None and authserv_id.casefold() in field.casefold():
            return False
    return False


def parse(field: str) -> tuple[str, tuple[Result, ...]] | None:
    """Return the server's name and its results (RFC 8601 §2.2); None if the field is malformed.

    A field with more results or punctuation than a server writes counts as malformed.
    """
    is_long = len(field) > LONGEST or sum(map(field.count, ";=.(")) > MOST_MARKS
    groups = None if is_long or not _NAMED.match(field) else _groups(field)
    if groups is None or not _is_name(groups[0]):
        return None
    told = groups[1:] if groups[-1] else groups[1:-1]  # some end with a semicolon
    if told == [["none"]]:
        return groups[0][0].casefold(), ()
    results = [_result(group) for group in told]
    if len(results) > MOST_RESULTS or None in results:
        return None
    return groups[0][0].casefold(), tuple(each for each in results if each is not None)


def _is_name(tokens: list[str]) -> bool:
    """Tell whether these tokens are a server's name, with or without a version."""
    return len(tokens) == 1 or (len(tokens) == 2 and tokens[1].isdecimal())  # noqa: PLR2004


def _groups(field: str) -> list[list[str]] | None:
    """Return the field's tokens between semicolons, without comments; None if it is malformed."""
    plain = without_comments(field)
    if plain is None or "\\" in QUOTED.sub("", plain):
        return None
    groups: list[list[str]] = [[]]
    at = 0
    while at < len(plain):
        if plain[at].isspace():
            at += 1
            continue
        is_value = groups[-1][-1:] == ["="]
        found = (_VALUE if is_value else _TOKEN).match(plain, at)
        if found is None:
            return None
        if found[2] == ";":
            groups.append([])
        elif found[1] is not None:
            groups[-1].append(re.sub(r"\\(.)", r"\1", found[1]) or '""')
        else:
            groups[-1].append(found[0])
        at = found.end()
    return groups


def _result(tokens: list[str]) -> Result | None:
    """Parse `method = result *([type.]property = value)`; None for anything else.

    Anything else includes an address with a quoted local part (`"ada@here"@elsewhere`), and the
    version of a method, which is in the grammar but no server writes.
    """
    pairs = list(zip(tokens[::3], tokens[2::3], strict=False))
    if not pairs or len(tokens) % 3 or any(each != "=" for each in tokens[1::3]):
        return None
    (method, result), *rest = [(name.lower(), value.lower()) for name, value in pairs]
    if not (_KEYWORD.fullmatch(method) and _KEYWORD.fullmatch(result)):
        return None
    if not all(_PROPERTY.fullmatch(name) for name, _ in rest):
        return None
    return Result(method=method, result=result, properties=tuple(rest))


def _vouches(result: Result, domain: str) -> bool:
    if result.result != "pass":
        return False
    if result.method == "dkim":
        signer = result.of("header.d") or result.of("header.i").rpartition("@")[2]
        return _is_above(signer, domain)
    if result.method == "spf":
        return _is_above(result.of("smtp.mailfrom").rpartition("@")[2], domain)
    if result.method == "dmarc":
        return result.of("header.from").rpartition("@")[2] == domain
    return False


def _is_above(name: str, domain: str) -> bool:
    """Tell whether a domain is the sender's or above it; a top-level domain does not count."""
    name = name.rstrip(".")
    return bool(_DOMAIN.fullmatch(name)) and (domain == name or domain.endswith(f".{name}"))
