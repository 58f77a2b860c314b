"""What everyone can read: papers, topics, days."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from digest.app import App, counts
from digest.model import Topic
from digest.web.common import Handlers

SIMILAR = 8
TRENDING = Topic(id="trending", name="Trending papers")


def routes(app: App) -> list[BaseRoute]:
    """The routes of this part."""
    reading = Reading(app)
    return [
        Route("/health", reading.health, methods=["GET"]),
        Route("/", reading.front, methods=["GET"]),
        Route("/papers/{paper:path}", reading.show_paper, methods=["GET"]),
    ]


class Reading(Handlers):
    """Public pages."""

    def health(self, _request: Request) -> Response:
        """Whether the database answers, and what it holds."""
        return JSONResponse(
            {"status": "ok", **counts(self.app.store)}, headers={"cache-control": "no-store"}
        )

    def front(self, _request: Request) -> Response:
        """What this is, and the feeds one can follow."""
        followed = self.app.store.subscribers.topics_in_use()
        topics = [
            TRENDING,
            *(
                topic
                for topic in self.app.settings.topics.values()
                if topic.categories != (topic.id,) or topic.id in followed
            ),
        ]
        return self.page("index", topics=topics)

    def show_paper(self, request: Request) -> Response:
        """One paper, and the papers most like it."""
        paper = self.paper(request.path_params["paper"])
        found = self.app.store.papers.search(paper.title, limit=SIMILAR + 1)
        similar = [each for each, _ in found if each.id != paper.id][:SIMILAR]
        return self.page("paper", paper=paper, similar=similar)
