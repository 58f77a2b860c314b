"""A mail server so slow that a block would outlast its lease."""

from collections import Counter
from datetime import timedelta

import pytest

from digest import subscriptions
from digest.app import App
from digest.testing import MemoryTransport

pytestmark = pytest.mark.slow

DAY = "2026-06-10"
PEOPLE = 50
TARRY = timedelta(seconds=25)


class Slow(MemoryTransport):
    """Takes 25 s for every message; another worker looks in after each."""

    def __init__(self, moment, look_in):
        super().__init__()
        self.moment, self.look_in = moment, look_in

    def send(self, messages, now, **held):
        for message in messages:
            self.moment[0] += TARRY
            for receipt in super().send([message], now, **held):
                self.look_in()
                yield receipt


def test_a_block_that_outlasts_its_lease_is_not_sent_twice(application):
    for number in range(PEOPLE):
        subscriptions.subscribe(
            application.store,
            f"reader{number}@example.net",
            subscriptions.Wishes(topics=["cs.IR"], quiet="line"),
            topics=application.settings.topics,
            defaults=application.newcomer,
            confirmed=True,
            now=application.clock(),
        )
    application.compose_edition(DAY)
    with App(application.settings, clock=application.clock) as other:
        other.owner = "the other worker"
        other.__dict__["transport"] = theirs = MemoryTransport()
        ours = Slow(application.moment, other.deliver)
        application.__dict__["transport"] = ours

        application.deliver()

    copies = Counter(each.recipient for each in (*ours.sent, *theirs.sent))
    assert len(copies) == PEOPLE
    assert max(copies.values()) == 1, f"{copies.total() - PEOPLE} sent twice"
