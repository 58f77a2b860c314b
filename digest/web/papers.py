"""Papers and authors: a page each, and references for everyone's library."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from digest import references, subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import Announcement, Paper
from digest.pipeline.searching import similar
from digest.rendering import citing, pages
from digest.rendering.views import author_path, licence_of, paper_path, root
from digest.text import author_key, author_keys, clean
from digest.web import caching
from digest.web.documents import AuthorDocument, PaperDocument, announcement_record
from digest.web.negotiating import SUFFIX, Shown, wants_json
from digest.web.showing import ANY_ORIGIN, LONGEST_TYPED, Showing

SIMILAR = 8
MOST_BY_AUTHOR = 100
PAPER = "/papers/{paper:path}"
ENDINGS = {".bib": "bib", ".ris": "ris", ".csl.json": "csl"}

Handler = Callable[[Request], Awaitable[Response]]


class Papers(Showing):
    """Papers and authors."""

    def routes(self) -> list[BaseRoute]:
        """The routes of this part; ids have slashes and dots, so the endings come first."""
        references_in = (
            Route(f"{PAPER}{ending}", self.led(self.reference, ending), methods=["GET"])
            for ending in ENDINGS
        )
        return [
            *references_in,
            Route(f"{PAPER}{SUFFIX}", self.led(self.document, SUFFIX), methods=["GET"]),
            Route(PAPER, self.led(self.page_of, ""), methods=["GET"]),
            *self.both("/authors/{name:path}", self.author),
        ]

    def led(self, handler: Handler, ending: str) -> Handler:
        """The handler; where it finds nothing, the way to the paper whose id was written otherwise."""

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except NotFound:
                elsewhere = await run_in_threadpool(self._elsewhere, request, ending)
                if elsewhere is None:
                    raise
                return elsewhere

        return handle

    def _elsewhere(self, request: Request, ending: str) -> Response | None:
        """The way to the paper that `2606.00001`, `arXiv:2606.00001v2` or `10.1101/…` means, if any.

        What looks like an ending may be the end of a DOI.
        """
        for text, form in ((request.path_params["paper"], ending), (_whole(request), "")):
            paper = None if text.endswith("/") else self._meant(text)
            if paper is not None:
                page = f"{paper_path(self.site, paper.id)}{form}"
                headers = ANY_ORIGIN if form == SUFFIX else None
                return RedirectResponse(page, status_code=303, headers=headers)
        return None

    def _meant(self, text: str) -> Paper | None:
        """The paper that someone named in whichever way, if it is here."""
        try:
            return self.paper(subscriptions.paper_key(text))
        except InvalidInput:
            return None

    async def page_of(self, request: Request) -> Response:
        """The page of a paper, or its document for those who ask for it."""
        return await self.answer(request, self.show, as_json=wants_json(request))

    async def document(self, request: Request) -> Response:
        """The document of a paper; its page, if an id of its own ends like that."""
        itself = await run_in_threadpool(self._is_an_id, request)
        as_json = not itself or wants_json(request)
        return await self.answer(request, self.show, as_json=as_json)

    def show(self, request: Request) -> Shown:
        """One paper: what it says, where it was announced, who picked it, and those most like it."""
        paper = self._asked(request)
        announced = self.app.store.papers.announcements([paper.id]).get(paper.id, [])
        (listed,) = self.listed([paper])
        alike = self.listed(
            similar(self.app.store, paper, limit=SIMILAR, nearness=self.app.nearness)
        )
        return Shown(
            template="paper",
            context={
                "listed": listed,
                "paper": paper,
                "announced": _days(announced),
                "similar": alike,
                "coins": citing.coins(paper),
                "meta": citing.meta(paper),
                "licence": licence_of(paper),
                "authors": [(each, self._author_path(each)) for each in paper.authors if each],
                "path": paper_path(self.site, paper.id),
                "canonical": paper_path(self.site, paper.id).removeprefix(root(self.site)),
            },
            document=lambda: PaperDocument(
                paper=listed.record,
                announcements=[announcement_record(each) for each in announced],
                similar=[each.record for each in alike],
            ),
        )

    async def reference(self, request: Request) -> Response:
        """A paper as BibTeX, RIS or CSL-JSON; the page of one whose id ends like that."""
        if await run_in_threadpool(self._is_an_id, request):
            return await self.page_of(request)
        return await run_in_threadpool(self._reference, request)

    def _reference(self, request: Request) -> Response:
        ending = next(each for each in ENDINGS if request.scope["path"].endswith(each))
        paper = self.paper(request.path_params["paper"])
        form = ENDINGS[ending]
        made = caching.kept(
            references.write([paper], form), f"{references.MEDIA_TYPES[form]}; charset=utf-8"
        )
        name = "".join(each if each.isalnum() else "-" for each in paper.id if each.isascii())
        disposition = f'attachment; filename="{name[:100].strip("-") or "paper"}{ending}"'
        return caching.answer(request, made, headers={"content-disposition": disposition})

    def author(self, request: Request) -> Shown:
        """The papers of an author, newest first."""
        name = clean(request.path_params["name"])[:LONGEST_TYPED]
        found = self.app.store.papers.by_author(name, limit=MOST_BY_AUTHOR + 1)
        if not found:
            raise NotFound("There are no papers of that name here.", subject=name)
        papers = self.listed(found[:MOST_BY_AUTHOR])
        more = len(found) > MOST_BY_AUTHOR
        return Shown(
            template="author",
            context={
                "name": _as_written(name, found),
                "papers": papers,
                "more": more,
                "canonical": author_path(self.site, name).removeprefix(root(self.site)),
                "feeds": pages.search_feed({"q": f'"{name}"'}),
            },
            document=lambda: AuthorDocument(
                name=name, more=more, papers=[each.record for each in papers]
            ),
        )

    def _asked(self, request: Request) -> Paper:
        """The paper of a path: by the whole of it if that is an id, else without its ending."""
        whole, asked = _whole(request), request.path_params["paper"]
        return self.paper(whole) if self._is_an_id(request) else self.paper(asked)

    def _is_an_id(self, request: Request) -> bool:
        """Whether the path is that of a paper, ending and all (`doi:10.1/data.json`)."""
        return bool(self.app.store.papers.get([_whole(request)]))

    def _author_path(self, name: str) -> str:
        return author_path(self.site, name) if author_key(name) else ""


def _whole(request: Request) -> str:
    path: str = request.scope["path"]
    return path.partition("/papers/")[2]


def _days(announced: Sequence[Announcement]) -> list[Announcement]:
    """One line a day and version, of the many listings that may have announced it."""
    found: dict[tuple[object, int], Announcement] = {}
    for each in announced:
        found.setdefault((each.day, each.version), each)
    return list(found.values())


def _as_written(name: str, papers: Sequence[Paper]) -> str:
    """The name as papers have it: what was asked for may be `schmidhuber j`."""
    keys = author_keys(name)
    written = [each for paper in papers for each in paper.authors if keys & author_keys(each)]
    return name if name in written else max(written, key=len, default=name)
