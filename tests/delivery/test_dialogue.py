"""Handing content over: what goes when the system takes only part of it at once."""

from __future__ import annotations

import smtplib
from io import BytesIO

import pytest

from digest.delivery.dialogue import _hand_content, hand_over
from digest.delivery.wire import prepare
from digest.model import Outcome

DATA, DOT = b"12345\n", b".\r\n"
AHEAD = [b"", b"MAIL FROM:<>\r\n"]


class Narrow:
    """A connection that takes so many bytes at once, and all of what is sent after that."""

    def __init__(self, at_once):
        self.at_once, self.taken = at_once, b""

    def sendmsg(self, parts):
        first = b"".join(parts)[: self.at_once]
        self.taken += first
        return len(first)

    def sendall(self, rest):
        self.taken += rest


@pytest.fixture
def client():
    return smtplib.SMTP()


@pytest.mark.parametrize("behind", AHEAD)
@pytest.mark.parametrize("at_once", range(len(DATA) + len(DOT) + len(AHEAD[1]) + 1))
def test_wherever_the_system_stops_taking_every_byte_goes_once(client, at_once, behind):
    client.sock = Narrow(at_once)

    assert _hand_content(client, DATA, lambda: True, behind)

    assert client.sock.taken == DATA + DOT + behind


@pytest.mark.parametrize("at_once", range(len(DATA) + len(DOT)))
def test_the_rest_of_the_dot_is_not_sent_once_the_lease_is_gone(client, at_once):
    client.sock = Narrow(at_once)
    answers = [True, False]

    assert not _hand_content(client, DATA, lambda: answers.pop(0), b"MAIL FROM:<>\r\n")

    assert DATA + DOT not in client.sock.taken


class Lost(Narrow):
    """A connection that breaks at the final dot, after the server has `said` something more."""

    def __init__(self, at_once, said, error):
        super().__init__(at_once)
        self.said, self.error = b"250 ok\r\n250 ok\r\n354 go ahead\r\n" + said, error

    def sendall(self, rest):
        if rest:
            raise self.error

    def makefile(self, mode):
        return BytesIO(self.said)

    def close(self):
        pass


@pytest.mark.parametrize(
    ("said", "outcome", "text", "unknown"),
    [
        (b"", Outcome.DEFERRED, "connection lost after DATA: outcome unknown", True),
        (b"421 4.3.2 going\r\n", Outcome.DEFERRED, "after DATA: 4.3.2 going", False),
        (b"250 2.0.0 queued\r\n", Outcome.ACCEPTED, "2.0.0 queued", False),
    ],
)
def test_of_a_connection_lost_at_the_final_dot_the_answer_tells_if_one_came(
    client, message, said, outcome, text, unknown
):
    ready = prepare(message())
    client.sock = Lost(len(ready.data), said, BrokenPipeError())

    reply = hand_over(client, ready, lambda: True, announced=True)

    assert (reply.outcome, reply.text, reply.unknown) == (outcome, text, unknown)
    assert not reply.unsent


def test_a_server_that_took_its_whole_time_to_take_the_dot_has_none_left_to_answer(client, message):
    ready = prepare(message())
    client.sock = Lost(len(ready.data), b"250 2.0.0 queued\r\n", TimeoutError())

    reply = hand_over(client, ready, lambda: True, announced=True)

    assert (reply.closed, reply.unknown) == (True, True)
