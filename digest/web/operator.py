"""The operator's page, behind a token."""

from __future__ import annotations

from starlette.routing import BaseRoute

from digest.app import App


def routes(app: App) -> list[BaseRoute]:
    """The routes of this part; none while no token is set."""
    _ = app
    return []
