"""Style sheets and scripts at `/static/<name>`, which browsers may cache for good."""

from __future__ import annotations

from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.app import App
from digest.rendering import assets
from digest.web.caching import AN_HOUR, Kept, answer, kept

FOR_GOOD = "public, max-age=31536000, immutable"


def routes(_app: App) -> list[BaseRoute]:
    """The routes of this part."""
    return [Route("/static/{name}", serve, methods=["GET"])]


async def serve(request: Request) -> Response:
    """A file, cached for good only at the address of its current version."""
    asset = assets.asset(request.path_params["name"])
    named = request.query_params.get("v") == asset.hash
    return answer(
        request,
        _prepared(asset),
        cache_control=FOR_GOOD if named else AN_HOUR,
        headers={"vary": "Accept-Encoding"},
    )


@cache
def _prepared(asset: assets.Asset) -> Kept:
    """The response of a file, compressed once per process."""
    return kept(asset.content, asset.media_type)
