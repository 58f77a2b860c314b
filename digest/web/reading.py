"""The routes of the public pages: days, topics, papers, search, trending, and about the site."""

from __future__ import annotations

from starlette.routing import BaseRoute

from digest.app import App
from digest.web.about import About
from digest.web.caching import Cache
from digest.web.community import Community
from digest.web.days import Days
from digest.web.papers import Papers
from digest.web.searching import Searching
from digest.web.shelf import Shelf
from digest.web.topics import Topics


def routes(app: App) -> list[BaseRoute]:
    """The routes of this part; they share one cache and one shelf of recent papers."""
    cache = Cache()
    shelf = Shelf(app.settings.topics, days=app.settings.feeds.days)
    parts = (
        kind(app, cache=cache, shelf=shelf)
        for kind in (Days, Topics, Papers, Searching, Community, About)
    )
    return [route for part in parts for route in part.routes()]
