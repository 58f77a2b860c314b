"""Response bodies decompressed with bounds on every side.

Letting the HTTP client decompress is not safe: 1 MB of gzip, or 809 bytes of brotli, become
1 GiB in one piece. Here output is made 64 KiB at a time and counted before it is kept.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from digest.errors import FetchFailed, FetchRefused

MIB = 1 << 20

_STEP = 1 << 16
_RATIO_FROM = MIB
_MAX_MEMBERS = 64
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_ZLIB_METHOD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How much of an answer is taken: bytes on the wire, bytes inflated, and their ratio.

    The ratio counts from 1 MiB on, since short repetitive feeds compress very well.
    """

    wire: int = 8 * MIB
    body: int = 16 * MIB
    ratio: float = 200.0


class Inflater:
    """Takes a body chunk by chunk and gives it back whole, or refuses it early.

    `encoding` is the Content-Encoding. We ask for gzip only; deflate is understood when a
    server sends it unasked, in the zlib form of RFC 9110 §8.4.1.2 and in the raw form that
    some servers send instead. Anything else is refused with FetchRefused, and so is a body over
    the caps; a broken or short one is FetchFailed. `where` names the URL in messages.
    """

    def __init__(self, encoding: str, *, caps: Caps, where: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise FetchRefused(
                f"{where} is compressed in a way that was not asked for: "
                "ask its operator to honour Accept-Encoding.",
                subject=where,
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
        if self._encoding in {"", "identity"}:
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
        """What has been taken, whether or not it is whole."""
        return bytes(self._body)

    def too_large(self, limit: int, what: str) -> FetchRefused:
        """The refusal of a body over one of the caps."""
        return FetchRefused(
            f"{self._where} is larger than {limit / MIB:.3g} MiB {what}: "
            "ask for less at a time, or raise the limit.",
            subject=self._where,
        )

    def _inflate(self, data: bytes) -> None:
        while data and not self._padding:
            stream = self._stream
            if stream is None or (stream.eof and self._is_member(data)):
                stream = self._stream = self._open(data)
            self._padding = stream.eof
            if not self._padding:
                data = self._inflate_member(stream, data)

    def _is_member(self, data: bytes) -> bool:
        """Whether another member follows the first (RFC 1952 §2.2), not padding or rubbish."""
        return self._encoding != "deflate" and _GZIP_MAGIC.startswith(data[:2])

    def _open(self, data: bytes) -> zlib._Decompress:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise self._broken()
        if self._encoding != "deflate":
            return zlib.decompressobj(_GZIP)
        return zlib.decompressobj(_ZLIB if data[0] & 0x0F == _ZLIB_METHOD else _RAW)

    def _inflate_member(self, stream: zlib._Decompress, data: bytes) -> bytes:
        """Take what belongs to this member; returns the bytes after its end."""
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
            raise FetchRefused(
                f"{self._where} inflates more than {self._caps.ratio:g} times, as bombs do: "
                "check what is served there.",
                subject=self._where,
            )
        self._body += out

    def _broken(self) -> FetchFailed:
        return FetchFailed(
            f"{self._where} sent a compressed body that is damaged or cut short: "
            "it will be asked again later.",
            subject=self._where,
        )
