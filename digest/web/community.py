"""Trending papers, and the papers that curators picked."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from starlette.requests import Request
from starlette.routing import BaseRoute

from digest.errors import NotFound
from digest.model import SubmissionState, Voice
from digest.rendering import links, pages
from digest.web.documents import PicksDocument, TrendingDocument, submission_record
from digest.web.negotiating import Shown
from digest.web.showing import Listed, Period, Showing, typed

MOST_PICKS = 50
PICKED_WITHIN = timedelta(days=90)
SUBMITTED_WITHIN = timedelta(days=30)


class Community(Showing):
    """Trending papers and curators' picks."""

    def routes(self) -> list[BaseRoute]:
        """The routes of this part."""
        return [
            *self.both("/trending", self.show_trending, parameters=("topic",)),
            *self.both("/trending/{period}", self.show_trending, parameters=("topic",)),
            *self.both("/picks", self.show_picks),
        ]

    def show_trending(self, request: Request) -> Shown:
        """The papers that trend in a period, in one topic or in all."""
        given = request.path_params.get("period", "week")
        period: Period | None = next((each for each in get_args(Period) if each == given), None)
        if period is None:
            raise NotFound("Papers trend by day, week or month.", subject=given)
        slug = typed(request, "topic")
        topic = self.topic(links.slug(slug)) if slug else None
        found = self.trending(period, topic)
        return Shown(
            template="trending",
            context={
                "period": period,
                "topic": topic,
                "papers": found,
                "here": "trending",
                "canonical": f"/trending/{period}",
                "feeds": pages.feed_links(f"trending-{period}", f"Trending this {period}"),
            },
            document=lambda: TrendingDocument(
                period=period,
                topic=topic.id if topic else "",
                papers=[each.record for each in found],
            ),
        )

    def show_picks(self, _request: Request) -> Shown:
        """The papers that curators featured, and those that wait for a decision."""
        featured = self.picked_until(self.app.clock().date(), within=PICKED_WITHIN)[:MOST_PICKS]
        submitted = self._submitted({each.paper.id for each in featured})
        return Shown(
            template="picks",
            context={
                "featured": featured,
                "submitted": submitted,
                "submits": self.app.settings.community.submissions_a_day > 0,
                "here": "",
                "canonical": "/picks",
                "feeds": pages.feed_links("picks", "Picked papers"),
            },
            document=lambda: PicksDocument(
                featured=[each.record for each in featured],
                submitted=[submission_record(voice, each.record) for each, voice in submitted],
            ),
        )

    def _submitted(self, but: set[str]) -> list[tuple[Listed, Voice]]:
        """Papers submitted lately that no curator has decided on, with the submitter's line."""
        store = self.app.store
        since = self.app.clock() - SUBMITTED_WITHIN
        found = store.community.submissions(SubmissionState.OPEN, since=since, limit=MOST_PICKS)
        people = store.subscribers.get({each.subscriber_id for each in found})
        papers = self.by_id([each.paper_id for each in found])
        shown = []
        for each in found:
            if each.paper_id in papers and each.paper_id not in but:
                person = people.get(each.subscriber_id)
                name = person.name if person and person.shows_name else ""
                voice = Voice(paper_id=each.paper_id, name=name, line=each.line, at=each.at)
                shown.append((papers[each.paper_id], voice))
        return shown
