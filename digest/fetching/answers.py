"""What a reply means: a redirect to follow, an answer to keep, or a failure to report."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from digest.errors import FetchFailed, FetchRefused
from digest.fetching.address import check_url, refused, shown

PERMANENT = frozenset({301, 308})
REDIRECTS = PERMANENT | {302, 303, 307}
WHOLE = frozenset({200, 203})
"""Statuses with the whole representation; 203 is a 200 changed by a proxy."""

NOT_MODIFIED = 304
GONE = 410
TOO_MANY = 429
BUSY = frozenset({TOO_MANY, 503})
"""Statuses whose Retry-After is obeyed (RFC 6585 §4, RFC 9110 §15.6.4)."""

MAX_EXCERPT = 200
_EXCERPT_FROM = 8192

_ADVICE = {
    304: "that was not asked for: it will be asked again later",
    400: "check the query",
    401: "it wants a login, which is never given: use a public address",
    403: "access was refused: check the address, and whether its operator allows feed readers",
    404: "nothing is there: check the address",
    408: "it will be asked again later",
    429: "it was asked too often: it will be left alone for a while",
}
_ADVICE_5XX = "the fault is on its side: it will be asked again later"
_ADVICE_OTHER = "that is no answer to a reader: check the address"

# Each alternative may also end at the end of the text, so that the search is never quadratic.
_UNSEEN = re.compile(
    r"<(script|style|head)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)|<[^>]*(?:>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_SUMMARY = re.compile(r"<summary\b[^>]*>(.*?)</summary\s*>", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP response: its URL, its headers by lower-case name, its body if wanted.

    `broke_off` is the error that cut the body short, if any.
    """

    url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    broke_off: FetchFailed | None = None


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name, decoded byte for byte (ISO 8859-1), without cookies.

    The first of several lines counts; those of Cache-Control are joined into one list.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "cache-control" and name in headers:
            headers[name] += ", " + value
        elif not name.startswith("set-cookie"):
            headers.setdefault(name, value)
    return headers


def next_url(reply: Reply) -> str:
    """The checked target of a redirect.

    Raises FetchFailed without a usable Location, FetchRefused for an address that must not be
    fetched or a step from https to http.
    """
    where = shown(reply.url)
    location = reply.headers.get("location", "")
    if not location:
        raise FetchFailed(
            f"{where} answered {reply.status} without saying where to go: "
            "it will be asked again later.",
            subject=where,
            status=reply.status,
        )
    try:
        target = str(httpx.URL(reply.url).join(_utf8(location)))
    except (httpx.InvalidURL, ValueError):
        target = location
    target = check_url(target)
    if reply.url.startswith("https:") and not target.startswith("https:"):
        raise refused(
            where,
            "redirects from https to http, which is not followed: "
            "check the address, and use one that stays with https",
        )
    return target


def failure(reply: Reply, *, retry_after: float | None = None) -> FetchFailed | FetchRefused:
    """The error for a reply that is neither an answer nor a redirect; `retry_after` in seconds.

    Only 410 is final. Anything else is asked again, since addresses that answer 403 or 404 today
    are often back tomorrow.
    """
    where = shown(reply.url)
    if reply.status == GONE:
        return FetchRefused(
            f"{where} answered 410: it is gone for good, and will not be asked again; "
            "remove the source, or give its new address.",
            subject=where,
            gone=True,
            status=GONE,
        )
    advice = _ADVICE_5XX if reply.status >= 500 else _ADVICE_OTHER  # noqa: PLR2004 - server errors
    advice = _ADVICE.get(reply.status, advice)
    said = excerpt(reply.body, reply.url)
    reason = f' and said "{said}"' if said else f" ({_phrase(reply.status)})"
    return FetchFailed(
        f"{where} answered {reply.status}{reason}: {advice}.",
        subject=where,
        retry_after=retry_after,
        status=reply.status,
    )


def excerpt(body: bytes, asked: str = "") -> str:
    """The beginning of an error page or Atom error entry, as one line of plain text.

    An entry's `summary` is preferred, as arXiv's API explains errors there. The query of the URL
    `asked`, which such pages repeat, is left out.
    """
    text = body[:_EXCERPT_FROM].decode("utf-8", "replace")
    summary = _SUMMARY.search(text)
    text = html.unescape(_UNSEEN.sub(" ", summary[1] if summary else text))
    query = httpx.URL(asked).query.decode("ascii") if asked else ""
    for echo in (query, html.unescape(query), str(httpx.QueryParams(query))):
        text = text.replace(echo, "…") if echo else text
    return clean(text)


def clean(text: str) -> str:
    """One line of printable characters, at most `MAX_EXCERPT` of them."""
    line = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(line.split())
    return line if len(line) <= MAX_EXCERPT else line[: MAX_EXCERPT - 1].rstrip() + "…"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return "an unknown status"


def _utf8(value: str) -> str:
    raw = value.encode("latin-1")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return value
