"""The live feeds, rendered on the first request after a change and then cached as bytes.

A change is one of the store, or of the hour. Any other request costs one look-up in the database
and is answered from the cache, or with 304.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from digest.app import App
from digest.errors import NotFound
from digest.pipeline import personal
from digest.pipeline.catalogue import Catalogue
from digest.pipeline.days import Days
from digest.rendering import links, opml
from digest.rendering.feeds import FORMATS, FeedInfo
from digest.rendering.views import root
from digest.web.caching import Cache, Kept, answer, kept
from digest.web.common import GONE, Handlers
from digest.web.limits import Buckets, network
from digest.web.showing import ANY_ORIGIN, day_of, typed

OPML = "text/x-opml; charset=utf-8"
NO_FEED = "There is no such feed here."
MOST_BYTES = 64 * 1024 * 1024
MOST_DATED = 5_000

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=6)
READING_TAKES = timedelta(minutes=2)
STALE = 3600
PRIVATE = {
    "cache-control": "private, max-age=300",
    "referrer-policy": "no-referrer",
    "vary": "Accept-Encoding",
    "x-robots-tag": "noindex, nofollow",
}


def routes(app: App, buckets: Buckets) -> list[BaseRoute]:
    """The routes of this part; rendering an archive or a search takes from `buckets`."""
    feeds = Feeds(app, buckets)
    return [
        Route("/feeds.opml", feeds.outline, methods=["GET"]),
        Route("/feeds/mine/{token}.{kind}", feeds.mine, methods=["GET"]),
        Route("/feeds/{slug}/{day}.{kind}", feeds.archive, methods=["GET"]),
        Route("/feeds/{slug}.{kind}", feeds.current, methods=["GET"]),
        Route("/search.atom", partial(feeds.search, "atom"), methods=["GET"]),
        Route("/search.rss", partial(feeds.search, "rss"), methods=["GET"]),
        Route("/search.feed.json", partial(feeds.search, "json"), methods=["GET"]),
    ]


class Feeds(Handlers):
    """The handlers of all feeds."""

    def __init__(self, app: App, buckets: Buckets) -> None:
        super().__init__(app)
        self._buckets = buckets
        self._cache = Cache(MOST_BYTES)
        self._dates: OrderedDict[Hashable, tuple[str, datetime]] = OrderedDict()
        self._hubs: dict[str, str] = {}
        self._days = Days(app.settings.topics)
        self._latest: tuple[Hashable, Catalogue] | None = None
        self._asked: datetime | None = None
        self._due: datetime | None = None
        self._lock = threading.Lock()

    async def current(self, request: Request) -> Response:
        """A feed as it is now."""
        slug, kind = request.path_params["slug"], _kind(request)
        made = partial(self._document, slug, kind, None)
        try:
            return await self._public(request, made, f"feeds/{slug}.{kind}", slug=slug)
        except NotFound:
            known = await run_in_threadpool(lambda: self._catalogue().spelled(slug))
            if not known:
                raise
        path = f"feeds/{known}.{kind}"
        headers = {"cache-control": self._fresh(), **self._headers(path)}
        return RedirectResponse(f"{root(self.app.site)}/{path}", 308, headers=headers)

    async def archive(self, request: Request) -> Response:
        """The archive of a feed for one past day (RFC 5005)."""
        slug, kind = request.path_params["slug"], _kind(request)
        day = day_of(request.path_params["day"])
        if day is None:
            raise NotFound(NO_FEED)
        made = partial(self._document, slug, kind, day)
        path = f"feeds/{slug}/{day}.{kind}"
        return await self._public(request, self._rationed(request, made), path)

    async def outline(self, request: Request) -> Response:
        """The list of feeds as OPML, for feed readers to import."""
        return await self._public(request, self._outline, opml.PATH)

    async def search(self, kind: str, request: Request) -> Response:
        """A search as a feed: what it finds in the last months, newest first."""
        query, slug, source = (typed(request, each) for each in ("q", "topic", "source"))
        if not (query or slug):
            raise NotFound("Say what to search for, as in /search.atom?q=retrieval.")
        if source and source not in self.app.settings.sources:
            raise NotFound("There is no such source here.", subject=source)
        info = self._info(query, slug, source)
        made = partial(self._searched, info, query, slug, source, kind)
        return await self._public(request, self._rationed(request, made), info.path(kind))

    async def mine(self, request: Request) -> Response:
        """A subscriber's own feed; whoever has its address can read it."""
        return await run_in_threadpool(self._mine, request)

    def _mine(self, request: Request) -> Response:
        kind = _kind(request)
        person, subject = self.person(request, links.FEED)
        if subject:
            raise NotFound(GONE)
        store, site = self.app.store, self.app.site
        latest = store.ledger.recent(person.id, limit=1)
        state = [(each.id, each.composed_at) for each in latest]

        def make() -> Kept:
            found = personal.documents(store, site, person, self.app.because, (kind,))
            return kept(found[kind], _type(kind))

        name = ("mine", person.id, kind)
        version = (person.key, *state, store.papers.changed())
        return answer(request, self._kept(name, version, make), headers=PRIVATE)

    # --- how they are kept ----------------------------------------------------------------

    async def _public(
        self, request: Request, make: Callable[[], Kept], path: str, *, slug: str = ""
    ) -> Response:
        """A cached response without leaving the event loop, else one rendered in a thread.

        Getting the version is one look-up by key, which never waits for a writer. `path` is the
        canonical path; the feed with this `slug` may have a hub.
        """
        version = self.version()
        found = self._cache.find(path, version)
        if found is None:
            found = await run_in_threadpool(self._kept, path, version, make)
        headers = self._headers(path, self._hubs.get(slug, ""))
        return answer(request, found, cache_control=self._fresh(), headers=headers)

    def _rationed(self, request: Request, make: Callable[[], Kept]) -> Callable[[], Kept]:
        """`make`, which first takes from the client network's bucket or raises HTTPException (429)."""

        def made() -> Kept:
            self._buckets.take(network(request))
            return make()

        return made

    def _kept(self, name: Hashable, version: Hashable, make: Callable[[], Kept]) -> Kept:
        return self._cache.get(name, version, lambda: self._dated(name, make()))

    def _dated(self, name: Hashable, made: Kept) -> Kept:
        """The response with the time since when its bytes are the same, as far as we know."""
        now = self.app.clock().replace(microsecond=0)
        with self._lock:
            etag, since = self._dates.pop(name, ("", datetime.min.replace(tzinfo=now.tzinfo)))
            if etag != made.etag:
                # Never the same second twice, or two versions would have the same date.
                since = max(now, since + timedelta(seconds=1))
            self._dates[name] = (made.etag, since)
            while len(self._dates) > MOST_DATED:
                self._dates.popitem(last=False)
        return replace(made, modified=since)

    def _catalogue(self) -> Catalogue:
        """The catalogue of the store as it is."""
        version, now = self.version(), self.app.clock()
        with self._lock:
            if self._latest is None or self._latest[0] != version:
                made = Catalogue(self.app.store, self.app.feed_terms, now, days=self._days)
                self._latest = version, made
            return self._latest[1]

    # --- what they are --------------------------------------------------------------------

    def _document(self, slug: str, kind: str, day: date | None) -> Kept:
        catalogue = self._catalogue()
        feed = catalogue.find(slug)
        content = catalogue.document(feed, kind, day) if feed else None
        if feed is None or content is None:
            raise NotFound(NO_FEED)
        if day is None:
            self._hubs[slug] = catalogue.hub(feed)
        return kept(content, _type(kind))

    def _outline(self) -> Kept:
        return kept(opml.opml([each.info for each in self._catalogue().feeds], self.app.site), OPML)

    def _info(self, query: str, slug: str, source: str) -> FeedInfo:
        """The feed of a search, within a topic or source if they are given."""
        site = self.app.site
        asked = {"q": query, "topic": slug, "source": source}
        told = urlencode({key: text for key, text in asked.items() if text})
        title = " in ".join(each for each in (query, slug) if each)
        return FeedInfo(
            slug=f"search-{hashlib.sha256(told.encode()).hexdigest()[:16]}",
            title=f"{title}{' from ' if source else ''}{source} · {site.name}",
            description="What a search finds from now on.",
            home_page=site.url and f"{site.url}/search?{told}",
            query=told,
        )

    def _searched(self, info: FeedInfo, query: str, slug: str, source: str, kind: str) -> Kept:
        catalogue = self._catalogue()
        feed = catalogue.find(slug) if slug else None
        if slug and (feed is None or feed.topic is None):
            raise NotFound("There is no such topic here.", subject=slug)
        topic = feed.topic if feed else None
        return kept(catalogue.search(query, topic, info, kind, source=source), _type(kind))

    # --- what is said of them -------------------------------------------------------------

    def _headers(self, path: str, hub: str = "") -> dict[str, str]:
        """Headers of a public feed, readable by scripts of any site; WebSub §4 needs hub and self."""
        site = self.app.site
        related = (("hub", hub), ("self", site.url and f"{site.url}/{path}"))
        linked = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in related if url)
        headers = {**ANY_ORIGIN, "vary": "Accept-Encoding"}
        return headers | ({"link": linked} if linked else {})

    def _fresh(self) -> str:
        """Cache-Control until the next poll of a source, when news can be expected."""
        now = self.app.clock()
        if not self._asked or not timedelta() <= now - self._asked < SHORTEST:
            polls = self.app.store.sources.poll_states()
            due = (each.due_at for each in polls if each.due_at and each.due_at > now)
            self._asked, self._due = now, min(due, default=None)
        seconds = fresh_for(now, self._due, timedelta(minutes=self.app.settings.fetch.interval))
        return f"public, max-age={seconds}, stale-while-revalidate={STALE}"


def fresh_for(now: datetime, due: datetime | None, interval: timedelta) -> int:
    """Seconds until the next poll is over, between 5 minutes and 6 hours.

    If no poll is scheduled, the usual interval between two counts.
    """
    expected = (due - now if due else interval) + READING_TAKES
    return int(min(max(expected, SHORTEST), LONGEST).total_seconds())


def _kind(request: Request) -> str:
    kind: str = request.path_params["kind"]
    if kind not in FORMATS:
        raise NotFound(NO_FEED)
    return kind


def _type(kind: str) -> str:
    return f"{FORMATS[kind]}; charset=utf-8"
