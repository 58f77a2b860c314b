"""Content negotiation: a page for people, JSON for programs.

A path that ends in `.json`, or an Accept header that prefers JSON to HTML (RFC 9110 §12.5.1), gets
the JSON document; every other request gets the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

JSON = "application/json"
HTML = "text/html; charset=utf-8"
SUFFIX = ".json"

_LONGEST_HEADER = 1_000
_QUALITY = re.compile(r"q=([01](?:\.\d{0,3})?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one address shows: a template with its context, and the same as a JSON document."""

    template: str
    context: Mapping[str, object] = field(default_factory=dict)
    document: Callable[[], Mapping[str, object]]


def wants_json(request: Request) -> bool:
    """Whether the client prefers JSON to HTML."""
    accept = request.headers.get("accept", "")[:_LONGEST_HEADER].lower()
    if "json" not in accept:
        return False
    return _quality(accept, "application/json") > _quality(accept, "text/html")


def encoded(document: Mapping[str, object]) -> bytes:
    """A document as JSON in UTF-8, the same bytes for the same values."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # Lone surrogates cannot be encoded; stored text has none, but a path may.
    return text.encode("utf-8", "replace") + b"\n"


def _quality(accept: str, media_type: str) -> float:
    """The quality of a media type, by the most specific range that matches it."""
    family = media_type.partition("/")[0]
    wanted: dict[str, float] = {}
    for each in accept.split(","):
        name, _, parameters = each.strip().partition(";")
        given = _QUALITY.search(parameters)
        wanted[name.strip()] = float(given[1]) if given else 1.0
    ranges = (media_type, f"{family}/*", "*/*")
    return next((wanted[each] for each in ranges if each in wanted), 0.0)
