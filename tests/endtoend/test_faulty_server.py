"""A mail server that refuses, forgets and falls silent, until every digest has found its end."""

import logging
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from digest.app import App
from digest.config import load
from digest.model import Outcome
from digest.store import open_store

pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)

DAY = "2026-06-11"
PEOPLE = 40
UNKNOWN = "reader13@example.net"
GREYLISTED = {f"reader{number}@example.net" for number in range(0, PEOPLE, 2)}
DROPPED_AT, SILENT_AT = 8, 30
PATIENCE = timedelta(minutes=20)


class Faults:
    """Each fault once: half the recipients greylisted, a drop after DATA, a silence at RCPT."""

    def __init__(self):
        self.asked, self.taken = Counter(), []
        self.dropped = self.kept_waiting = ""

    def __call__(self, stage, address):
        if stage == "TAKEN":
            self.taken.append(address)
            if len(self.taken) == DROPPED_AT:
                self.dropped = address
                return "DROP"
            return None
        self.asked[address] += 1
        if self.asked.total() == SILENT_AT:
            self.kept_waiting = address
            return "HANG"
        if address == UNKNOWN:
            return f"550 5.1.1 <{address}>: Recipient address rejected: no such user"
        if address in GREYLISTED and self.asked[address] == 1:
            return f"451 4.7.1 <{address}>: greylisted, come back in five minutes"
        return None


@pytest.fixture(scope="module")
def faults():
    return Faults()


@pytest.fixture(scope="module")
def digest(command_line, tmp_path_factory):
    return command_line(tmp_path_factory.mktemp("faulty"))


@pytest.fixture(scope="module")
def delivered(digest, serve, faults):
    """The first round by the command line, the others later and later, until nothing waits."""
    people = digest.ready(PEOPLE)
    sink = serve(faults)
    settings = {"DIGEST_SMTP_URL": sink.url, "DIGEST_SMTP_TIMEOUT": "1"}
    first = digest("deliver", "--date", DAY, **settings)
    moment = datetime.now(UTC)
    waiting, rounds = True, [f"exit {first.code}: {digest.outbox()}"]
    while waiting and len(rounds) < 6:
        moment += PATIENCE
        at = moment
        loaded = load(environment={**digest.settings, **settings}, overrides={"db": str(digest.db)})
        with App(loaded, clock=lambda at=at: at, rng=random.Random(1)) as app:
            rounds.append(app.deliver())
            counts = app.store.ledger.counts()
        waiting = counts["queued"] or counts["retry"] or counts["sending"]
    log.info("rounds: %s", rounds)
    return people, sink, first


def test_everyone_who_can_be_reached_is_reached_once(delivered, faults):
    people, sink, _ = delivered

    copies = Counter(sink.recipients)

    assert copies.keys() == set(people) - {UNKNOWN}
    assert {address for address, count in copies.items() if count > 1} == {faults.dropped}
    assert copies[faults.dropped] == 2


def test_what_was_sent_twice_says_so_by_its_message_id(delivered, faults):
    _, sink, _ = delivered

    twice = [each for each in sink.taken if each.recipient == faults.dropped]

    assert len({each.message_id for each in twice}) == 1
    assert len({each.content for each in twice}) == 1


def test_the_first_round_says_that_work_is_left_and_repeats_the_servers_words(delivered):
    _, _, first = delivered

    assert first.code == 1
    assert "to be tried again" in first.out
    assert "greylisted, come back in five minutes" in first.out
    assert "@example.net" not in first.out + first.err


def test_only_the_unknown_address_is_suppressed(delivered, digest):
    assert digest.rows("SELECT email FROM subscribers WHERE status = 'suppressed'") == [(UNKNOWN,)]
    assert digest.outbox() == {"sent": PEOPLE - 1, "failed": 1}


def test_the_ledger_keeps_every_attempt_with_the_servers_words(delivered, digest, faults):
    told = attempts(digest)

    assert told[UNKNOWN][-1] == (
        Outcome.REFUSED,
        550,
        "RCPT: 5.1.1 <address>: Recipient address rejected: no such user",
    )
    greylisted = (
        Outcome.DEFERRED,
        451,
        "RCPT: 4.7.1 <address>: greylisted, come back in five minutes",
    )
    spared = {faults.kept_waiting}
    assert all(greylisted in told[each] for each in GREYLISTED - spared)
    assert told[faults.dropped][-2] == (
        Outcome.DEFERRED,
        0,
        "connection lost after DATA: outcome unknown",
    )
    assert all(
        attempts[-1] == (Outcome.ACCEPTED, 250, "2.0.0 Ok: queued")
        for email, attempts in told.items()
        if email != UNKNOWN
    )
    assert "@" not in str(list(told.values()))


def attempts(digest):
    """What came of each attempt, oldest first, by address."""
    store = open_store(digest.db)
    receipts = store.ledger.deliveries(since=datetime(2026, 1, 1, tzinfo=UTC), limit=1000)
    people = store.subscribers.get({person_id for _, person_id in receipts})
    store.close()
    told = {}
    for receipt, person_id in reversed(receipts):
        told.setdefault(people[person_id].email, []).append(
            (receipt.outcome, receipt.code, receipt.reply)
        )
    return told
