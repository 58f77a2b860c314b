"""kill -9 at awkward moments: nobody is lost, and what repeats is little and recognisable."""

import asyncio
import logging
import os
import random
import signal
from collections import Counter
from itertools import accumulate

import pytest

pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)

PEOPLE, BLOCK, GROUP = 300, 200, 50
DELIVER = ("deliver", "--date", "2026-06-11")
COMPOSED = ("COMPOSED", 0)
SETTLING = ("ANSWERED", GROUP)
LONG_AGO = "2000-01-01T00:00:00.000000Z"
RUN_OUT = "UPDATE claims SET until = ? RETURNING 1"
GOING_OUT = "SELECT count(*) FROM outbox WHERE state = 'sending' AND going_out IS NOT NULL"


@pytest.fixture
def killer():
    """Decides, message by message, whether the sender dies now; seeded, so always the same.

    RCPT: before the message is handed over. TAKEN: handed over, not yet acknowledged.
    ANSWERED: acknowledged a moment ago, while the sender goes on or settles.
    """
    return Killer(random.Random(11))


class Killer:
    def __init__(self, chance):
        self.chance = chance
        stages = ("RCPT", "TAKEN", "TAKEN", "ANSWERED")
        self.moments = [COMPOSED, *((each, chance.randint(1, 90)) for each in stages), SETTLING]
        self.victim, self.stage, self.countdown, self.taken = 0, "", 0, 0
        self.sink = None

    def aim(self, process, moment):
        self.victim, (self.stage, self.countdown) = process.pid, moment

    def __call__(self, stage, _address):
        self.taken += stage == "TAKEN"
        if stage == "TAKEN" and self.stage == "ANSWERED":
            self.countdown -= 1
            if self.countdown == 0:
                asyncio.get_running_loop().call_later(self.chance.uniform(0, 0.003), self.kill)
        elif stage == self.stage:
            self.countdown -= 1
            if self.countdown == 0:
                self.kill()

    def kill(self):
        os.kill(self.victim, signal.SIGKILL)


def test_a_sender_killed_again_and_again_loses_nobody(digest, serve, eventually, killer):
    people = digest.ready(PEOPLE)
    sink = serve(killer)
    unsettled, repeated = [], []

    for moment in killer.moments:
        before = len(sink.taken)
        process = digest.start(*DELIVER, DIGEST_SMTP_URL=sink.url, DIGEST_SMTP_BLOCK=str(BLOCK))
        if moment == COMPOSED:
            assert eventually(lambda: digest.rows("SELECT 1 FROM digests LIMIT 1"))
            process.kill()
        else:
            killer.aim(process, moment)
        assert process.wait(timeout=60) == -signal.SIGKILL
        repeated.append(repeats(sink.taken, before))
        unsettled.append(digest.rows(GOING_OUT)[0][0])
        digest.rows(RUN_OUT, LONG_AGO)
    killer.stage = ""
    before = len(sink.taken)
    last = digest(*DELIVER, DIGEST_SMTP_URL=sink.url)
    repeated.append(repeats(sink.taken, before))

    log.info("unsettled after each kill %s, repeated in each run %s", unsettled, repeated)
    assert last.code == 0, last.err
    copies = Counter(sink.recipients)
    assert copies.keys() == set(people)
    assert digest.outbox() == {"sent": PEOPLE}
    assert max(unsettled) <= GROUP
    so_far = zip(accumulate(repeated[1:]), accumulate(unsettled), strict=True)
    assert all(again <= left for again, left in so_far), "those in doubt go last"
    assert sum(repeated) == copies.total() - PEOPLE


def test_repeats_are_the_same_message_byte_for_byte(digest, serve, killer):
    digest.ready(20)
    sink = serve(killer)
    process = digest.start(*DELIVER, DIGEST_SMTP_URL=sink.url)
    killer.aim(process, ("TAKEN", 12))
    assert process.wait(timeout=60) == -signal.SIGKILL
    killer.stage = ""

    assert digest(*DELIVER, DIGEST_SMTP_URL=sink.url).code == 0
    assert len(sink.taken) == 12, "a block under a lease is left alone"
    digest.rows(RUN_OUT, LONG_AGO)
    assert digest(*DELIVER, DIGEST_SMTP_URL=sink.url).code == 0

    assert len(sink.taken) <= 32, "what was settled before the kill is not repeated"
    assert len({each.recipient for each in sink.taken}) == 20
    assert len({each.message_id for each in sink.taken}) == 20
    assert len({each.content for each in sink.taken}) == 20


def repeats(taken, since):
    """How many messages from this one on had come before."""
    known = Counter(each.message_id for each in taken[:since])
    return sum(each.message_id in known for each in taken[since:])
