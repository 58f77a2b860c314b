"""Pages about the site itself: its feeds, help, privacy, health, OpenAPI and robots.txt."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from digest import matching
from digest.app import counts
from digest.errors import StoreBusy
from digest.pipeline.catalogue import Catalogue
from digest.rendering import links, opml, pages
from digest.web import caching, openapi
from digest.web.documents import FeedRecord, FeedsDocument, address, feed_addresses
from digest.web.negotiating import HTML, JSON, Shown, encoded
from digest.web.showing import ANY_ORIGIN, Showing

PRIVATE_PATHS = ("/a/", "/account", "/c/", "/d/", "/feeds/mine/", "/me", "/operator", "/u/")
ENDLESS_PATHS = ("/search",)
HEALTH = "/health"
OPENAPI = "/openapi.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """A public feed as the directory shows it."""

    slug: str
    title: str
    description: str = ""


class About(Showing):
    """Pages about the site rather than about papers."""

    def routes(self) -> list[BaseRoute]:
        """The routes of this part."""
        return [
            *self.both("/feeds", self.feeds),
            *(
                Route(f"/{name}", self.statement(name), methods=["GET"])
                for name in ("about", "privacy", "help")
            ),
            Route(HEALTH, self.health, methods=["GET"]),
            Route(OPENAPI, self.openapi, methods=["GET"]),
            Route("/robots.txt", self.robots, methods=["GET"]),
        ]

    def feeds(self, _request: Request) -> Shown:
        """The directory of feeds."""
        groups = self._feeds()
        public = [*groups["community"], *groups["named"]]
        return Shown(
            template="feeds",
            context={
                **groups,
                "opml": f"/{opml.PATH}",
                "canonical": "/feeds",
                "feeds": tuple(
                    feed for each in public for feed in pages.feed_links(each.slug, each.title)[:1]
                ),
            },
            document=lambda: FeedsDocument(
                opml=address(self.site, f"/{opml.PATH}"),
                feeds=[
                    FeedRecord(
                        title=each.title,
                        description=each.description,
                        feeds=feed_addresses(each.slug, site=self.site),
                    )
                    for each in (*public, *groups["categories"])
                ],
            ),
        )

    def health(self, _request: Request) -> Response:
        """Whether the database can be read and written, with its row counts.

        Counting reads whole tables, so the counts are kept for a minute.
        """
        with suppress(StoreBusy):  # another process is writing, so it can be written
            self.app.store.try_to_write()

        def make() -> caching.Kept:
            return caching.kept(encoded({"status": "ok", **counts(self.app.store)}), JSON)

        minute = self.app.clock().replace(second=0, microsecond=0)
        found = self.cache.get(HEALTH, minute, make)
        return Response(found.content, media_type=JSON, headers={"cache-control": "no-store"})

    def openapi(self, request: Request) -> Response:
        """The OpenAPI description of the JSON documents."""
        found = self.cache.get(
            OPENAPI,
            self.app.settings,
            lambda: caching.kept(encoded(openapi.document(self.site)), JSON),
        )
        return caching.answer(request, found, cache_control=caching.AN_HOUR, headers=ANY_ORIGIN)

    def robots(self, _request: Request) -> Response:
        """Keeps crawlers off the pages of one person and off endless ones."""
        paths = (*PRIVATE_PATHS, *ENDLESS_PATHS)
        lines = ["User-agent: *", *(f"Disallow: {each}" for each in paths)]
        return PlainTextResponse(
            "\n".join(lines) + "\n", headers={"cache-control": caching.AN_HOUR}
        )

    def statement(self, name: str) -> Callable[[Request], Response]:
        """The handler of a page that changes only with the settings."""

        def make() -> caching.Kept:
            settings = self.app.settings
            page = pages.page(
                name,
                site=self.site,
                keep=settings.keep,
                inbound=settings.inbound,
                curators=len(settings.community.curators),
                sources=[each.name for each in settings.sources.values() if each.enabled],
                help_url=links.help_address(self.site) if self.site.contact else "",
                canonical=f"/{name}",
            )
            return caching.kept(page.encode(), HTML)

        def answer(request: Request) -> Response:
            found = self.cache.get(f"/{name}", self.app.settings, make)
            return caching.answer(request, found, cache_control=caching.AN_HOUR)

        return answer

    def _feeds(self) -> dict[str, list[FeedLine]]:
        """The feeds of the community, of named topics, and of categories in use."""
        groups: dict[str, list[FeedLine]] = {"community": [], "named": [], "categories": []}
        for feed in Catalogue(self.app.store, self.app.feed_terms, self.app.clock()).feeds:
            group, about = "community", feed.info.description
            if feed.topic is not None:
                group = "named" if matching.is_named(feed.topic) else "categories"
                about = feed.topic.description
            title = feed.info.title.removesuffix(f" · {self.site.name}")
            groups[group].append(FeedLine(slug=feed.info.slug, title=title, description=about))
        return groups
