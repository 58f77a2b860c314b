"""Ingesting goes on whatever a source does, and reports on each."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from digest import fetching
from digest.errors import FetchFailed, FetchRefused, InvalidInput
from digest.model import Answer, Listing, Verdict
from digest.pipeline import ingesting
from digest.sources.arxiv import Arxiv
from digest.sources.feed import FeedSource
from digest.sources.huggingface import HuggingFace
from digest.testing import RecordedFetcher

FEED = b"""<?xml version="1.0"?>
<rss version="2.0"><channel><title>A journal</title><link>https://j.example/</link>
<item><title>On the patience of feed readers</title><link>https://j.example/1</link>
<pubDate>Wed, 10 Jun 2026 01:00:00 GMT</pubDate><description>They wait.</description></item>
</channel></rss>"""


def poller(fetcher, at, *, owner="w1"):
    return ingesting.Poller(
        fetcher=fetcher,
        policy=fetching.Policy(),
        clock=lambda: at,
        rng=random.Random(1),
        owner=owner,
    )


@pytest.fixture
def ingest(store, now):
    def run(sources, bodies, *, at=now, owner="w1", force=False, reconciling=False):
        fetcher = RecordedFetcher(bodies)
        reports = ingesting.ingest(
            store,
            sources,
            poller(fetcher, at, owner=owner),
            force=force,
            reconciling=reconciling,
        )
        return reports, fetcher.asked

    return run


def feed(name="journal"):
    return FeedSource(name=name, url=f"https://{name}.example/feed")


def test_one_source_that_fails_does_not_hide_another(ingest, store):
    reports, _ = ingest(
        [feed("broken"), feed("journal")],
        {
            "https://broken.example/feed": FetchFailed("It timed out.", subject="x"),
            "https://journal.example/feed": FEED,
        },
    )
    verdicts = {each.source: each.verdict for each in reports}
    assert verdicts == {"broken": Verdict.FAILED, "journal": Verdict.NEW}
    assert store.counts()["papers"] == 1


def test_what_was_just_polled_is_not_polled_again_even_after_a_restart(ingest, now):
    bodies = {"https://journal.example/feed": FEED}
    ingest([feed()], bodies)
    reports, asked = ingest([feed()], bodies, at=now + timedelta(minutes=5))
    assert asked == []
    assert reports[0].verdict is Verdict.WAITING
    assert "next poll at" in reports[0].cause


def test_an_unchanged_feed_is_reported_as_such(ingest, now):
    bodies = {"https://journal.example/feed": FEED}
    ingest([feed()], bodies)
    reports, asked = ingest([feed()], bodies, at=now + timedelta(days=2))
    assert asked == ["https://journal.example/feed"]
    assert reports[0].verdict is Verdict.UNCHANGED


def test_an_undated_entry_is_news_once_and_its_list_never_stale(ingest, now, store):
    undated = FEED.replace(b"<pubDate>Wed, 10 Jun 2026 01:00:00 GMT</pubDate>", b"")
    for days in range(10):
        at, comment = now + timedelta(days=days), b"<!-- %d -->" % days
        bodies = {"https://journal.example/feed": undated.replace(b"<item>", comment + b"<item>")}
        (report,), _ = ingest([feed()], bodies, at=at)
        assert (report.verdict, report.announced) == (
            (Verdict.UNCHANGED, 0) if days else (Verdict.NEW, 1)
        )
    assert [each.seen_at for _, each in store.papers.announced(now - timedelta(days=1), at)] == [
        now
    ]


def entries(*dates):
    """A feed whose entries, numbered, have these dates, in whatever form."""
    return (
        "".join(
            f"<item><title>Study number {number} of retrieval</title>"
            f"<link>https://j.example/{number}</link><pubDate>{date}</pubDate></item>"
            for number, date in enumerate(dates)
        )
        .join(('<rss version="2.0"><channel><title>J</title>', "</channel></rss>"))
        .encode()
    )


def news(store, since, until):
    """Which numbered entries a digest from then to then can show."""
    return sorted(paper.url[-1] for paper, _ in store.papers.announced(since, until))


def test_the_first_poll_of_a_feed_shows_a_week_of_its_past_as_news(ingest, now, store):
    body = entries("2026-06-09", "2026-06-02", "2026-05", "2026-06", "2026", "2024", "")

    ingest([feed()], {"https://journal.example/feed": body})

    assert news(store, now - timedelta(hours=1), now) == ["0", "3", "4", "6"]


def test_what_a_known_feed_adds_is_news_unless_it_is_a_month_old(ingest, now, store):
    url, late = "https://journal.example/feed", now + timedelta(days=2)
    ingest([feed()], {url: entries("2026-06-09", "2026-05-02")})

    added = entries("2026-06-09", "2026-05-02", "2026-05-16", "2026-05", "2026", "2026-05-10")
    ingest([feed()], {url: added}, at=late)

    assert news(store, now, late) == ["2", "3", "4"]


def test_a_failing_source_is_tried_again_later_and_never_given_up(ingest, now, store):
    bodies = {"https://journal.example/feed": FetchFailed("It timed out.", subject="x")}
    at = now
    for expected in range(1, 8):
        ingest([feed()], bodies, at=at)
        (state,) = store.sources.poll_states("journal")
        assert state.failures == expected
        assert at < state.due_at <= at + timedelta(hours=25)
        at = state.due_at


def test_a_source_that_failed_is_asked_at_once_by_force(ingest, now):
    url = "https://journal.example/feed"
    ingest([feed()], {url: FetchFailed("No network.", subject=url)})
    soon = now + timedelta(minutes=1)

    assert ingest([feed()], {}, at=soon)[1] == []
    assert ingest([feed()], {url: FEED}, at=soon, force=True)[1] == [url]


def test_not_even_force_asks_a_server_before_the_time_it_named(ingest, now):
    url = "https://journal.example/feed"
    ingest([feed()], {url: FetchFailed("It is busy.", subject=url, retry_after=7200)})

    assert ingest([feed()], {}, at=now + timedelta(minutes=119), force=True)[1] == []
    assert ingest([feed()], {url: FEED}, at=now + timedelta(minutes=121), force=True)[1] == [url]


def test_a_source_that_is_gone_stops_and_says_so(ingest, now):
    bodies = {"https://journal.example/feed": FetchRefused("It is gone.", gone=True)}
    first, _ = ingest([feed()], bodies)
    assert first[0].verdict is Verdict.GONE
    later, asked = ingest([feed()], bodies, at=now + timedelta(days=30), force=True)
    assert asked == []
    assert later[0].verdict is Verdict.GONE
    assert "410" in later[0].cause


def test_a_page_instead_of_a_feed_is_a_failure_with_its_cause(ingest):
    reports, _ = ingest([feed()], {"https://journal.example/feed": b"<html>503</html>"})
    assert reports[0].verdict is Verdict.FAILED
    assert reports[0].cause


def test_a_list_that_could_not_be_read_is_asked_for_again_in_full(ingest, now):
    url = "https://journal.example/feed"
    ingest([feed()], {url: b"<html>503</html>"})
    reports, _ = ingest([feed()], {url: FEED}, at=now + timedelta(days=2))
    assert reports[0].verdict is Verdict.NEW


class Server(RecordedFetcher):
    """A fetcher that tells what it was asked with, and answers 304 to the ETag it gave."""

    def __init__(self, body, *, broke_off=""):
        super().__init__({})
        self.body, self.broke_off = body, broke_off

    def fetch(self, requests, now):
        return [
            Answer(
                request=request,
                status=304 if fetching.prepare(request, state) else 200,
                url=request.url,
                headers={"etag": '"v1"'},
                body=None if fetching.prepare(request, state) else self.body,
                broke_off=self.broke_off,
                at=now,
            )
            for request, state in requests
        ]


def test_of_a_list_that_was_cut_short_the_whole_is_read_next_time(store, now):
    whole = entries("2026-06-09", "2026-06-09", "2026-06-09", "2026-06-09")
    server = Server(whole[: len(whole) // 2])
    for hours in (0, 2):
        ingesting.ingest(store, [feed()], poller(server, now + timedelta(hours=hours)))
        server.body = whole

    assert store.counts()["papers"] == 4


def test_of_a_transfer_that_broke_off_what_came_is_read_and_the_whole_asked_for_soon(store, now):
    """As after any failure: another validator, or a wait of a day for want of one, would be late."""
    whole = entries("2026-06-09", "2026-06-09", "2026-06-09", "2026-06-09")
    server = Server(whole[: len(whole) // 2], broke_off="The peer closed the connection.")

    (first,) = ingesting.ingest(store, [feed()], poller(server, now))

    assert (first.verdict, first.cause) == (Verdict.FAILED, "The peer closed the connection.")
    assert first.papers == store.counts()["papers"] > 0
    (state,) = store.sources.poll_states()
    assert (state.failures, state.etag) == (1, "")

    server.body, server.broke_off = whole, ""
    (second,) = ingesting.ingest(store, [feed()], poller(server, now + timedelta(hours=2)))

    assert (second.verdict, store.counts()["papers"]) == (Verdict.NEW, 4)


def test_a_list_in_json_that_broke_off_is_a_failure_for_that_reason(store, now):
    part = b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "On'
    server = Server(part, broke_off="The peer closed the connection.")

    (report,) = ingesting.ingest(store, [feed()], poller(server, now))

    assert (report.verdict, report.cause, report.read) == (
        Verdict.FAILED,
        "The peer closed the connection.",
        0,
    )


def test_a_feed_that_is_not_well_formed_but_whole_is_polled_as_any_other(store, now):
    body = entries("2026-06-09").replace(b"<channel>", b"<channel><x:generator/>&nbsp;<p>")
    reports = []
    for hours in (0, 2):
        at = now + timedelta(hours=hours)
        reports += ingesting.ingest(store, [feed()], poller(Server(body), at))

    assert "damaged XML" in reports[0].problems[0].cause
    assert reports[1].verdict is Verdict.UNCHANGED
    assert store.sources.poll_states()[0].etag == '"v1"'


def test_a_ttl_holds_as_long_as_the_feed_is_the_same(store, now):
    server = Server(FEED.replace(b"<item>", b"<ttl>720</ttl><item>"))
    asked = [
        hours
        for hours in range(48)
        for report in ingesting.ingest(
            store, [feed()], poller(server, now + timedelta(hours=hours))
        )
        if report.verdict is not Verdict.WAITING
    ]

    assert asked == [0, 13, 26, 39]


def test_every_week_of_a_series_under_one_title_is_a_paper(ingest, store, now):
    def listing(*weeks):
        return (
            "".join(
                "<item><title>This week in machine learning</title><dc:creator>Jane Doe</dc:creator>"
                f"<link>https://lab.org/{week}</link><guid>https://lab.org/{week}</guid>"
                f"<pubDate>{(now + timedelta(weeks=week)).isoformat()}</pubDate></item>"
                for week in weeks
            )
            .join(
                (
                    '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>',
                    "</channel></rss>",
                )
            )
            .encode()
        )

    url = "https://journal.example/feed"
    ingest([feed()], {url: listing(0)})
    ingest([feed()], {url: listing(2, 1, 0)}, at=now + timedelta(weeks=2))

    assert news(store, now, now + timedelta(weeks=2)) == ["1", "2"]


def test_a_record_that_is_read_twice_is_not_dated_back(ingest, store, now):
    url, late = "https://journal.example/feed", now + timedelta(days=20)
    ingest([feed()], {url: FEED}, at=late, reconciling=True)
    again = {url: FEED.replace(b"</channel>", b"<!-- another set --></channel>")}
    ingest([feed()], again, at=late + timedelta(minutes=1), reconciling=True, force=True)

    assert [each.seen_at for _, each in store.papers.announced(now - timedelta(days=9), late)] == [
        late
    ]


def arxiv_list(category, day, papers):
    """A list of so many papers of one category, as arXiv dates it."""
    items = "".join(
        f"<item><title>Paper {at} of {category}</title>"
        f"<guid>oai:arXiv.org:26{day.day:02}.{at:05}v1</guid><category>{category}</category>"
        "<arxiv:announce_type>new</arxiv:announce_type></item>"
        for at in papers
    )
    return f"""<rss version="2.0" xmlns:arxiv="http://arxiv.org/schemas/atom"><channel>
        <title>{category} updates on arXiv.org</title>
        <pubDate>{day:%a, %d %b %Y} 00:00:00 -0400</pubDate>{items}</channel></rss>""".encode()


def test_a_category_that_an_earlier_run_read_is_not_silent(ingest, now):
    source = Arxiv(categories=("cs.AI", "cs.LG"), per_request=1)
    ai, lg = (f"https://rss.arxiv.org/rss/{each}" for each in source.categories)
    for days in (0, 1):
        day = now + timedelta(days=days)
        bodies = {
            ai: arxiv_list("cs.AI", day, range(20)),
            lg: arxiv_list("cs.LG", day, range(20, 40)),
        }
        ingest([source], bodies, at=day, force=True)
    day = now + timedelta(days=2)
    first = {ai: arxiv_list("cs.AI", day, range(20)), lg: FetchFailed("It timed out.", subject=lg)}
    ingest([source], first, at=day, force=True)

    second = {ai: first[ai], lg: arxiv_list("cs.LG", day, range(20, 40))}
    reports, _ = ingest([source], second, at=day + timedelta(hours=6), force=True)
    assert Verdict.NEW in {each.verdict for each in reports}
    assert [each for each in reports if each.verdict is Verdict.STALE] == []


def test_a_page_that_failed_is_asked_for_again_though_the_page_before_it_is_unchanged(
    ingest, now, store
):
    first = "https://huggingface.co/api/daily_papers?date=2026-06-10"
    pages = [
        json.dumps(
            [{"paper": {"id": f"2606.{number:05}", "title": f"Study {number}"}} for number in page]
        ).encode()
        for page in (range(50), range(50, 60))
    ]
    source = HuggingFace(days=1)
    ingest([source], {first: pages[0], f"{first}&p=1": FetchFailed("It timed out.", subject="x")})
    assert store.counts()["papers"] == 50

    later = now + timedelta(hours=6)
    ingest([source], {first: pages[0], f"{first}&p=1": pages[1]}, at=later)

    assert store.counts()["papers"] == 60


def test_only_one_process_polls_at_a_time(ingest, store, now):
    assert store.lease(ingesting.POLL_LEASE, owner="other", now=now, seconds=60)
    reports, asked = ingest([feed()], {"https://journal.example/feed": FEED})
    assert (reports, asked) == ([], [])


def test_the_log_does_not_fill_with_polls_that_were_not_due(ingest, store, now):
    bodies = {"https://journal.example/feed": FEED}
    for minute in range(5):
        ingest([feed()], bodies, at=now + timedelta(minutes=minute))
    assert len(store.sources.reports(since=now - timedelta(days=1))) == 1


def test_a_source_that_has_no_list_on_a_sunday_says_so_and_fills_no_log(ingest, store):
    sunday = datetime(2026, 6, 14, 9, tzinfo=UTC)
    ((report,), asked) = ingest([HuggingFace()], {}, at=sunday, force=True)
    assert (report.source, report.verdict) == ("huggingface", Verdict.IDLE)
    assert report.cause == "no list to ask for today"
    assert asked == []
    assert store.sources.reports(since=sunday - timedelta(days=1)) == []


def test_an_empty_list_on_a_weekday_reads_as_a_holiday_and_on_a_sunday_as_a_day_off(store):
    def empty(day, stamp):
        body = f"""<?xml version='1.0'?><rss version="2.0"><channel>
        <title>cs.AI updates on arXiv.org</title><link>http://rss.arxiv.org/rss/cs.AI</link>
        <lastBuildDate>{stamp} 04:00:00 +0000</lastBuildDate>
        <pubDate>{stamp} 00:00:00 -0400</pubDate></channel></rss>"""
        listing = Listing(source="arxiv", url="", body=body.encode(), place=day)
        return ingesting.ingest_listing(
            store, Arxiv(name="arxiv", categories=["cs.AI"]), listing, now=datetime.now(UTC)
        )

    holiday = empty("holiday", "Mon, 06 Jul 2026")
    sunday = empty("sunday", "Sun, 14 Jun 2026")
    assert holiday.verdict is sunday.verdict is Verdict.HOLIDAY
    assert "weekday" in holiday.cause
    assert "no list is published" in sunday.cause


def test_an_empty_feed_is_no_holiday_since_it_would_show_its_past(store):
    body = b"<rss version='2.0'><channel><title>A lab's blog</title></channel></rss>"
    source = FeedSource(name="blog", url="https://lab.test/feed")
    listing = Listing(source="blog", url=source.url, body=body)

    report = ingesting.ingest_listing(store, source, listing, now=datetime(2026, 7, 5, tzinfo=UTC))

    assert report.verdict is Verdict.UNCHANGED
    assert "a feed without entries" in report.cause


def test_a_source_that_knows_no_past_cannot_be_back_filled(store, now):
    with pytest.raises(InvalidInput, match="arxiv-api"):
        ingesting.backfill(store, feed(), poller(RecordedFetcher({}), now), now.date(), now.date())


class Broken(FeedSource):
    """A plug-in with a fault in it."""

    def parse(self, listing):
        raise KeyError(listing.url)


def test_a_fault_in_one_source_stays_in_it_and_is_not_repeated_at_once(ingest, now):
    broken = Broken(name="broken", url="https://broken.example/feed")
    bodies = {"https://broken.example/feed": FEED, "https://journal.example/feed": FEED}
    reports, _ = ingest([broken, feed("journal")], bodies)
    assert {each.source: each.verdict for each in reports} == {
        "broken": Verdict.FAILED,
        "journal": Verdict.NEW,
    }
    _, asked = ingest([broken, feed("journal")], bodies, at=now + timedelta(minutes=1))
    assert asked == []


def test_a_paper_has_only_so_many_categories(store, now):
    terms = "".join(f"<category>cs.{number:04}</category>" for number in range(3_000))
    body = FEED.replace(b"<description>", terms.encode() + b"<description>")
    listing = Listing(source="journal", url="", body=body, place="feed.xml")
    ingesting.ingest_listing(store, feed(), listing, now=now)
    assert len(store.papers.categories(now - timedelta(days=9))) <= ingesting.MOST_CATEGORIES
