"""The web door: published feeds, the pages that mails link to, and `/health`.

A GET never changes anything, because mail scanners open every link: pages show a button, and the
POST behind it acts. Nothing here sets a cookie, runs a script or asks a third party for anything.
"""

from __future__ import annotations

import uvicorn

from digest.app import App
from digest.web.application import application

__all__ = ["application", "serve"]


def serve(app: App) -> None:
    """Serve until stopped; requests are not logged, since private addresses are secrets."""
    web = app.settings.web
    uvicorn.run(
        application(app),
        host=web.host,
        port=web.port,
        access_log=False,
        log_level="info",
        server_header=False,
        proxy_headers=True,
    )
