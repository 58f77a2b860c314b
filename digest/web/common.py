"""What all handlers share: who a signed link belongs to, and pages with the right headers."""

from __future__ import annotations

from collections.abc import Hashable
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
GONE = "This link is not valid, or not any more."


class Handlers:
    """Base of the handlers; each request runs in a thread of its own, with its own connection."""

    def __init__(self, app: App) -> None:
        self.app = app

    def person(self, request: Request, scope: str) -> tuple[Subscriber, str]:
        """Who a signed link belongs to, and what it names; raises NotFound."""
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
        """Differs whenever any page or feed might.

        As hours pass what trends changes, days end, and what is kept of a day is looked at again.
        """
        return self.app.store.papers.changed(), f"{self.app.clock():%Y-%m-%dT%H}"

    def page(self, name: str, **context: object) -> Response:
        """A public page."""
        return HTMLResponse(
            pages.page(name, site=self.app.site, names=self.app.settings.topics, **context)
        )

    def private(self, name: str, **context: object) -> Response:
        """A page for one person: never kept by caches, never indexed."""
        return HTMLResponse(
            pages.page(name, site=self.app.site, names=self.app.settings.topics, **context),
            headers=PRIVATE,
        )

    def message(self, title: str, text: str) -> Response:
        """A page with one thing to say."""
        return self.private("message", title=title, text=text)


def without_slash(request: Request, site: Site) -> Response:
    """The way to a page from its address with a slash behind it.

    Starlette's own way knows nothing of the path that the site may be below.
    """
    path, query = quote(request.scope["path"].strip("/"), safe="/:"), request.url.query
    return RedirectResponse(f"{root(site)}/{path}{'?' if query else ''}{query}", 303)
