"""Handing content over: what goes when the system takes only part of it at once."""

from __future__ import annotations

import smtplib

import pytest

from digest.delivery.dialogue import _hand_content

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
