"""Papers by day: the front page, any day, and the calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from starlette.requests import Request
from starlette.routing import BaseRoute

from digest import matching
from digest.editions import FIRST_DAY
from digest.errors import NotFound
from digest.model import Paper, Topic
from digest.rendering import links, pages
from digest.web.documents import CalendarDocument, DayCount, DayDocument, TopicCount, day_or_none
from digest.web.negotiating import Shown
from digest.web.showing import Listed, Period, Showing, day_of, typed

PAPERS_A_PAGE = 50
BESIDE = 5
LOOK_AROUND = timedelta(days=62)
EARLIEST = date(1991, 8, 1)
BUSY = 4
ENOUGH = 3
SOON: tuple[Period, ...] = ("day", "week")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A day in a calendar: its number of papers, and how dark it is shown (0 to 4)."""

    day: date
    papers: int
    shade: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month as weeks from Monday, with None before its first and after its last day."""

    first: date
    weeks: Sequence[Sequence[Cell | None]]
    previous: str
    next: str
    papers: int


class Days(Showing):
    """Today, each day, each month."""

    def routes(self) -> list[BaseRoute]:
        """The routes of this part."""
        return [
            *self.both("/", self.today, json="/today.json", parameters=("topic", "page")),
            *self.both("/days/{date}", self.day, parameters=("topic", "page")),
            *self.both("/calendar/{month}", self.calendar),
        ]

    def today(self, request: Request) -> Shown:
        """The front page: the latest day that has papers."""
        return self._shown(request, self._latest(), front=True)

    def day(self, request: Request) -> Shown:
        """One day."""
        day = day_of(request.path_params["date"])
        if day is None or not EARLIEST <= day <= self.app.clock().date():
            raise NotFound("There is no such day here.")
        return self._shown(request, day, front=False)

    def calendar(self, request: Request) -> Shown:
        """One month."""
        first = day_of(f"{request.path_params['month']}-01")
        if first is None or not EARLIEST <= first <= self.app.clock().date():
            raise NotFound("There is no such month here.")
        month = self.month(first)
        return Shown(
            template="calendar",
            context={
                "month": month,
                "before": f"{first - timedelta(days=1):%B %Y}",
                "after": f"{first + timedelta(days=32):%B %Y}",
                "canonical": f"/calendar/{month.first:%Y-%m}",
                "here": "today",
            },
            document=lambda: CalendarDocument(
                month=f"{first:%Y-%m}",
                previous=month.previous or None,
                next=month.next or None,
                days=[
                    DayCount(date=cell.day.isoformat(), papers=cell.papers)
                    for week in month.weeks
                    for cell in week
                    if cell and cell.papers
                ],
            ),
        )

    def month(self, day: date) -> Month:
        """The month of a day."""
        first = day.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
        counts = self.app.store.papers.days(first, after - timedelta(days=1))
        before = (first - timedelta(days=1)).replace(day=1)
        return Month(
            first=first,
            weeks=_weeks(first, after, counts),
            previous=f"{before:%Y-%m}" if before >= EARLIEST else "",
            next=f"{after:%Y-%m}" if after <= self.app.clock().date() else "",
            papers=sum(counts.values()),
        )

    def _latest(self) -> date:
        """The latest day with papers, however long ago; today if there are none."""
        today = self.app.clock().date()
        counts = self.app.store.papers.days(today - LOOK_AROUND, today)
        if not counts:
            newest = self.app.store.papers.in_categories((), since=FIRST_DAY, limit=1)
            return min(today, newest[0][1].seen_at.date()) if newest else today
        return max(counts)

    def _shown(self, request: Request, day: date, *, front: bool) -> Shown:
        announced = [paper for paper, _ in self.app.store.papers.announced_on(day)]
        counts = self.shelf.count(announced)
        topic = self._chosen(typed(request, "topic"), counts)
        wanted = (
            [each for each in announced if topic.id in self.shelf.topics_of(each)]
            if topic
            else announced
        )
        path = "/" if front else f"/days/{day}"
        part = self.part(
            request,
            self._most_voted_first(wanted),
            PAPERS_A_PAGE,
            path=path,
            parameters=("topic",),
        )
        papers = self.listed(part.items)
        whole = topic is None and part.number == 1
        picks = self._picks(day, front=front)[:BESIDE] if whole else []
        hot = self._trending_now()[:BESIDE] if whole and front else []
        before, after = self._around(day)
        topics = self._by_count(counts)
        return Shown(
            template="today",
            context={
                "front": front,
                "day": day,
                "before": before,
                "after": after,
                "month": self.month(day),
                "topics": topics,
                "topic": topic,
                "picks": picks,
                "trending": hot,
                "papers": papers,
                "part": part,
                "announced": len(announced),
                "quiet": day != self.app.clock().date(),
                "here": "today" if front else "",
                "canonical": path,
                "feeds": pages.feed_links(links.slug(topic.id), topic.name)
                if topic
                else pages.feed_links("trending", "Trending papers"),
            },
            document=lambda: DayDocument(
                date=day.isoformat(),
                previous=day_or_none(before),
                next=day_or_none(after),
                topic=topic.id if topic else "",
                topics=[TopicCount(id=each.id, name=each.name, papers=n) for each, n in topics],
                picks=[each.record for each in picks],
                trending=[each.record for each in hot],
                total=part.total,
                page=part.number,
                pages=part.of,
                papers=[each.record for each in papers],
            ),
        )

    def _picks(self, day: date, *, front: bool) -> list[Listed]:
        """The picks of a day, or on the front page those of the last week."""
        if front:
            return self.picked_until(self.app.clock().date(), within=timedelta(days=7))
        return self.picked_until(day, within=timedelta(days=1))

    def _trending_now(self) -> list[Listed]:
        """What trends today, or this week, or what trended last, if there is too little."""
        for period in SOON:
            found = self.trending(period)
            if len(found) >= ENOUGH:
                return found
        hot = self.by_id(list(self.app.store.papers.trending(limit=BESIDE)))
        return list(hot.values())

    def _chosen(self, wanted: str, counts: Mapping[str, int]) -> Topic | None:
        if not wanted:
            return None
        slugs = {links.slug(each).casefold(): each for each in counts}
        found = slugs.get(links.slug(wanted).casefold())
        if found is None:
            return self.topic(links.slug(wanted))
        return matching.topic_of(found, self.app.settings.topics)

    def _most_voted_first(self, papers: Sequence[Paper]) -> list[Paper]:
        """The papers by what the community noticed, else in the order of their announcement."""
        hot = self.app.store.papers.trending([each.id for each in papers])
        return sorted(papers, key=lambda each: -hot.get(each.id, 0.0))

    def _by_count(self, counts: Counter[str]) -> list[tuple[Topic, int]]:
        """Topics with papers, named ones first, then by size and name; archives are left out."""
        topics = self.app.settings.topics
        archives = {each.partition(".")[0] for each in topics if "." in each}
        found = [
            (matching.topic_of(each, topics), n)
            for each, n in counts.items()
            if each not in archives
        ]
        return sorted(
            found, key=lambda each: (not matching.is_named(each[0]), -each[1], each[0].name)
        )

    def _around(self, day: date) -> tuple[date | None, date | None]:
        """The nearest days before and after a day that have papers."""
        counts = self.app.store.papers.days(day - LOOK_AROUND, day + LOOK_AROUND)
        return (
            max((each for each in counts if each < day), default=None),
            min((each for each in counts if each > day), default=None),
        )


def _weeks(first: date, after: date, counts: Mapping[date, int]) -> list[list[Cell | None]]:
    most = max(counts.values(), default=0)
    cells: list[Cell | None] = [None] * first.weekday()
    for n in range((after - first).days):
        day = first + timedelta(days=n)
        papers = counts.get(day, 0)
        cells.append(Cell(day=day, papers=papers, shade=-(-papers * BUSY // most) if most else 0))
    cells += [None] * (-len(cells) % 7)
    return [cells[n : n + 7] for n in range(0, len(cells), 7)]
