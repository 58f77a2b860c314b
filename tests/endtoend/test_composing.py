"""Whoever is killed while an edition is composed in several processes: everybody has one digest."""

import os
import signal

import pytest

pytestmark = pytest.mark.slow

PEOPLE = 150
DELIVER = ("deliver", "--date", "2026-06-11")


@pytest.fixture
def half_way(digest, eventually, below):
    """Start composing, one reader at a time so that it takes a while, and come back half-way."""
    digest.settings |= {"DIGEST_RANKING_PROCESSES": "2", "DIGEST_RANKING_BLOCK": "1"}
    digest.ready(PEOPLE)

    def start():
        there = composed(digest)
        process = digest.start(*DELIVER)
        assert eventually(lambda: composed(digest) >= there + 8, 30)
        assert composed(digest) < PEOPLE
        return process, below(process.pid)

    return start


def test_when_composing_processes_are_killed_the_one_that_started_them_does_the_rest(
    digest, half_way
):
    process, children = half_way()
    assert len(children) == 2
    for each in children:
        os.kill(each, signal.SIGKILL)

    assert process.wait(timeout=60) == 0
    assert digest.outbox() == {"sent": PEOPLE}
    assert composed(digest) == PEOPLE


def test_when_the_one_that_started_them_is_killed_they_end_and_the_next_one_goes_on(
    digest, half_way, eventually, is_running
):
    process, children = half_way()
    process.kill()
    process.wait()
    assert eventually(lambda: not any(map(is_running, children)), 30)
    left = PEOPLE - composed(digest)

    assert digest(*DELIVER).out.startswith(f"{left} digests composed; {PEOPLE} sent")
    assert digest.outbox() == {"sent": PEOPLE}


def test_when_one_of_two_who_compose_at_once_is_killed_with_a_process_of_the_other(
    digest, half_way
):
    process, (child, _) = half_way()
    other = digest.start(*DELIVER)
    os.kill(child, signal.SIGKILL)
    process.kill()
    process.wait()

    assert other.wait(timeout=60) in (0, 1)
    assert composed(digest) == PEOPLE
    assert sum(digest.outbox().values()) == PEOPLE


def composed(digest):
    return digest.rows("SELECT count(*) FROM digests")[0][0]
