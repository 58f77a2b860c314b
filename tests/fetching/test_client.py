"""Batches carried out against a real server on loopback."""

from __future__ import annotations

import asyncio
import gzip
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digest.errors import ConfigError, FetchFailed, FetchRefused
from digest.fetching import HttpFetcher
from digest.fetching.client import ARXIV_SPACING
from digest.model import Answer, PollState, Request

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)


def batch_of(*urls):
    return [(Request(source="blog", url=url), PollState(source="blog", url=url)) for url in urls]


# --- answers ---


def test_a_feed_comes_back_with_its_body_and_headers(site, get):
    site.serve("/feed", b"<rss>new</rss>", etag='W/"1"', content_type="application/rss+xml")

    answer = get(site.url("/feed"))

    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"<rss>new</rss>")
    assert (answer.headers["etag"], answer.headers["content-type"]) == (
        'W/"1"',
        "application/rss+xml",
    )
    assert (answer.url, answer.moved_to) == (site.url("/feed"), "")
    assert answer.at >= NOW


def test_a_304_has_no_body(site, get):
    url = site.url("/feed")
    site.serve("/feed", b"", status=304, length=False, etag='"2"')

    answer = get(url, state=PollState(source="blog", url=url, etag='"1"'))

    assert (answer.status, answer.body, answer.headers["etag"]) == (304, None, '"2"')


def test_a_304_that_nobody_asked_for_is_a_failure(site, get):
    site.serve("/feed", b"", status=304, length=False)

    failed = get(site.url("/feed"))

    assert isinstance(failed, FetchFailed)
    assert failed.status == 304


def test_gzip_is_asked_for_and_understood(site, get):
    site.serve("/feed", gzip.compress(b"<rss/>"), content_encoding="gzip")

    assert get(site.url("/feed")).body == b"<rss/>"
    assert site.seen[0].all("Accept-Encoding") == ["gzip"]


def test_a_chunked_body_is_put_together(site, get):
    site.routes["/feed"] = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<rss\r\n2\r\n/>\r\n0\r\n\r\n"
    )

    assert get(site.url("/feed")).body == b"<rss/>"


def test_outcomes_come_in_the_order_of_the_batch_and_one_failure_hides_no_other(site, make_fetcher):
    site.serve("/good")
    urls = [site.url("/good"), "file:///etc/passwd", site.url("/missing"), site.url("/good?2")]

    outcomes = make_fetcher().fetch(batch_of(*urls), NOW)

    assert [type(each) for each in outcomes] == [Answer, FetchRefused, FetchFailed, Answer]
    assert outcomes[3].request.url == urls[3]


def test_an_empty_batch_gives_nothing(make_fetcher):
    assert make_fetcher().fetch([], NOW) == []


# --- failures ---


def test_a_retry_after_counts_from_the_start_of_the_batch(site, make_fetcher, fake_time):
    site.serve("/a")
    site.serve("/b", status=503, retry_after="120")
    fetcher = make_fetcher(default_spacing=60, clock=fake_time.clock, sleep=fake_time.sleep)

    _, failed = fetcher.fetch(batch_of(site.url("/a"), site.url("/b")), NOW)

    assert failed.retry_after == 180


def test_an_error_of_the_arxiv_api_is_quoted(site, get):
    entry = b"<feed><entry><title>Error</title><summary>incorrect id format for 1</summary></entry>"
    site.serve(body=gzip.compress(entry), status=400, content_encoding="gzip")

    failed = get(site.url("/feed?id_list=1"))

    assert 'answered 400 and said "incorrect id format for 1": check the query' in str(failed)


def test_a_server_that_is_not_there_can_be_asked_again(get):
    failed = get("http://127.0.0.1:1/feed")

    assert isinstance(failed, FetchFailed)
    assert "Connect call failed" in str(failed)


def test_a_name_that_does_not_exist_can_be_asked_again(get):
    async def nowhere(host, port):
        raise OSError(-2, "Name or service not known")

    failed = get("http://nowhere.test/feed", find=nowhere)

    assert isinstance(failed, FetchFailed)
    assert "not known" in str(failed)


def test_secrets_in_a_query_appear_in_no_outcome(site, get):
    site.serve("/feed", status=500, body=b"no such token=hunter2")

    failed = get(site.url("/feed?token=hunter2"))

    assert "hunter2" not in f"{failed} {failed.subject}"


def test_a_fault_of_our_own_is_reported_for_its_source_only(site, make_fetcher, caplog):
    async def broken(host, port):
        if host == "broken.test":
            raise ZeroDivisionError
        return ["127.0.0.1"]

    site.serve()
    urls = [site.url(host="broken.test"), site.url()]

    failed, answer = make_fetcher(find=broken).fetch(batch_of(*urls), NOW)

    assert isinstance(failed, FetchFailed)
    assert "ZeroDivisionError" in str(failed)
    assert isinstance(answer, Answer)
    assert [record.action for record in caplog.records] == ["fetch-broke"]


# --- pacing ---


def test_all_of_arxiv_is_one_queue_of_one_connection_every_three_seconds(
    site, make_fetcher, fake_time
):
    started = []

    def note(_):
        started.append(fake_time.now)
        return site.response(b"<rss/>")

    site.routes["/feed"] = note
    fetcher = make_fetcher(clock=fake_time.clock, sleep=fake_time.sleep, spacing=ARXIV_SPACING)
    hosts = ["rss.arxiv.org", "export.arxiv.org", "oaipmh.arxiv.org", "rss.arxiv.org"]

    fetcher.fetch(batch_of(*(site.url(host=host) for host in hosts)), NOW)
    fetcher.fetch(batch_of(site.url(host="rss.arxiv.org")), NOW)

    assert [time - started[0] for time in started] == [0, 3, 6, 9, 12]
    assert site.most_open == 1


def test_a_redirect_waits_for_its_turn_as_well(site, make_fetcher, fake_time):
    site.serve("/old", status=301, location="/new")
    site.serve("/new")
    fetcher = make_fetcher(default_spacing=2, clock=fake_time.clock, sleep=fake_time.sleep)

    fetcher.fetch(batch_of(site.url("/old")), NOW)

    assert fake_time.slept == [2]


def test_when_arxiv_says_too_often_the_rest_of_the_queue_is_not_sent(site, make_fetcher, fake_time):
    site.serve(status=429, body=b"Rate exceeded.")
    fetcher = make_fetcher(clock=fake_time.clock, sleep=fake_time.sleep)
    urls = [site.url(host=f"{host}.arxiv.org") for host in ("rss", "export", "oaipmh")]

    outcomes = fetcher.fetch(batch_of(*urls), NOW)

    assert len(site.seen) == 1
    assert [each.status for each in outcomes] == [429, 429, 429]
    assert 'said "Rate exceeded."' in str(outcomes[0])
    assert outcomes[0].retry_after is None
    assert outcomes[1].retry_after == 300


def test_no_server_can_silence_a_party_for_longer_than_a_day(site, make_fetcher, fake_time):
    site.serve(status=429, retry_after="9" * 20)
    fetcher = make_fetcher(clock=fake_time.clock, sleep=fake_time.sleep)
    batch = batch_of(site.url(host="rss.arxiv.org"))

    fetcher.fetch(batch, NOW)
    fake_time.now += 86_401
    fetcher.fetch(batch, NOW)

    assert len(site.seen) == 2


def test_one_busy_feed_does_not_silence_the_other_feeds_of_its_host(site, make_fetcher):
    site.serve("/busy", status=429, retry_after="3600")
    site.serve("/other")

    busy, other = make_fetcher().fetch(batch_of(site.url("/busy"), site.url("/other")), NOW)

    assert isinstance(busy, FetchFailed)
    assert isinstance(other, Answer)


def test_hosts_are_asked_side_by_side_but_no_more_than_allowed(site, make_fetcher):
    together = threading.Barrier(2, timeout=5)

    async def both_or_nothing(_):
        await asyncio.to_thread(together.wait)
        yield site.response(b"<rss/>")

    site.routes["/feed"] = both_or_nothing
    urls = [site.url(host=f"{name}.test") for name in "abcd"]

    outcomes = make_fetcher(concurrency=2).fetch(batch_of(*urls), NOW)

    assert all(isinstance(each, Answer) for each in outcomes)
    assert site.most_open == 2


# --- life cycle ---


def test_a_fetch_works_inside_a_running_event_loop(site, get):
    site.serve()

    async def caller():
        return get(site.url())

    assert asyncio.run(caller()).status == 200


def test_a_fetcher_may_be_used_from_several_threads_at_once(site, make_fetcher):
    site.serve()
    fetcher, outcomes = make_fetcher(), []

    def work(name):
        outcomes.extend(fetcher.fetch(batch_of(site.url(host=f"{name}.test")), NOW))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each.status for each in outcomes] == [200, 200, 200]


def test_closing_twice_is_harmless_and_fetching_afterwards_is_a_mistake(site, make_fetcher):
    site.serve()
    fetcher = make_fetcher()
    fetcher.fetch(batch_of(site.url()), NOW)

    fetcher.close()
    fetcher.close()

    with pytest.raises(RuntimeError, match="closed"):
        fetcher.fetch([], NOW)


def test_no_thread_outlives_its_fetcher(site, make_fetcher):
    site.serve()
    before = threading.active_count()
    fetcher = make_fetcher()
    fetcher.fetch(batch_of(site.url()), NOW)
    assert threading.active_count() > before

    fetcher.close()

    assert threading.active_count() == before


@pytest.mark.parametrize("agent", ["", "Digest", "Digest/1\r\nX: y (+https://a.b)", "Dïgest (a@b)"])
def test_a_user_agent_must_name_a_contact(agent):
    with pytest.raises(ConfigError, match="contact"):
        HttpFetcher(agent)


def test_time_moves_on_while_a_batch_is_under_way(site, make_fetcher, fake_time):
    site.serve()
    fetcher = make_fetcher(default_spacing=90, clock=fake_time.clock, sleep=fake_time.sleep)

    first, second = fetcher.fetch(batch_of(site.url("/feed?1"), site.url("/feed?2")), NOW)

    assert first.at == NOW
    assert second.at == NOW + timedelta(seconds=90)
    assert replace(second, at=NOW).request.url.endswith("?2")
