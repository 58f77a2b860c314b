"""Turns before every host."""

from __future__ import annotations

import asyncio

import pytest

from digest.fetching.pacing import Held, Queues


@pytest.fixture
def queues(fake_time):
    return Queues({"arxiv.org": 3.0}, default=1.0, clock=fake_time.clock, sleep=fake_time.sleep)


async def visit(queues, fake_time, host, *, takes=0.0):
    async with queues.turn(host):
        started = fake_time.clock()
        fake_time.now += takes
        return started


def visits(queues, fake_time, *hosts, takes=0.0):
    async def all_of_them():
        return [await visit(queues, fake_time, host, takes=takes) - 1000 for host in hosts]

    return asyncio.run(all_of_them())


def test_the_first_request_does_not_wait(queues, fake_time):
    assert visits(queues, fake_time, "example.org") == [0]


def test_one_host_is_asked_with_a_pause(queues, fake_time):
    assert visits(queues, fake_time, "example.org", "EXAMPLE.org.", "example.org") == [0, 1, 2]


def test_different_hosts_do_not_wait_for_each_other(queues, fake_time):
    assert visits(queues, fake_time, "a.example.org", "b.example.org") == [0, 0]


def test_all_hosts_under_a_suffix_share_one_queue(queues, fake_time):
    hosts = ["rss.arxiv.org", "export.arxiv.org", "arxiv.org", "oaipmh.arxiv.org"]

    assert visits(queues, fake_time, *hosts) == [0, 3, 6, 9]


def test_a_name_that_only_ends_alike_is_someone_else(queues, fake_time):
    assert visits(queues, fake_time, "arxiv.org", "notarxiv.org", "arxiv.org.evil.test") == [0] * 3


def test_the_pause_counts_from_the_end_of_the_last_request(queues, fake_time):
    assert visits(queues, fake_time, "arxiv.org", "arxiv.org", takes=10) == [0, 13]


def test_the_longest_suffix_decides(fake_time):
    queues = Queues(
        {"org": 1, "example.org": 5}, default=0, clock=fake_time.clock, sleep=fake_time.sleep
    )

    assert visits(queues, fake_time, "a.example.org", "b.example.org", "c.org") == [0, 5, 5]


def test_waiting_requests_of_one_party_never_overlap_and_keep_their_order(queues, fake_time):
    order = []

    async def one(number):
        async with queues.turn("export.arxiv.org"):
            order.append(f"{number} in")
            await asyncio.sleep(0)
            order.append(f"{number} out")

    async def all_of_them():
        await asyncio.gather(*(one(number) for number in range(3)))

    asyncio.run(all_of_them())

    assert order == ["0 in", "0 out", "1 in", "1 out", "2 in", "2 out"]


def test_a_party_with_a_declared_limit_is_held_as_a_whole(queues, fake_time):
    queues.hold("export.arxiv.org", 60)

    with pytest.raises(Held) as held:
        visits(queues, fake_time, "rss.arxiv.org")
    assert held.value.seconds == 60

    fake_time.now += 60
    assert visits(queues, fake_time, "rss.arxiv.org") == [60]


def test_other_hosts_are_not_held_because_their_feeds_are_strangers_to_each_other(
    queues, fake_time
):
    queues.hold("example.org", 60)

    assert visits(queues, fake_time, "example.org") == [0]


def test_a_request_that_breaks_still_leaves_a_pause(queues, fake_time):
    async def broken():
        async with queues.turn("example.org"):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(broken())

    assert visits(queues, fake_time, "example.org") == [1]
