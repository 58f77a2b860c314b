"""Response bodies decompressed with bounds on every side.

The HTTP client's own decompression is not safe: 1 MB of gzip, or 809 bytes of brotli, become
1 GiB at once. Here output is made 64 KiB at a time and counted before it is kept.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from digest.errors import FetchFailed, FetchRefused
from digest.fetching.address import failed, refused

MIB = 1 << 20

_STEP = 1 << 16
_RATIO_FROM = MIB
_MAX_MEMBERS = 64
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_ZLIB_METHOD = 8
# The last two are none, but servers send them.
_PLAIN = frozenset({"", "identity", "none", "utf-8"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that is accepted of an answer: bytes on the wire, bytes inflated, their ratio.

    The ratio is checked from 1 MiB on, since short repetitive feeds compress very well.
    """

    wire: int = 8 * MIB
    body: int = 16 * MIB
    ratio: float = 200.0


class Inflater:
    """Takes a body chunk by chunk and returns it whole.

    `encoding` is the Content-Encoding. We ask for gzip only; deflate is also understood, in the
    zlib form of RFC 9110 §8.4.1.2 and in the raw form that some servers send instead. Any other
    encoding and a body over the caps raise FetchRefused, a damaged or incomplete one FetchFailed.
    `where` is the URL in messages.
    """

    def __init__(self, encoding: str, *, caps: Caps, where: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in _PLAIN | {"gzip", "x-gzip", "deflate"}:
            raise refused(
                where,
                "is compressed in a way that was not asked for: "
                "ask its operator to honour Accept-Encoding",
            )
        self._caps = caps
        self._where = where
        self._body = bytearray()
        self._stream: zlib._Decompress | None = None
        self._members = 0
        self._padding = False
        self.wire = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes as they came over the wire."""
        self.wire += len(chunk)
        if self.wire > self._caps.wire:
            raise self.too_large(self._caps.wire, "on the wire")
        if self._encoding in _PLAIN:
            self._keep(chunk)
            return
        try:
            self._inflate(chunk)
        except zlib.error:
            raise self._broken() from None

    def finish(self) -> bytes:
        """The whole body."""
        if self._stream is not None and not self._stream.eof:
            raise self._broken()
        return self.so_far()

    def so_far(self) -> bytes:
        """The body so far."""
        return bytes(self._body)

    def too_large(self, limit: int, what: str) -> FetchRefused:
        """The refusal of a body over one of the caps."""
        size = f"is larger than {limit / MIB:.3g} MiB {what}"
        return refused(self._where, f"{size}: ask for less at a time, or raise the limit")

    def _inflate(self, data: bytes) -> None:
        while data and not self._padding:
            stream = self._stream
            if stream is None or (stream.eof and self._is_member(data)):
                stream = self._stream = self._open(data)
            self._padding = stream.eof
            if not self._padding:
                data = self._inflate_member(stream, data)

    def _is_member(self, data: bytes) -> bool:
        """Whether another gzip member follows (RFC 1952 §2.2), and not padding or garbage."""
        return self._encoding != "deflate" and _GZIP_MAGIC.startswith(data[:2])

    def _open(self, data: bytes) -> zlib._Decompress:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise self._broken()
        if self._encoding != "deflate":
            return zlib.decompressobj(_GZIP)
        return zlib.decompressobj(_ZLIB if data[0] & 0x0F == _ZLIB_METHOD else _RAW)

    def _inflate_member(self, stream: zlib._Decompress, data: bytes) -> bytes:
        """Inflate what belongs to this member; returns the bytes after its end."""
        while True:
            out = stream.decompress(data, _STEP)
            self._keep(out)
            data = stream.unconsumed_tail
            if stream.eof:
                return stream.unused_data
            if not data and len(out) < _STEP:
                return b""

    def _keep(self, out: bytes) -> None:
        size = len(self._body) + len(out)
        if size > self._caps.body:
            raise self.too_large(self._caps.body, "inflated")
        if size > _RATIO_FROM and size > self.wire * self._caps.ratio:
            ratio = f"inflates more than {self._caps.ratio:g} times, as bombs do"
            raise refused(self._where, f"{ratio}: check what is served there")
        self._body += out

    def _broken(self) -> FetchFailed:
        return failed(self._where, "sent a compressed body that is damaged or incomplete")
