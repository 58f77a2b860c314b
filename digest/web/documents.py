"""The types of the JSON documents, and how papers and topics become records of them.

`digest.web.openapi` makes its schemas from these types. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal, TypedDict

from digest.model import Announcement, AnnounceType, LinkKind, Paper, Site, Topic, Voice
from digest.rendering import links
from digest.rendering.views import paper_path, root

Day = Annotated[str, "date"]
Moment = Annotated[str, "date-time"]
Address = Annotated[str, "uri-reference"]


class LinkRecord(TypedDict):
    """Another place of a paper."""

    kind: LinkKind
    url: Address


class VoiceRecord(TypedDict):
    """Who speaks for a featured paper; the name is empty for someone who does not show theirs."""

    name: str
    line: str
    curator: bool
    at: Moment


class PaperRecord(TypedDict):
    """One paper; categories begin with the primary one."""

    id: str
    title: str
    abstract: str
    authors: list[str]
    categories: list[str]
    version: int
    published: Moment | None
    updated: Moment | None
    url: str
    doi: str
    journal_ref: str
    comment: str
    licence: str
    links: list[LinkRecord]
    page: Address
    upvotes: int
    picked_by: list[VoiceRecord]


class FeedAddresses(TypedDict):
    """A feed in its three formats."""

    atom: Address
    rss: Address
    json: Address


class TopicRecord(TypedDict):
    """A topic, and how many papers of the last weeks are in it."""

    id: str
    name: str
    group: str
    description: str
    papers: int
    page: Address
    feeds: FeedAddresses


class TopicCount(TypedDict):
    """A topic, and how many papers of one day are in it."""

    id: str
    name: str
    papers: int


class DayDocument(TypedDict):
    """The papers first announced on one UTC day, fifty a page, most voted for first."""

    date: Day
    previous: Day | None
    next: Day | None
    topic: str
    topics: list[TopicCount]
    picks: list[PaperRecord]
    trending: list[PaperRecord]
    total: int
    page: int
    pages: int
    papers: list[PaperRecord]


class DayCount(TypedDict):
    """How many papers were first announced on a day."""

    date: Day
    papers: int


class CalendarDocument(TypedDict):
    """The days of a month on which papers were announced."""

    month: str
    previous: str | None
    next: str | None
    days: list[DayCount]


class TopicsDocument(TypedDict):
    """All topics, named ones first."""

    days: int
    topics: list[TopicRecord]


class TopicDocument(TypedDict):
    """The papers of the last weeks in a topic, newest first."""

    topic: TopicRecord
    days: int
    trending: list[PaperRecord]
    total: int
    page: int
    pages: int
    papers: list[PaperRecord]


class AnnouncementRecord(TypedDict):
    """A listing that announced the paper; `day` is the list's own date."""

    source: str
    feed: str
    day: Day
    type: AnnounceType
    version: int
    seen_at: Moment


class PaperDocument(TypedDict):
    """A paper, where it was announced, and those most like it."""

    paper: PaperRecord
    announcements: list[AnnouncementRecord]
    similar: list[PaperRecord]


class AuthorDocument(TypedDict):
    """The papers of one author, newest first; people who share a name share a page."""

    name: str
    more: bool
    papers: list[PaperRecord]


class SearchDocument(TypedDict):
    """What a search found: `total` counts at most the first hundred, `more` says if there is more."""

    query: str
    topic: str
    source: str
    since: Day | None
    until: Day | None
    sort: Literal["relevance", "newest"]
    total: int
    more: bool
    page: int
    pages: int
    papers: list[PaperRecord]


class TrendingDocument(TypedDict):
    """What the community picks up, fairest first: large fields do not bury small ones."""

    period: Literal["day", "week", "month"]
    topic: str
    papers: list[PaperRecord]


class SubmissionRecord(TypedDict):
    """A paper that a reader put forward and no curator has decided on yet."""

    paper: PaperRecord
    name: str
    line: str
    at: Moment


class PicksDocument(TypedDict):
    """The papers that curators featured lately, and those put forward."""

    featured: list[PaperRecord]
    submitted: list[SubmissionRecord]


class FeedRecord(TypedDict):
    """A feed."""

    title: str
    description: str
    feeds: FeedAddresses


class FeedsDocument(TypedDict):
    """All public feeds; `opml` is the same for import into a reader."""

    opml: Address
    feeds: list[FeedRecord]


class HealthDocument(TypedDict):
    """Whether the database answers; beside it stand the rows of the main tables."""

    status: Literal["ok"]


class ErrorDocument(TypedDict):
    """What went wrong, in a sentence."""

    error: str


def paper_record(
    paper: Paper, *, site: Site, votes: int = 0, voices: Sequence[Voice] = ()
) -> PaperRecord:
    """A paper as JSON; addresses from outside that are not plain http(s) are left out."""
    listed = [(each, links.safe(each.url)) for each in paper.links]
    return PaperRecord(
        id=paper.id,
        title=paper.title,
        abstract=paper.abstract,
        authors=list(paper.authors),
        categories=list(paper.categories),
        version=paper.version,
        published=moment(paper.published),
        updated=moment(paper.updated),
        url=links.safe(paper.url),
        doi=paper.doi,
        journal_ref=paper.journal_ref,
        comment=paper.comment,
        licence=paper.licence,
        links=[LinkRecord(kind=each.kind, url=url) for each, url in listed if url],
        page=links.paper(site, paper.id) or paper_path(site, paper.id),
        upvotes=votes,
        picked_by=[voice_record(each) for each in voices],
    )


def voice_record(voice: Voice) -> VoiceRecord:
    """Who speaks for a paper, as JSON."""
    return VoiceRecord(name=voice.name, line=voice.line, curator=voice.curator, at=when(voice.at))


def topic_record(topic: Topic, papers: int, *, site: Site) -> TopicRecord:
    """A topic with its page and feeds."""
    return TopicRecord(
        id=topic.id,
        name=topic.name,
        group=topic.group,
        description=topic.description,
        papers=papers,
        page=address(site, f"/topics/{links.slug(topic.id)}"),
        feeds=feed_addresses(links.slug(topic.id), site=site),
    )


def feed_addresses(slug: str, *, site: Site) -> FeedAddresses:
    """Where a feed is, in each format."""
    path = f"/feeds/{slug}"
    return FeedAddresses(
        atom=address(site, f"{path}.atom"),
        rss=address(site, f"{path}.rss"),
        json=address(site, f"{path}.json"),
    )


def announcement_record(given: Announcement) -> AnnouncementRecord:
    """One line of one listing."""
    return AnnouncementRecord(
        source=given.source,
        feed=given.feed,
        day=given.day.isoformat(),
        type=given.type,
        version=given.version,
        seen_at=when(given.seen_at),
    )


def submission_record(voice: Voice, paper: PaperRecord) -> SubmissionRecord:
    """A submitted paper with the submitter's line."""
    return SubmissionRecord(paper=paper, name=voice.name, line=voice.line, at=when(voice.at))


def address(site: Site, path: str) -> str:
    """The address of a path of this site; only the path if the site has no address."""
    return f"{site.url}{path}" if site.url else f"{root(site)}{path}"


def day_or_none(day: date | None) -> str | None:
    """A day in ISO form."""
    return day.isoformat() if day else None


def moment(given: datetime | None) -> str | None:
    """A time in ISO form, to the second."""
    return when(given) if given else None


def when(given: datetime) -> str:
    """A time in ISO form, to the second."""
    return f"{given:%Y-%m-%dT%H:%M:%SZ}"
