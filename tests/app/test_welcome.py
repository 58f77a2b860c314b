"""Who confirms gets the first digest at once, and misses nothing for it."""

import random
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


class WaitingForAnother(RecordedFetcher):
    """A fetcher that has all answers but one; while it waits for that, something happens."""

    def fetch(self, batch, now):
        outcomes = super().fetch(batch, now)
        self.meanwhile()
        return outcomes


@pytest.fixture
def confirm(application):
    """Somebody follows the journal, confirms, and is welcomed; who that is."""

    def run():
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
