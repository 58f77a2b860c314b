"""Pages of papers and authors, and papers as BibTeX, RIS and CSL-JSON."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

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


class Papers(Showing):
    """Papers and authors."""

    def routes(self) -> list[BaseRoute]:
        """The routes of this part; ids contain slashes and dots, so the endings come first."""
        return [
            *(
                Route(f"{PAPER}{ending}", partial(self.paper_as, ending), methods=["GET"])
                for ending in (*ENDINGS, SUFFIX, "")
            ),
            *self.both("/authors/{name:path}", self.author),
        ]

    async def paper_as(self, ending: str, request: Request) -> Response:
        """A paper as a page, as JSON or as a reference, by the ending of its address.

        An id written in another way, as `2606.00001v2` or `10.1101/…`, redirects to the paper. What
        looks like an ending may be the end of a DOI.
        """
        whole = request.scope["path"].partition("/papers/")[2]
        if ending and bool(await run_in_threadpool(self.app.store.papers.get, [whole])):
            ending, request.path_params["paper"] = "", whole
        try:
            if ending in ENDINGS:
                return await run_in_threadpool(self._reference, request, ending)
            as_json = bool(ending) or wants_json(request)
            return await self.answer(request, self.show, as_json=as_json)
        except NotFound:
            paper = await run_in_threadpool(self._meant, request.path_params["paper"])
            if paper is None:
                ending, paper = "", await run_in_threadpool(self._meant, whole)
            if paper is None:
                raise
        headers = ANY_ORIGIN if ending == SUFFIX else None
        return RedirectResponse(f"{paper_path(self.site, paper.id)}{ending}", 303, headers=headers)

    def _meant(self, text: str) -> Paper | None:
        """The paper that an id means, in any way to write it but a slash at its end; else None."""
        try:
            return None if text.endswith("/") else self.paper(subscriptions.paper_key(text))
        except InvalidInput:
            return None

    def show(self, request: Request) -> Shown:
        """One paper, where it was announced, who picked it, and the papers most like it."""
        paper = self.paper(request.path_params["paper"])
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

    def _reference(self, request: Request, ending: str) -> Response:
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

    def _author_path(self, name: str) -> str:
        return author_path(self.site, name) if author_key(name) else ""


def _days(announced: Sequence[Announcement]) -> list[Announcement]:
    """One announcement per day and version, of the many listings that may have made it."""
    found: dict[tuple[object, int], Announcement] = {}
    for each in announced:
        found.setdefault((each.day, each.version), each)
    return list(found.values())


def _as_written(name: str, papers: Sequence[Paper]) -> str:
    """The name as the papers write it; the address may say `schmidhuber j`."""
    keys = author_keys(name)
    written = [each for paper in papers for each in paper.authors if keys & author_keys(each)]
    return name if name in written else max(written, key=len, default=name)
