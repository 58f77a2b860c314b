"""Style sheets and scripts: `/static/<name>`, which browsers keep for as long as the address lasts."""

from __future__ import annotations

from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest.app import App
from digest.rendering import assets
from digest.web.caching import Kept, answer, kept

FOR_GOOD = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"


def routes(_app: App) -> list[BaseRoute]:
    """The routes of this part."""
    return [Route("/static/{name}", serve, methods=["GET"])]


async def serve(request: Request) -> Response:
    """A file; under an address of an older version it is the newest, and not kept for good."""
    asset = assets.asset(request.path_params["name"])
    named = request.query_params.get("v") == asset.hash
    return answer(
        request,
        _prepared(asset),
        cache_control=FOR_GOOD if named else FOR_AN_HOUR,
        headers={"vary": "Accept-Encoding"},
    )


@cache
def _prepared(asset: assets.Asset) -> Kept:
    """As it goes out, compressed once a process."""
    return kept(asset.content, asset.media_type)
