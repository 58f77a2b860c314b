"""The published files, with the types, caching and privacy that feeds need."""

from __future__ import annotations

import os
from pathlib import PurePath

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

TYPES = {
    ".rss": "application/rss+xml; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".json": "application/feed+json; charset=utf-8",
    ".opml": "text/x-opml; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}
PRIVATE = "feeds/mine/"
MAX_AGE = 900


class Published(StaticFiles):
    """Static files with strong validators by modification time and size, as Starlette makes them."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """A file, or 304 where the reader has it already."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        kind = TYPES.get(PurePath(full_path).suffix)
        if kind is not None and response.status_code == 200:  # noqa: PLR2004 - the HTTP status
            response.headers["content-type"] = kind
        if self.get_path(scope).replace(os.sep, "/").startswith(PRIVATE):
            response.headers["cache-control"] = f"private, max-age={MAX_AGE}"
            response.headers["x-robots-tag"] = "noindex, nofollow"
        else:
            response.headers["cache-control"] = f"public, max-age={MAX_AGE}"
        return response
