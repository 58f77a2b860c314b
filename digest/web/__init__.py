"""The web door: published feeds, the pages that mails link to, and `/health`.

A GET never changes anything, because mail scanners open every link: pages show a button, and the
POST behind it acts. Nothing here sets a cookie, runs a script or asks a third party for anything.
"""

from __future__ import annotations

import logging
import socket

import uvicorn

from digest.app import App
from digest.web.application import application

__all__ = ["application", "serve"]

log = logging.getLogger(__name__)


def serve(app: App) -> None:
    """Serve until stopped; requests are not logged, since private addresses are secrets.

    Raises OSError when the address cannot be listened on.
    """
    web = app.settings.web
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    listening = socket.create_server((web.host, web.port), family=family)
    config = uvicorn.Config(
        application(app),
        access_log=False,
        log_level="info",
        server_header=False,
        proxy_headers=True,
    )
    log.warning("listening on http://%s:%s", web.host, listening.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listening])
