"""Who confirms gets the first digest at once, and misses nothing for it."""

import random
import threading
from datetime import timedelta

import pytest

from digest import fetching, subscriptions
from digest.pipeline import ingesting
from digest.sources.feed import FeedSource
from digest.testing import RecordedFetcher

JOURNAL = FeedSource(name="journal", url="https://j.example/feed", categories=("cs.IR",))
LISTING = b"""<?xml version="1.0"?>
<rss version="2.0"><channel><title>A journal</title><link>https://j.example/</link>
<item><title>On the patience of feed readers</title><link>https://j.example/1</link>
<pubDate>Wed, 10 Jun 2026 01:00:00 GMT</pubDate><description>They wait.</description></item>
</channel></rss>"""
PATIENCE = 30


class WaitingForAnother(RecordedFetcher):
    """A fetcher that has all answers but one; while it waits for that, something happens."""

    def fetch(self, batch, now):
        outcomes = super().fetch(batch, now)
        self.meanwhile()
        return outcomes


@pytest.fixture
def confirm(application):
    """Somebody follows the journal, confirms, and is welcomed, at once or after something else."""

    def run(meanwhile=lambda person: None):
        given = {"topics": application.settings.topics, "defaults": application.newcomer}
        person = subscriptions.subscribe(
            application.store,
            "ada@example.org",
            subscriptions.Wishes(topics=["cs.IR"], at="6:00"),
            confirmed=False,
            now=application.clock(),
            **given,
        )
        person = subscriptions.confirm(application.store, person, now=application.clock())
        meanwhile(person)
        application.welcome(person)
        return person

    return run


@pytest.fixture
def poll(application):
    """Poll the journal; while another source has yet to answer, something happens."""

    def run(meanwhile=lambda: None):
        fetcher = WaitingForAnother({JOURNAL.url: LISTING})
        fetcher.meanwhile = meanwhile
        poller = ingesting.Poller(
            fetcher=fetcher,
            policy=fetching.Policy(),
            clock=application.clock,
            rng=random.Random(1),
            owner="worker",
        )
        ingesting.ingest(application.store, [JOURNAL], poller)

    return run


@pytest.fixture
def shown(application):
    """How many papers each digest of somebody has, newest first."""

    def look(person):
        return [len(each.picks) for each in application.store.ledger.recent(person.id, limit=9)]

    return look


def test_who_confirms_gets_the_first_digest_at_once(application, confirm, poll, shown, mails):
    poll()
    application.moment[0] += timedelta(minutes=1)

    assert shown(confirm()) == [1]
    assert len(mails()) == 1


def test_who_confirms_while_sources_are_read_gets_it_when_they_are_and_misses_nothing(
    application, confirm, poll, shown, mails
):
    people = []

    def somebody_confirms():
        application.moment[0] += timedelta(seconds=20)
        people.append(confirm())

    poll(somebody_confirms)
    assert shown(people[0]) == []

    application.compose_due()  # as the worker does when it has read them
    application.deliver()
    assert shown(people[0]) == [1]
    assert len(mails()) == 1


def test_a_poll_that_begins_just_after_we_looked_for_one_keeps_nothing_from_them(
    application, confirm, poll, shown, monkeypatch
):
    look, has_read, may_keep = application.is_polling, threading.Event(), threading.Event()

    def another_process_waits():
        has_read.set()
        assert may_keep.wait(PATIENCE)

    polling = threading.Thread(target=poll, args=[another_process_waits])

    def look_and_then_it_begins():
        seen = look()
        application.moment[0] += timedelta(seconds=20)
        polling.start()
        assert has_read.wait(PATIENCE)
        return seen

    monkeypatch.setattr(application, "is_polling", look_and_then_it_begins)
    person = confirm()
    may_keep.set()
    polling.join()
    assert shown(person) == [0]

    application.moment[0] += timedelta(days=1)
    application.compose_due()
    assert shown(person) == [1, 0]


@pytest.mark.parametrize("leave", [subscriptions.unsubscribe, subscriptions.erase])
def test_who_leaves_before_the_first_digest_is_made_gets_none(
    application, confirm, poll, shown, mails, leave
):
    poll()
    application.moment[0] += timedelta(minutes=1)

    person = confirm(lambda person: leave(application.store, person, now=application.clock()))

    assert shown(person) == []
    assert not mails()


def test_who_chooses_another_hour_before_it_is_made_gets_the_next_one_then(
    application, confirm, poll, shown
):
    poll()
    application.moment[0] += timedelta(minutes=1)

    def choose(person):
        subscriptions.change(
            application.store,
            person,
            subscriptions.Wishes(at="9:00"),
            topics=application.settings.topics,
            now=application.clock(),
        )

    person = confirm(choose)

    assert shown(person) == [1]
    assert application.store.subscribers.get([person.id])[person.id].due_at.hour == 9
