"""Rendered answers kept in memory, with the validators by which readers are told 304.

What is kept is final bytes: a hit costs a lookup, however dear the page was to make.
"""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer's bytes, plain and compressed ("" where that gains nothing), and its validators.

    The ETag is strong; `modified` (whole seconds) is for clients that cannot send an ETag back.
    """

    content: bytes
    compressed: bytes
    media_type: str
    etag: str
    modified: datetime | None = None

    @property
    def size(self) -> int:
        """Bytes it takes in memory, near enough."""
        return len(self.content) + len(self.compressed)


def kept(content: bytes, media_type: str) -> Kept:
    """An answer ready to be kept; the same bytes always have the same ETag."""
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
    """Answers by name, each for as long as its version stays the same; the least used go first.

    Safe to use from any thread. Two that ask for the same missing answer at once wait for one.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._size = 0
        self._answers: OrderedDict[Hashable, tuple[Hashable, Kept]] = OrderedDict()
        self._lock = threading.Lock()
        self._making = [threading.Lock() for _ in range(LOCKS)]

    def get(self, name: Hashable, version: Hashable, make: Callable[[], Kept]) -> Kept:
        """The answer of this name and version, made if need be; what `make` raises is not kept."""
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
        """The answer of this name and version, if it is there; never waits for one being made."""
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
    """The answer in the encoding that is accepted, or 304 where the asker has it (RFC 9110 §13).

    Each encoding has an ETag of its own, since strong ones promise the same bytes.
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
    """Whether nothing changed since then; anything that is no date is ignored (RFC 9110 §13.1.3)."""
    try:
        since = parsedate_to_datetime(asked) if asked and modified else None
    except (ValueError, OverflowError):
        return False
    if since is None or modified is None:
        return False
    return modified <= (since if since.tzinfo else since.replace(tzinfo=modified.tzinfo))


def _has(asked: str, etag: str) -> bool:
    """Whether If-None-Match names the answer in either encoding; weakly compared, as it asks."""
    names = {each.strip().removeprefix("W/").strip('"') for each in asked.split(",")}
    return bool(asked) and not names.isdisjoint({"*", etag, f"{etag}-gz"})
