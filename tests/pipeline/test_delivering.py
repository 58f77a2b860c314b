"""Delivering: what is due goes out once, what fails is tried again or recorded."""

import random
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest

from digest import subscriptions
from digest.model import EvidenceKind, Outcome, Status, Voice
from digest.pipeline import delivering
from digest.testing import MemoryTransport

NOON = datetime(2026, 6, 9, 12, tzinfo=UTC)


@pytest.fixture
def deliver(application):
    def run(transport):
        return delivering.deliver(
            application.store,
            transport,
            application.renderer,
            clock=application.clock,
            rng=random.Random(1),
            owner="w1",
            block=2,
            bounced=application.bounced,
        )

    return run


@pytest.fixture
def composed(application, subscribe, item):
    """Five readers with a digest each, waiting to be sent."""
    application.store.papers.ingest([item(1), item(2)])
    people = [subscribe(f"reader{number}@example.org") for number in range(5)]
    application.compose_edition("2026-06-10")
    return people


def outbox(application):
    return {state: count for state, count in application.store.ledger.counts().items() if count}


def test_everything_due_is_sent_once(application, composed, deliver):
    transport = MemoryTransport()
    assert deliver(transport).accepted == 5
    assert deliver(transport).accepted == 0
    assert sorted(each.recipient for each in transport.sent) == [each.email for each in composed]
    assert outbox(application) == {"sent": 5}


def test_the_same_digest_always_has_the_same_message_id(application, composed, deliver):
    transport = MemoryTransport()
    deliver(transport)
    for message in transport.sent:
        parsed = message_from_bytes(message.content, policy=policy.default)
        assert parsed["message-id"] == f"<{message.digest_id}@digest.example>"


def test_a_deferred_digest_is_tried_again_later(application, composed, deliver):
    busy = {composed[0].email: (Outcome.DEFERRED, 451, "4.3.0 try again later")}
    first = deliver(MemoryTransport(answers=busy))
    assert (first.accepted, first.deferred) == (4, 1)
    assert outbox(application) == {"sent": 4, "retry": 1}

    again = MemoryTransport()
    assert deliver(again).accepted == 0
    application.moment[0] += timedelta(hours=3)
    assert deliver(again).accepted == 1


def test_a_digest_past_its_window_is_not_sent_late(application, composed, deliver):
    application.moment[0] += timedelta(days=2)
    transport = MemoryTransport()
    assert deliver(transport).accepted == 0
    assert transport.sent == []
    assert outbox(application) == {"expired": 5}


def test_an_address_that_does_not_exist_is_not_written_to_again(application, composed, deliver):
    gone = {composed[0].email: (Outcome.REFUSED, 550, "5.1.1 no such user")}
    result = deliver(MemoryTransport(answers=gone))
    assert (result.refused, result.suppressed) == (1, 1)
    person = application.store.subscribers.by_email(composed[0].email)
    assert person.status is Status.SUPPRESSED


def test_a_refusal_of_the_message_is_recorded_but_does_not_end_the_subscription(
    application, composed, deliver
):
    refused = {composed[0].email: (Outcome.REFUSED, 554, "5.7.1 looks like spam")}
    result = deliver(MemoryTransport(answers=refused))
    assert (result.refused, result.suppressed) == (1, 0)
    assert result.causes == ("5.7.1 looks like spam",)
    assert application.store.subscribers.by_email(composed[0].email).status is Status.ACTIVE


def test_what_a_server_refuses_is_kept_as_evidence_in_its_own_words_without_addresses(
    application, composed, deliver
):
    gone, full = composed[:2]
    deliver(
        MemoryTransport(
            answers={
                gone.email: (Outcome.REFUSED, 550, f"5.1.1 no such user <{gone.email}>"),
                full.email: (Outcome.REFUSED, 552, "5.2.2 mailbox full"),
            }
        )
    )

    evidence = {each.subscriber_id: each for each in application.store.post.evidences()}
    hard, soft = evidence[gone.id], evidence[full.id]
    assert (hard.kind, hard.status, hard.raw) == (EvidenceKind.HARD_BOUNCE, "5.1.1", b"")
    assert (soft.kind, soft.status) == (EvidenceKind.SOFT_BOUNCE, "5.2.2")
    assert hard.digest_id == f"{gone.id}.2026-06-10"
    assert hard.id == f"{gone.id}.2026-06-10.1"
    assert hard.detail.startswith("5.1.1 no such user <address>")
    assert len(evidence) == 2


def test_an_operator_can_undo_what_a_refusal_did(application, composed, deliver):
    gone = {composed[0].email: (Outcome.REFUSED, 550, "5.1.1 no such user")}
    deliver(MemoryTransport(answers=gone))
    (evidence,) = application.store.post.evidences()

    subscriptions.undo_bounce(application.store, evidence.id, now=application.clock())

    assert application.store.subscribers.by_email(composed[0].email).status is Status.ACTIVE


def test_a_server_that_refuses_almost_everyone_speaks_of_us_and_nothing_is_held_against_readers(
    application, subscribe, item
):
    application.store.papers.ingest([item(1)])
    people = [subscribe(f"many{number}@example.org") for number in range(12)]
    application.compose_edition("2026-06-10")
    blocked = MemoryTransport(
        answers={each.email: (Outcome.REFUSED, 554, "5.7.1 your IP is blocked") for each in people}
    )

    result = delivering.deliver(
        application.store,
        blocked,
        application.renderer,
        clock=application.clock,
        rng=random.Random(1),
        owner="w1",
        block=50,
        bounced=application.bounced,
    )

    assert (result.deferred, result.refused) == (12, 0)
    assert application.store.post.evidences() == []


def test_who_speaks_for_a_paper_is_named_in_the_mail(application, composed, deliver, monkeypatch):
    def voices(paper_ids):
        (first, *_) = sorted(paper_ids)
        return {first: [Voice(paper_id=first, name="Bo", line="Worth it.", curator=True, at=NOON)]}

    monkeypatch.setattr(application.store.community, "voices", voices)
    transport = MemoryTransport()
    deliver(transport)

    message = message_from_bytes(transport.sent[0].content, policy=policy.default)
    assert "Picked by Bo: Worth it." in message.get_body(("plain",)).get_content()


class Crash(Exception):
    """The process dies."""


class CrashingTransport(MemoryTransport):
    """Accepts one message and dies on the second."""

    def send(self, messages, now):
        for number, receipt in enumerate(super().send(messages, now)):
            if number == 1:
                raise Crash
            yield receipt


def test_a_crash_loses_nothing_and_repeats_at_most_what_was_in_flight(
    application, composed, deliver
):
    crashing = CrashingTransport()
    with pytest.raises(Crash):
        deliver(crashing)
    after = MemoryTransport()
    deliver(after)
    ids = [each.digest_id for each in (*crashing.sent, *after.sent)]
    assert len(set(ids)) == 5
    assert len(ids) <= 6


def test_someone_who_left_before_sending_gets_nothing(application, composed, deliver):
    from digest import subscriptions

    subscriptions.unsubscribe(application.store, composed[0])
    transport = MemoryTransport()
    deliver(transport)
    assert composed[0].email not in {each.recipient for each in transport.sent}


def test_one_digest_that_cannot_be_rendered_does_not_hold_up_the_others(
    application, composed, deliver, monkeypatch
):
    renderer = application.renderer

    def faulty(material):
        render = renderer(material)

        def maybe(envelope):
            if envelope.subscriber.id == composed[0].id:
                raise RuntimeError
            return render(envelope)

        return maybe

    monkeypatch.setattr(application, "renderer", faulty)
    result = deliver(MemoryTransport())
    assert (result.accepted, result.deferred) == (4, 1)


def test_a_transport_that_says_nothing_does_not_hold_us_for_ever(application, composed, deliver):
    class Silent(MemoryTransport):
        def send(self, messages, now):
            return iter(())

    assert deliver(Silent()).accepted == 0
    assert outbox(application) == {"queued": 5}


def test_stopping_finishes_the_block_in_hand(application, composed):
    asked = iter([False, True])
    result = delivering.deliver(
        application.store,
        MemoryTransport(),
        application.renderer,
        clock=application.clock,
        rng=random.Random(1),
        owner="w1",
        block=2,
        bounced=application.bounced,
        stopping=lambda: next(asked),
    )
    assert result.accepted == 2
    assert outbox(application)["queued"] == 3


def test_two_workers_share_the_work_without_sharing_a_message(application, composed, tmp_path):
    first = application.store.ledger.claim(
        datetime(2026, 6, 10, 7, tzinfo=UTC), owner="w1", limit=3, lease=60
    )
    second = application.store.ledger.claim(
        datetime(2026, 6, 10, 7, tzinfo=UTC), owner="w2", limit=3, lease=60
    )
    assert len(first) == 3
    assert len(second) == 2
    assert not {each.digest.id for each in first} & {each.digest.id for each in second}


class SlowTransport(MemoryTransport):
    """Takes four minutes for each message."""

    moment: list

    def send(self, messages, now):
        for receipt in super().send(messages, now):
            self.moment[0] += timedelta(minutes=4)
            yield receipt


def test_a_slow_server_does_not_have_us_outlive_our_lease(application, composed):
    transport = SlowTransport()
    transport.moment = application.moment
    first = application.moment[0]
    delivering.deliver(
        application.store,
        transport,
        application.renderer,
        clock=application.clock,
        rng=random.Random(1),
        owner="w1",
        block=50,
        bounced=application.bounced,
        stopping=lambda: application.moment[0] > first,
    )
    assert len(transport.sent) == 2
    assert outbox(application) == {"sent": 2, "queued": 3}


def test_a_wrong_setting_fails_no_digest(application, composed, deliver, monkeypatch):
    from digest.errors import ConfigError

    def misconfigured(_material):
        def render(_envelope):
            raise ConfigError("mail.from is wrong.")

        return render

    monkeypatch.setattr(application, "renderer", misconfigured)
    with pytest.raises(ConfigError):
        deliver(MemoryTransport())
    assert outbox(application) == {"queued": 5}
