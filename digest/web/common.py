"""What all handlers share: finding what a link names, and rendering pages."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from digest import tokens
from digest.app import App
from digest.errors import NotFound
from digest.model import Digest, Paper, Site, Subscriber
from digest.rendering import pages
from digest.rendering.views import root

PRIVATE = {"cache-control": "private, no-store", "x-robots-tag": "noindex, nofollow"}
GONE = "This link is not valid or has expired."


class Handlers:
    """Base of the handlers; each request runs in a thread of its own, with its own connection."""

    def __init__(self, app: App) -> None:
        self.app = app

    def person(self, request: Request, scope: str) -> tuple[Subscriber, str]:
        """The subscriber and the subject of a signed link; raises NotFound if it is not valid."""
        named = tokens.read(request.path_params["token"])
        person = (
            self.app.store.subscribers.get([named.subscriber_id]).get(named.subscriber_id)
            if named
            else None
        )
        if named is None or person is None or not tokens.holds(named, person.key, scope):
            raise NotFound(GONE)
        return person, named.subject

    def digest(self, person: Subscriber, edition: str) -> Digest:
        """A kept digest; raises NotFound."""
        digest = self.app.store.ledger.digest(f"{person.id}.{edition}")
        if digest is None:
            raise NotFound("That digest is not kept any more.")
        return digest

    def paper(self, paper_id: str) -> Paper:
        """A paper by any of its ids; raises NotFound."""
        found = self.app.store.papers.get([paper_id])
        if not found:
            raise NotFound("There is no such paper here.", subject=paper_id)
        return next(iter(found.values()))

    def version(self) -> Hashable:
        """A value that changes whenever a page or feed may: with the store, and every hour."""
        return self.app.store.papers.changed(), f"{self.app.clock():%Y-%m-%dT%H}"

    def page(
        self,
        name: str,
        status: int = 200,
        *,
        headers: Mapping[str, str] | None = PRIVATE,
        **context: object,
    ) -> Response:
        """A page for one person, never cached or indexed unless other headers are given."""
        html = pages.page(name, site=self.app.site, names=self.app.settings.topics, **context)
        return HTMLResponse(html, status, headers)


def without_slash(request: Request, site: Site) -> Response:
    """Redirect to the same address without its trailing slash.

    Starlette's own redirect ignores the path that the site may be mounted below.
    """
    path, query = quote(request.scope["path"].strip("/"), safe="/:"), request.url.query
    return RedirectResponse(f"{root(site)}/{path}{'?' if query else ''}{query}", 303)
