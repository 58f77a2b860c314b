"""Messages are made when they are asked for, and signed by others in the meantime."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from digest.errors import ConfigError, InvalidInput
from digest.model import Digest, Envelope, Message, Outcome, Status, Subscriber
from digest.pipeline.making import AHEAD, Making, Signing

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
PEOPLE = 20


def envelope(number):
    digest = Digest(
        id=f"s_{number}.2026-06-10",
        subscriber_id=f"s_{number}",
        edition="2026-06-10",
        since=NOW,
        until=NOW,
        composed_at=NOW,
    )
    person = Subscriber(
        id=f"s_{number}",
        email=f"{number}@example.org",
        status=Status.ACTIVE,
        key="00",
        created_at=NOW,
    )
    return Envelope(
        digest=digest,
        subscriber=person,
        message_id=f"<{digest.id}@example.org>",
        expires_at=NOW + timedelta(days=1),
        lease="1",
    )


GROUP = [envelope(number) for number in range(PEOPLE)]
IDS = [each.digest.id for each in GROUP]


def rendered(envelope):
    return Message(
        digest_id=envelope.digest.id,
        sender="us@example.org",
        recipient=envelope.subscriber.email,
        content=f"Subject: {envelope.digest.id}\r\n\r\nhi\r\n".encode(),
        ready=4,
    )


def signed(content, _now):
    return b"DKIM-Signature: x\r\n" + content


@dataclass
class Halves:
    """A message whose signature is what some function makes of it."""

    sign: Callable
    content: bytes
    now: datetime

    def seal(self):
        return self.sign(self.content, self.now)

    def finish(self, seal):
        return seal


@pytest.fixture
def signing():
    """Makes the way to sign by a function."""
    with ThreadPoolExecutor(2) as pool:
        yield lambda sign: Signing(begin=partial(Halves, sign), pool=pool, clock=lambda: NOW)


def making(render=rendered, signing=None):
    return Making(render, GROUP, now=NOW, signing=signing)


def test_nothing_is_made_before_it_is_asked_for():
    made = []

    def render(envelope):
        made.append(envelope.digest.id)
        return rendered(envelope)

    messages = iter(making(render))

    assert made == []
    assert next(messages).digest_id == IDS[0]
    assert made == IDS[:1]


def test_messages_are_signed_by_others_a_few_ahead_and_keep_their_order(signing):
    made, signers = [], set()

    def render(envelope):
        made.append(envelope.digest.id)
        return rendered(envelope)

    def sign(content, now):
        assert now == NOW
        signers.add(threading.get_ident())
        return signed(content, now)

    messages = iter(making(render, signing(sign)))
    first = next(messages)
    assert len(made) == AHEAD + 1
    everything = [first, *messages]

    assert [each.digest_id for each in everything] == IDS
    assert [each.content for each in everything] == [
        signed(rendered(each).content, NOW) for each in GROUP
    ]
    assert {each.ready for each in everything} == {4}
    assert threading.get_ident() not in signers


@pytest.mark.parametrize("step", ["render", "begin", "seal", "finish"])
def test_what_cannot_be_made_is_left_out_and_told(signing, step):
    def at_fault(digest_id):
        if digest_id == IDS[3]:
            raise InvalidInput("An address cannot be written.")
        if digest_id == IDS[5]:
            raise RuntimeError

    def render(envelope):
        if step == "render":
            at_fault(envelope.digest.id)
        return rendered(envelope)

    def begin(content, now):
        def faulty(*given):
            at_fault(content.split(b"\r\n")[0].removeprefix(b"Subject: ").decode())
            return whole(*given)

        halves = Halves(signed, content, now)
        whole = getattr(halves, step, lambda: halves)
        if step == "begin":
            return faulty()
        setattr(halves, step, faulty)
        return halves

    group = making(render, replace(signing(signed), begin=begin))
    made = [each.digest_id for each in group]

    assert made == [each for each in IDS if each not in (IDS[3], IDS[5])]
    assert [(each.digest_id, each.outcome) for each in group.failed] == [
        (IDS[3], Outcome.REFUSED),
        (IDS[5], Outcome.DEFERRED),
    ]
    assert group.unmade == []
    assert group.fault is None


def test_a_wrong_setting_ends_the_group_and_says_what_nobody_can_have_sent(signing):
    def render(envelope):
        if envelope.digest.id == IDS[8]:
            raise ConfigError("mail.from is wrong.")
        return rendered(envelope)

    for group in (making(render), making(render, signing(signed))):
        assert [each.digest_id for each in group] == IDS[:8]
        assert group.unmade == IDS[8:]
        assert isinstance(group.fault, ConfigError)
        assert group.failed == []
