"""Search by words, a title, a whole abstract, or an id, which redirects to its paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from digest import references
from digest.editions import FIRST_DAY
from digest.model import Paper, Topic
from digest.pipeline.searching import search
from digest.ports import Within
from digest.rendering import links, pages
from digest.rendering.views import paper_path
from digest.web.documents import SearchDocument, day_or_none
from digest.web.negotiating import SUFFIX, Shown, wants_json
from digest.web.showing import ANY_ORIGIN, Showing, day_of, typed

PAPERS_A_PAGE = 20
MOST = 100
MOST_MATCHED = 1_000
LONGEST_ID = 200
WORDS_IN_AN_ID = 2
PARAMETERS = ("q", "topic", "source", "since", "until", "sort", "page")
KEPT_PARAMETERS = PARAMETERS[:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What was asked for; `ignored` names the fields whose values could not be used."""

    text: str
    topic: Topic | None = None
    source: str = ""
    since: date | None = None
    until: date | None = None
    sort: Literal["relevance", "newest"] = "relevance"
    ignored: tuple[str, ...] = ()

    @property
    def within(self) -> Within:
        """What the search is narrowed to."""
        return Within(
            # A topic with phrases has papers of other categories too, and is filtered afterwards.
            categories=self.topic.categories if self.topic and not self.topic.phrases else (),
            source=self.source,
            since=self.since,
            until=self.until,
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was asked for."""
        return not (self.text or self.topic or self.source or self.since or self.until)


class Searching(Showing):
    """The search page; with a script it searches as one types."""

    def routes(self) -> list[BaseRoute]:
        """The routes of this part."""
        return [
            Route(f"/search{SUFFIX}", self.search_json, methods=["GET"]),
            Route("/search", self.search, methods=["GET"]),
        ]

    async def search(self, request: Request) -> Response:
        """The page, or its JSON if the client prefers that."""
        return await self._search(request, as_json=wants_json(request))

    async def search_json(self, request: Request) -> Response:
        """The results as JSON."""
        return await self._search(request, as_json=True)

    async def _search(self, request: Request, *, as_json: bool) -> Response:
        """The results; the id of a paper redirects to its page."""
        text = typed(request, "q")
        known = await run_in_threadpool(self._named, text) if _may_be_an_id(text) else None
        if known is not None:
            ending, headers = (SUFFIX, ANY_ORIGIN) if as_json else ("", None)
            page = f"{paper_path(self.site, known.id)}{ending}"
            return RedirectResponse(page, status_code=303, headers=headers)
        return await self.answer(request, self.found, PARAMETERS, as_json=as_json)

    def found(self, request: Request) -> Shown:
        """The page of results."""
        query = self._query(request)
        papers, more = ([], False) if query.is_empty else self._papers(query)
        part = self.part(request, papers, PAPERS_A_PAGE, path="/search", parameters=KEPT_PARAMETERS)
        listed = self.listed(part.items)
        return Shown(
            template="search",
            context={
                "query": query,
                "papers": listed,
                "part": part,
                "more": more,
                "sources": self._sources(),
                "topics": self._topics(),
                "subscribe": urlencode({"queries": query.text}),
                "here": "search",
                "canonical": "/search",
                "feeds": pages.search_feed(_followed(query)) if query.text else (),
            },
            document=lambda: SearchDocument(
                query=query.text,
                topic=query.topic.id if query.topic else "",
                source=query.source,
                since=day_or_none(query.since),
                until=day_or_none(query.until),
                sort=query.sort,
                total=part.total,
                more=more,
                page=part.number,
                pages=part.of,
                papers=[each.record for each in listed],
            ),
        )

    def _query(self, request: Request) -> Query:
        given = {name: typed(request, name) for name in ("q", "topic", "source", "since", "until")}
        topic = self.shelf.topic(given["topic"], self.recent()) if given["topic"] else None
        source = given["source"] if given["source"] in self._sources() else ""
        since, until = day_of(given["since"]), day_of(given["until"])
        used = {"topic": topic, "source": source, "since": since, "until": until}
        return Query(
            text=given["q"],
            topic=topic,
            source=source,
            since=since,
            until=until,
            sort="newest" if request.query_params.get("sort") == "newest" else "relevance",
            ignored=tuple(name for name, value in used.items() if given[name] and not value),
        )

    def _papers(self, query: Query) -> tuple[list[Paper], bool]:
        """What was found, best or newest first, and whether there is more."""
        most = MOST_MATCHED if query.topic and query.topic.phrases else MOST
        # Sorted by date, papers that are only near the query could come above those that match.
        nearness = self.app.nearness if query.sort == "relevance" else None
        hits = search(
            self.app.store, query.text, within=query.within, limit=most + 1, nearness=nearness
        )
        more = len(hits) > most
        if query.topic and query.topic.phrases:
            wanted = query.topic.id
            hits = [each for each in hits if wanted in self.shelf.topics_of(each[0])]
            more = more or len(hits) > MOST
        papers = [paper for paper, _ in hits]
        if query.sort == "newest":
            papers.sort(key=_newness, reverse=True)
        return papers[:MOST], more

    def _named(self, text: str) -> Paper | None:
        """The stored paper that a query names by arXiv id, DOI or web address, or None."""
        ids = references.read(text.encode("utf-8", "replace"), "query.txt").ids
        found = self.app.store.papers.get(ids) if len(ids) == 1 else {}
        return next(iter(found.values()), None)

    def _sources(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.app.settings.sources.values() if each.enabled)

    def _topics(self) -> Sequence[Topic]:
        """The topics to choose from: those with recent papers, by name."""
        by_topic = self.recent().by_topic
        known = [each for each in self.shelf.topics.values() if each.id in by_topic]
        return sorted(known, key=lambda each: each.name.casefold())


def _followed(query: Query) -> dict[str, str]:
    """The parameters of the query's feed: all but the dates, since feeds are of papers to come."""
    topic = links.slug(query.topic.id) if query.topic else ""
    asked = {"q": query.text, "topic": topic, "source": query.source}
    return {name: text for name, text in asked.items() if text}


def _may_be_an_id(text: str) -> bool:
    words = len(text.split())
    return len(text) <= LONGEST_ID and words <= WORDS_IN_AN_ID and any(map(str.isdigit, text))


def _newness(paper: Paper) -> datetime:
    return paper.updated or paper.published or FIRST_DAY
