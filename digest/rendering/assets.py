"""Style sheets, scripts and images of the pages, with a hash of the content in their addresses.

So browsers may cache them for ever. The files are in `templates/static/`; style sheets may also be
in `templates/page/`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache

from digest.errors import NotFound
from digest.resources import templates_dir

HASH_LENGTH = 12
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file as it is served."""

    name: str
    content: bytes
    media_type: str
    hash: str

    @property
    def address(self) -> str:
        """The path of its address on the site."""
        return f"/static/{self.name}?v={self.hash}"


def address(name: str) -> str:
    """`/static/<name>?v=<hash>`; raises NotFound if there is no such file."""
    return asset(name).address


@cache
def asset(name: str) -> Asset:
    """A file by its name, read once in a process; raises NotFound."""
    folders = ("static", "page") if _NAME.fullmatch(name) else ()
    paths = (templates_dir() / folder / name for folder in folders)
    path = next((path for path in paths if path.is_file() and path.suffix in TYPES), None)
    if path is None:
        raise NotFound("There is no such file.", subject=name)
    content = path.read_bytes()
    return Asset(
        name=name,
        content=content,
        media_type=TYPES[path.suffix],
        hash=hashlib.sha256(content).hexdigest()[:HASH_LENGTH],
    )
