"""The feeds: published files."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import BaseRoute, Mount

from digest.app import App
from digest.web.static import Published


def routes(app: App) -> list[BaseRoute]:
    """The routes of this part."""
    published = Path(app.settings.worker.publish or "public")
    return [Mount("/", app=Published(directory=published, check_dir=False), name="published")]
