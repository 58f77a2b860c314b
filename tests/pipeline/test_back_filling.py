"""A back-fill goes page by page, and says so where it broke off: nothing fetches the rest by itself."""

import random
from datetime import date

import pytest

from digest import fetching
from digest.errors import FetchFailed
from digest.model import Verdict
from digest.pipeline import ingesting
from digest.sources.arxiv_api import ArxivApi
from digest.testing import RecordedFetcher

DAY = date(2026, 6, 1)
SOURCE = ArxivApi(categories=("cs.LG",), page_size=1)
BUSY = FetchFailed("arXiv answered 503.", subject="arXiv", status=503)


def page(*numbers, start=0, total=3):
    entries = "".join(
        f"""<entry><id>http://arxiv.org/abs/2606.0000{each}v1</id><title>Sheep {each}</title>
        <published>2026-06-01T17:00:00Z</published><summary>We count.</summary>
        <category term="cs.LG"/><author><name>Ada Example</name></author></entry>"""
        for each in numbers
    )
    return f"""<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"
      xmlns="http://www.w3.org/2005/Atom"><title>arXiv Query</title>
      <opensearch:totalResults>{total}</opensearch:totalResults>
      <opensearch:startIndex>{start}</opensearch:startIndex>{entries}</feed>""".encode()


class InTurn(dict):
    """Answers a request with what comes next, whatever its URL."""

    def __init__(self, answers):
        super().__init__()
        self.answers = list(answers)

    def get(self, _url):
        return self.answers.pop(0)


@pytest.fixture
def backfill(store, now):
    def run(*answers):
        fetcher = RecordedFetcher(InTurn(answers))
        poller = ingesting.Poller(
            fetcher=fetcher,
            policy=fetching.Policy(),
            clock=lambda: now,
            rng=random.Random(1),
            owner="w1",
        )
        return ingesting.backfill(store, SOURCE, poller, DAY, DAY), fetcher.asked

    return run


def test_all_pages_are_fetched_one_after_another(backfill, store):
    reports, asked = backfill(page(1), page(2, start=1), page(3, start=2))

    assert [each.verdict for each in reports] == [Verdict.NEW] * 3
    assert (len(asked), store.counts()["papers"]) == (3, 3)


def test_an_empty_page_that_comes_the_second_time_leaves_nothing_out(backfill, store):
    reports, _ = backfill(page(1), page(start=1), page(2, 3, start=1))

    assert reports[-1].verdict is Verdict.NEW
    assert store.counts()["papers"] == 3


@pytest.mark.parametrize(
    "after", [[BUSY], [b"Rate exceeded."], [page(start=1), page(start=1)]], ids=str
)
def test_one_that_breaks_off_ends_with_how_much_is_missing(backfill, store, now, after):
    *pages, last = backfill(page(1), *after)[0]

    assert (last.verdict, last.place) == (Verdict.FAILED, "2026-06-01..2026-06-01")
    assert last.cause.startswith(
        "2 more were not fetched, and nothing fetches the rest by itself: "
    )
    assert store.sources.reports(since=now) == pages


def test_one_that_does_not_begin_says_so_too(backfill):
    *_, last = backfill(BUSY)[0]

    assert last.cause.startswith("not all was fetched, and nothing fetches the rest by itself: ")


def test_one_of_too_many_pages_does_not_promise_the_rest(backfill, monkeypatch):
    monkeypatch.setattr(ingesting, "MOST_PAGES", 1)

    stopped, last = backfill(page(1), page(2, start=1))[0]

    assert [each.cause for each in stopped.problems] == ["stopped after 1 pages"]
    assert last.cause.startswith("2 more were not fetched, and nothing fetches the rest")


def test_more_than_arxiv_gives_is_never_all(backfill):
    *_, last = backfill(page(1, total=40_000), page(2, start=29_999, total=40_000))[0]

    assert last.verdict is Verdict.FAILED
    assert last.cause.endswith("run this again, or for fewer days at a time")


def test_nothing_is_asked_while_another_process_is_fetching(backfill, store, now):
    store.lease(ingesting.POLL_LEASE, owner="another", now=now, seconds=60)

    assert backfill(page(1)) == ([], [])
