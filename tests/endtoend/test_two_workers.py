"""Several workers on one database: everyone gets one mail, and all stop when asked."""

import logging
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)

PEOPLE = 100
STOPPING_SECONDS = 60  # a tick ends with what it writes, however slow the disk


@pytest.fixture
def due(digest):
    """Readers whose hour has just come, and a list that was published today."""
    noon = datetime.now(UTC) - timedelta(hours=12)
    people = digest.ready(PEOPLE, "--at", noon.date().isoformat())
    just_now = f"{datetime.now(UTC) - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S.000000Z}"
    digest.rows("UPDATE subscribers SET due_at = ? RETURNING 1", just_now)
    return people


@pytest.fixture
def workers(digest, eventually):
    """Run workers until the outbox is empty and they have looked again; returns exit codes."""

    def settled():
        return digest.outbox() == {"sent": PEOPLE}

    def run(number, **settings):
        settings |= {"DIGEST_WORKER_TICK": "1", "DIGEST_SMTP_BLOCK": "10"}
        running = [digest.start("worker", **settings) for _ in range(number)]
        assert eventually(settled)
        assert not eventually(lambda: any(each.poll() is not None for each in running), 2.5)
        for each in running:
            each.send_signal(signal.SIGTERM)
        return [each.wait(timeout=STOPPING_SECONDS) for each in running]

    return run


@pytest.mark.parametrize("number", [2, 4])
def test_each_reader_gets_one_mail_from_several_workers(digest, due, serve, workers, number):
    sink = serve(pause=0.05 * number)

    codes = workers(number, DIGEST_SMTP_URL=sink.url)

    shares = Counter(each.peer for each in sink.taken)
    log.info("mails a connection: %s", sorted(shares.values()))
    assert len(shares) == number, "each took part"
    assert Counter(sink.recipients) == Counter(due)
    assert len({each.message_id for each in sink.taken}) == PEOPLE
    assert all(b"dual encoder" in each.content for each in sink.taken)
    assert codes == [0] * number
    assert digest.outbox() == {"sent": PEOPLE}


def test_each_reader_finds_one_mail_in_a_maildir_that_two_workers_share(
    digest, due, workers, tmp_path
):
    codes = workers(2)

    mails = [each.read_text() for each in (tmp_path / "maildir" / "new").iterdir()]
    addressed = (line for mail in mails for line in mail.splitlines() if line.startswith("To: "))
    assert Counter(addressed) == Counter(f"To: {each}" for each in due)
    # A Maildir hides a repeat, which replaces the first copy; the ledger does not.
    attempts = "SELECT count(*), max(attempt), count(DISTINCT digest) FROM deliveries"
    assert digest.rows(attempts) == [(PEOPLE, 1, PEOPLE)]
    assert codes == [0, 0]


def test_a_worker_stopped_half_way_finishes_its_block_and_leaves_the_rest_to_the_next(
    digest, due, serve, workers
):
    def stop_at_the_25th(stage, _address):
        if stage == "TAKEN" and len(sink.taken) == 25:
            first.send_signal(signal.SIGTERM)

    sink = serve(stop_at_the_25th)
    settings = {"DIGEST_SMTP_URL": sink.url, "DIGEST_SMTP_BLOCK": "10"}
    first = digest.start("worker", **settings)

    assert first.wait(timeout=60) == 0
    assert digest.outbox() == {"sent": 30, "queued": PEOPLE - 30}
    assert workers(1, DIGEST_SMTP_URL=sink.url) == [0]
    assert Counter(sink.recipients) == Counter(due)


def test_what_a_killed_worker_had_in_hand_is_sent_by_another_and_little_of_it_twice(
    digest, due, serve, workers
):
    def kill_at_the_25th(stage, _address):
        if stage == "TAKEN" and len(sink.taken) == 25:
            first.kill()

    sink = serve(kill_at_the_25th)
    first = digest.start("worker", DIGEST_SMTP_URL=sink.url, DIGEST_SMTP_BLOCK="10")

    assert first.wait(timeout=60) == -signal.SIGKILL
    ((in_flight,),) = digest.rows("SELECT count(*) FROM outbox WHERE going_out IS NOT NULL")
    digest.rows("UPDATE claims SET until = '2000-01-01T00:00:00.000000Z' RETURNING 1")
    assert workers(2, DIGEST_SMTP_URL=sink.url) == [0, 0]

    copies = Counter(sink.recipients)
    assert copies.keys() == set(due)
    assert 0 < copies.total() - PEOPLE <= in_flight <= 10
    assert len({each.message_id for each in sink.taken}) == PEOPLE
    assert len({each.content for each in sink.taken}) == PEOPLE
