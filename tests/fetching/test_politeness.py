"""The rules by which feed readers are scored, kept over days of polling a real server.

The rules are those of https://rachelbythebay.com/fs/help.html, in its order; the checks after
them are what well-known readers were found to get wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from digest.errors import FetchFailed
from digest.fetching import Policy, decide, is_due, prepare
from digest.fetching.schedule import ABOUT_A_DAY
from digest.model import Answer, PollState, Request

START = datetime(2026, 6, 10, 7, tzinfo=UTC)
STEP = timedelta(minutes=5)


@dataclass
class Reader:
    """A worker's clockwork in small: every five minutes it polls what is due."""

    url: str
    fetcher: object
    now: datetime = START
    polls: list = field(default_factory=list)
    rng: Random = field(default_factory=lambda: Random(1))

    def __post_init__(self):
        self.request = Request(source="blog", url=self.url)
        self.state = PollState(source="blog", url=self.url)

    def run(self, **period):
        until = self.now + timedelta(**period)
        while self.now < until:
            if is_due(self.state, self.now):
                [outcome] = self.fetcher.fetch([(self.request, self.state)], self.now)
                self.polls.append((self.now, outcome))
                self.state = decide(self.state, outcome, self.now, self.rng, policy=Policy())
            self.now += STEP
        return self

    @property
    def gaps(self):
        times = [time for time, _ in self.polls]
        return [after - before for before, after in pairwise(times)]

    @property
    def bodies(self):
        return [out.body for _, out in self.polls if isinstance(out, Answer) and out.body]


@pytest.fixture
def reader(site, make_fetcher):
    return Reader(site.url(), make_fetcher())


@dataclass
class Strict:
    """A feed whose server compares validators as opaque bytes, as the protocol says."""

    site: object
    etag: str = 'W/"v1"'
    modified: str = "Wed, 10 Jun 2026 06:59:59 +0000"
    body: bytes = b"<rss>one</rss>"
    extra: dict = field(default_factory=dict)

    def __call__(self, request):
        given = {"etag": self.etag, "last_modified": self.modified}
        given = {name: value for name, value in given.items() if value} | self.extra
        sent = request.get("If-None-Match"), request.get("If-Modified-Since")
        if sent == (self.etag or None, self.modified or None) and any(sent):
            return self.site.response(b"", status=304, length=False, **given)
        return self.site.response(self.body, **given)


@pytest.fixture
def feed(site):
    site.routes["/feed"] = Strict(site)
    return site.routes["/feed"]


def unconditional(site):
    return [
        each
        for each in site.seen
        if not each.get("If-None-Match") and not each.get("If-Modified-Since")
    ]


# --- the score ---


@pytest.mark.usefixtures("feed")
def test_one_unconditional_request_ever(site, reader):
    reader.run(days=1)

    assert len(site.seen) > 15
    assert unconditional(site) == [site.seen[0]]
    assert reader.bodies == [b"<rss>one</rss>"]


@pytest.mark.parametrize(
    ("etag", "modified"),
    [
        ('"strong"', "Wed, 10 Jun 2026 06:59:59 GMT"),
        ('W/"weak"', "2026-06-10 06:59 +0000"),
        ("bare", ""),
        ("'odd", "Wed, 10 Jun 2026 06:59:59 GMT"),
        ('"caf\xe9"', "2026-06-10 06:59 +0000"),
        ('"a", "b"', ""),
    ],
)
def test_validators_are_opaque_and_sent_back_byte_for_byte(site, feed, reader, etag, modified):
    feed.etag, feed.modified = etag, modified

    reader.run(hours=3)

    assert len(site.seen) > 1
    assert {each.get("If-None-Match") for each in site.seen[1:]} == {etag}
    assert {each.get("If-Modified-Since") for each in site.seen[1:]} == {modified or None}
    assert all(each.body is None for _, each in reader.polls[1:])


@pytest.mark.usefixtures("feed")
def test_at_most_one_poll_an_hour_with_validators(reader):
    reader.run(days=2)

    assert min(reader.gaps) >= timedelta(hours=1)


def test_at_most_one_poll_a_day_without_validators(feed, reader):
    feed.etag = feed.modified = ""

    reader.run(days=5)

    assert len(reader.polls) > 3
    assert min(reader.gaps) >= timedelta(seconds=ABOUT_A_DAY)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", ["86400", "Fri, 12 Jun 2026 07:00:00 GMT"])
def test_retry_after_is_obeyed_on_429_and_503_in_both_forms(site, reader, status, retry_after):
    site.serve(status=status, retry_after=retry_after)

    reader.run(days=4)

    assert reader.gaps[0] >= timedelta(days=1 if retry_after == "86400" else 2)


@pytest.mark.parametrize(
    "extra", [{"cache_control": "max-age=43200"}, {"expires": "Sat, 20 Jun 2026 00:00:00 GMT"}]
)
def test_freshness_is_obeyed_after_200_and_after_304(feed, reader, extra):
    feed.extra = extra

    reader.run(days=3)

    assert [each.status for _, each in reader.polls[:2]] == [200, 304]
    assert min(reader.gaps) >= timedelta(hours=12)


def test_no_cookies_no_referer_no_cruft_and_no_changes_to_the_url(site, feed, make_fetcher):
    url = site.url("/feed?format=rss&q=a%20b+c")
    feed.extra = {"set_cookie": ["session=1; Path=/", "track=2"]}
    site.serve("/old", status=302, location="/feed", set_cookie="hop=1")
    reader = Reader(url, make_fetcher())
    other = Reader(site.url("/old"), reader.fetcher)

    reader.run(hours=6)
    other.run(hours=6)

    assert {each.target for each in site.seen} == {"/feed?format=rss&q=a%20b+c", "/old", "/feed"}
    sent = {name.lower() for each in site.seen for name, _ in each.headers}
    assert sent == {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
        "if-none-match",
        "if-modified-since",
    }
    assert "set-cookie" not in reader.polls[0][1].headers


@pytest.mark.usefixtures("feed")
def test_a_restart_asks_nothing_again(site, reader, make_fetcher):
    reader.run(minutes=30)
    assert len(site.seen) == 1

    after_restart = Reader(site.url(), make_fetcher(), now=reader.now)
    after_restart.state = reader.state
    after_restart.run(minutes=25)

    assert len(site.seen) == 1


@pytest.mark.usefixtures("feed")
def test_the_feed_alone_is_asked_for_with_gzip_and_a_contact(site, reader):
    reader.run(hours=2)

    assert {each.get("User-Agent") for each in site.seen} == {
        "digest-tests/1 (+https://digest.example/about)"
    }
    assert {each.get("Accept-Encoding") for each in site.seen} == {"gzip"}
    assert {(each.method, each.target) for each in site.seen} == {("GET", "/feed")}


# --- what readers get wrong ---


def test_an_etag_that_rotates_on_200_is_followed(site, feed, reader):
    reader.run(minutes=5)
    feed.etag = '"v2"'

    reader.run(hours=4)

    assert site.seen[-1].get("If-None-Match") == '"v2"'
    assert len(reader.bodies) == 2


def test_a_new_etag_on_a_304_is_followed(site, reader):
    def renewing(request):
        number = len(site.seen)
        if request.get("If-None-Match"):
            return site.response(status=304, length=False, etag=f'"{number}"')
        return site.response(b"<rss/>", etag=f'"{number}"')

    site.routes["/feed"] = renewing

    reader.run(hours=6)

    sent = [each.get("If-None-Match") for each in site.seen]
    assert sent == [None, *(f'"{number}"' for number in range(1, len(sent)))]


@pytest.mark.parametrize("status", [301, 308])
def test_a_permanent_move_is_asked_about_once(site, feed, make_fetcher, status):
    site.serve("/old", status=status, location="/feed")
    reader = Reader(site.url("/old"), make_fetcher())

    reader.run(hours=6)

    targets = [each.target for each in site.seen]
    assert targets.count("/old") == 1
    assert targets.count("/feed") > 4
    assert reader.bodies == [feed.body]


@pytest.mark.usefixtures("feed")
def test_a_temporary_move_is_asked_about_every_time(site, make_fetcher):
    site.serve("/old", status=302, location="/feed")
    reader = Reader(site.url("/old"), make_fetcher())

    reader.run(hours=6)

    targets = [each.target for each in site.seen]
    assert targets.count("/old") == targets.count("/feed") > 1
    assert all(each.body is None for _, each in reader.polls[1:])


def test_gone_ends_polling(site, reader):
    site.serve(status=410)

    reader.run(days=30)

    assert len(site.seen) == 1
    assert reader.state.gone


def test_other_errors_are_never_the_end(site, reader):
    site.serve(status=404)
    reader.run(days=20)
    asked = len(site.seen)
    site.routes["/feed"] = Strict(site)

    reader.run(days=2)

    assert 15 <= asked <= 30
    assert reader.state.failures == 0
    assert reader.bodies == [b"<rss>one</rss>"]


def test_a_body_that_could_not_be_read_is_a_failure_that_is_kept(site, reader):
    site.serve(body=b"\x1f\x8b broken", content_encoding="gzip", etag='"1"')

    reader.run(hours=2)

    assert reader.state.failures >= 1
    assert "damaged" in reader.state.last_error
    assert prepare(reader.request, reader.state) == {}
    assert isinstance(reader.polls[0][1], FetchFailed)
