"""Rendered responses kept in memory as final bytes, and conditional requests answered with 304."""

from __future__ import annotations

import gzip
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response

MOST_BYTES = 48 * 1024 * 1024
SMALLEST_TO_COMPRESS = 500
COMPRESSION = 6
LOCKS = 16
A_MINUTE = "public, max-age=60"
AN_HOUR = "public, max-age=3600"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A response body, plain and compressed (empty if that saves nothing), with its validators.

    The ETag is strong; `modified` (whole seconds) is for clients that send no ETag.
    """

    content: bytes
    compressed: bytes
    media_type: str
    etag: str
    modified: datetime | None = None

    @property
    def size(self) -> int:
        """About how many bytes it takes in memory."""
        return len(self.content) + len(self.compressed)


def kept(content: bytes, media_type: str) -> Kept:
    """A response ready for the cache; the same bytes always have the same ETag."""
    small = b""
    if len(content) >= SMALLEST_TO_COMPRESS:
        small = gzip.compress(content, COMPRESSION, mtime=0)
    return Kept(
        content=content,
        compressed=small if len(small) < len(content) else b"",
        media_type=media_type,
        etag=hashlib.sha256(content).hexdigest()[:24],
    )


class Cache:
    """A cache of responses by name and version; the least recently used are evicted first.

    Thread-safe. Two requests for the same missing response make it only once.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._answers: OrderedDict[Hashable, tuple[Hashable, Kept]] = OrderedDict()
        self._lock = threading.Lock()
        self._making = [threading.Lock() for _ in range(LOCKS)]

    def get(self, name: Hashable, version: Hashable, make: Callable[[], Kept]) -> Kept:
        """The response of this name and version, made if it is missing; errors are not cached."""
        found = self.find(name, version)
        if found is not None:
            return found
        with self._making[hash(name) % LOCKS]:
            found = self.find(name, version)
            if found is None:
                found = make()
                self._keep(name, version, found)
        return found

    def find(self, name: Hashable, version: Hashable) -> Kept | None:
        """The cached response of this name and version; never waits for one being made."""
        with self._lock:
            found = self._answers.get(name)
            if found is None or found[0] != version:
                return None
            self._answers.move_to_end(name)
            return found[1]

    def _keep(self, name: Hashable, version: Hashable, answer: Kept) -> None:
        with self._lock:
            before = self._answers.pop(name, None)
            self._size += answer.size - (before[1].size if before else 0)
            self._answers[name] = (version, answer)
            while self._size > self._most and len(self._answers) > 1:
                _, (_, dropped) = self._answers.popitem(last=False)
                self._size -= dropped.size


def answer(
    request: Request,
    found: Kept,
    *,
    cache_control: str = A_MINUTE,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response in an accepted encoding, or 304 if the client has it (RFC 9110 §13).

    Each encoding has its own ETag, since a strong ETag promises the same bytes.
    """
    asked = request.headers
    zipped = bool(found.compressed) and takes_gzip(asked.get("accept-encoding", ""))
    sent = {
        "etag": f'"{found.etag}-gz"' if zipped else f'"{found.etag}"',
        "cache-control": cache_control,
        "vary": "Accept, Accept-Encoding",
        **(headers or {}),
    }
    if found.modified:
        sent["last-modified"] = format_datetime(found.modified, usegmt=True)
    if "if-none-match" in asked:
        known = _has(asked["if-none-match"], found.etag)
    else:
        known = _not_since(asked.get("if-modified-since", ""), found.modified)
    if known:
        return Response(status_code=304, headers=sent)
    if zipped:
        sent["content-encoding"] = "gzip"
    content = found.compressed if zipped else found.content
    return Response(content, media_type=found.media_type, headers=sent)


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding allows gzip, by name or by `*` (RFC 9110 §12.5.3)."""
    weights = {}
    for each in accepted.lower().split(","):
        name, _, parameter = each.partition(";")
        weights[name.strip()] = parameter.replace(" ", "")
    weight = weights.get("gzip", weights.get("*"))
    return weight is not None and not re.fullmatch(r"q=0(\.0*)?", weight)


def _not_since(asked: str, modified: datetime | None) -> bool:
    """Whether nothing changed since `asked`; what is no date is ignored (RFC 9110 §13.1.3)."""
    if not asked or modified is None:
        return False
    try:
        since = parsedate_to_datetime(asked)
    except (ValueError, OverflowError):
        return False
    return modified <= (since if since.tzinfo else since.replace(tzinfo=modified.tzinfo))


def _has(asked: str, etag: str) -> bool:
    """Whether If-None-Match names the response in either encoding (weak comparison)."""
    names = {each.strip().removeprefix("W/").strip('"') for each in asked.split(",")}
    return bool(asked) and not names.isdisjoint({"*", etag, f"{etag}-gz"})
