"""What all public pages share: HTML and JSON from one handler, caching, and lists of papers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from digest import matching
from digest.app import App
from digest.errors import NotFound
from digest.model import Paper, Site, Topic, Voice
from digest.pipeline.trending import trending_papers
from digest.ranking import trending
from digest.rendering import links, pages
from digest.rendering.views import PaperView, card_view, root
from digest.web import caching, negotiating, paging
from digest.web.common import Handlers, without_slash
from digest.web.documents import PaperRecord, paper_record
from digest.web.negotiating import HTML, JSON, SUFFIX, Shown
from digest.web.paging import Part
from digest.web.shelf import Recent, Shelf

LONGEST_TYPED = 500
# Scripts of any site may read the public JSON.
ANY_ORIGIN = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}

MOST_TRENDING = 50

Period = Literal["day", "week", "month"]
T = TypeVar("T")
Show = Callable[[Request], Shown]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A paper with its votes and voices, as pages and as JSON show it."""

    paper: Paper
    view: PaperView
    record: PaperRecord
    voices: Sequence[Voice] = ()


class Showing(Handlers):
    """Base of the public pages; all of one site share a cache and a shelf."""

    def __init__(self, app: App, *, cache: caching.Cache, shelf: Shelf) -> None:
        super().__init__(app)
        self.cache = cache
        self.shelf = shelf

    @property
    def site(self) -> Site:
        """The publisher."""
        return self.app.site

    # --- answering ------------------------------------------------------------------------

    def both(
        self, path: str, show: Show, *, json: str = "", parameters: Sequence[str] = ()
    ) -> list[BaseRoute]:
        """Routes for the page at `path` and its JSON at `path`.json (or at `json`).

        `parameters` are those of the query string that the answer depends on.
        """

        async def page(request: Request) -> Response:
            wanted = negotiating.wants_json(request)
            return await self.answer(request, show, parameters, as_json=wanted)

        async def document(request: Request) -> Response:
            return await self.answer(request, show, parameters, as_json=True)

        return [
            Route(json or f"{path}{SUFFIX}", document, methods=["GET"]),
            Route(path, page, methods=["GET"]),
        ]

    async def answer(
        self, request: Request, show: Show, parameters: Sequence[str] = (), *, as_json: bool
    ) -> Response:
        """The page or its JSON from the cache, or made now in a thread.

        Getting the version is one look-up by key, which never waits for a writer. A slash at the end
        may belong to a name, such as a DOI; where nothing is found, it is taken away.
        """
        asked = tuple(request.query_params.get(each, "") for each in parameters)
        name, version = (request.scope["path"], as_json, asked), self.version()
        found = self.cache.find(name, version)
        if found is None:
            try:
                found = await run_in_threadpool(
                    self.cache.get,
                    name,
                    version,
                    lambda: self._made(show(request), as_json=as_json),
                )
            except NotFound:
                named = any(request.path_params.values())  # not in `/papers/`
                if not (named and request.scope["path"].endswith("/")):
                    raise
                return without_slash(request, self.site)
        return caching.answer(request, found, headers=ANY_ORIGIN if as_json else None)

    def _made(self, shown: Shown, *, as_json: bool) -> caching.Kept:
        if as_json:
            return caching.kept(negotiating.encoded(shown.document()), JSON)
        page = pages.page(
            shown.template, site=self.site, names=self.app.settings.topics, **shown.context
        )
        return caching.kept(page.encode("utf-8", "replace"), HTML)

    # --- what is shown --------------------------------------------------------------------

    def recent(self) -> Recent:
        """The papers of the last weeks by topic."""
        return self.shelf.recent(self.app.store.papers, self.app.clock(), self.version())

    def listed(self, papers: Iterable[Paper]) -> list[Listed]:
        """Papers with their votes and voices, in the order given."""
        papers = list(papers)
        ids = [each.id for each in papers]
        voices = self.app.store.community.voices(ids)
        signals = self.app.store.papers.signals(ids)
        site, topics = self.site, self.app.settings.topics
        made = []
        for paper in papers:
            votes = trending.upvotes(signals.get(paper.id, ())).get(paper.id, 0)
            heard = voices.get(paper.id, ())
            made.append(
                Listed(
                    paper=paper,
                    view=card_view(paper, site=site, topics=topics, upvotes=votes),
                    record=paper_record(paper, site=site, votes=votes, voices=heard),
                    voices=heard,
                )
            )
        return made

    def by_id(self, ids: Sequence[str]) -> dict[str, Listed]:
        """Papers by the ids given, in this order; ids of papers that are not stored are left out.

        Each paper comes once, though two may have been merged since the ids were looked up.
        """
        found = self.app.store.papers.get(ids)
        asked: dict[str, str] = {}
        for each in ids:
            if each in found:
                asked.setdefault(found[each].id, each)
        listed = self.listed(found[each] for each in asked.values())
        return dict(zip(asked.values(), listed, strict=True))

    def trending(self, period: Period, topic: Topic | None = None) -> list[Listed]:
        """The papers that trend in a period, in one topic or in all, most first."""
        found = trending_papers(
            self.app.store, period, now=self.app.clock(), limit=MOST_TRENDING, topic=topic
        )
        return self.listed(paper for paper, _, _ in found)

    def picked_until(self, day: date, *, within: timedelta) -> list[Listed]:
        """The papers picked within some days up to the end of a day, latest first."""
        end = datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)
        papers = self.by_id(sorted(self.app.store.community.featured(end - within)))
        picked = [
            (max(voice.at for voice in each.voices), each)
            for each in papers.values()
            if each.voices
        ]
        picked.sort(key=lambda each: each[0], reverse=True)
        return [listed for at, listed in picked if at < end]

    def topic(self, slug: str) -> Topic:
        """A topic by the name in its address; raises NotFound."""
        found = self.shelf.topic(slug, self.recent())
        if found is not None:
            return found
        for category in self.app.store.papers.known_categories():
            if links.slug(category).casefold() == slug.casefold():
                return matching.topic_of(category, self.app.settings.topics)
        raise NotFound("There is no such topic here.", subject=slug)

    def part(
        self,
        request: Request,
        items: Sequence[T],
        size: int,
        *,
        path: str,
        parameters: Sequence[str] = (),
    ) -> Part[T]:
        """The page of the list at `path` that `?page=` asks for; raises NotFound beyond the last."""
        path = f"{root(self.site)}{path}"
        return paging.part(request, items, size, path=path, parameters=parameters)


def typed(request: Request, name: str) -> str:
    """The value of a field in the query string, without extra spaces, cut to LONGEST_TYPED."""
    return " ".join(request.query_params.get(name, "")[:LONGEST_TYPED].split())


def day_of(text: str) -> date | None:
    """A day written as `2026-06-10`; None for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None
