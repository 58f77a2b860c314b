"""The ways out."""

import json
import sqlite3
from datetime import UTC, datetime, time, timedelta

import pytest

from digest import subscriptions
from digest.model import (
    Digest,
    Evidence,
    EvidenceKind,
    FeedbackKind,
    Letter,
    Outcome,
    Pick,
    Reason,
    ReasonKind,
    Receipt,
    Status,
    SuppressionReason,
    Via,
)


def test_unsubscribing_ends_it_and_may_be_repeated(store, subscribe, now):
    person = subscribe()
    ended = subscriptions.unsubscribe(store, person, now=now)
    assert (ended.status, ended.due_at) == (Status.UNSUBSCRIBED, None)
    assert subscriptions.unsubscribe(store, ended, now=now) == ended
    assert subscribe().status is Status.ACTIVE


def test_ending_a_subscription_undoes_nothing_that_changed_meanwhile(store, subscribe, now):
    stale = subscribe()
    subscribe(at="9:00")
    assert subscriptions.unsubscribe(store, stale, now=now).at == time(9)
    assert store.subscribers.by_email(stale.email).at == time(9)


def test_who_is_suppressed_is_sent_nothing_and_can_leave_too(store, subscribe, now):
    person = subscribe()
    store.subscribers.set_status(person.id, Status.SUPPRESSED)
    assert store.subscribers.due(datetime(2030, 1, 1, tzinfo=UTC), limit=10) == []
    assert subscriptions.unsubscribe(store, person, now=now).status is Status.UNSUBSCRIBED


def test_a_new_key_ends_the_old_links_and_nothing_else(store, subscribe):
    person = subscribe(at="9:00")
    renewed = subscriptions.revoke(store, person)
    assert renewed.key != person.key
    assert (renewed.id, renewed.at, renewed.due_at) == (person.id, person.at, person.due_at)


@pytest.fixture
def lively(store, subscribe, paper, now):
    """Someone about whom there is something of everything."""
    person = subscribe(topics=["cs.IR"], keywords=["maps"], name="Ada Reader")
    shown = paper(1)
    digest = Digest(
        id=f"{person.id}.2026-06-10",
        subscriber_id=person.id,
        edition="2026-06-10",
        since=now - timedelta(days=1),
        until=now,
        picks=(
            Pick(
                paper_id=shown.id,
                score=1.5,
                reasons=(Reason(kind=ReasonKind.TOPIC, what="cs.IR", amount=1.5),),
            ),
        ),
        composed_at=now,
    )
    store.ledger.compose(
        [(digest, now + timedelta(hours=18))],
        next_due={},
        send_from={digest.id: now},
        message_ids={digest.id: "<a@example.org>"},
    )
    (envelope,) = store.ledger.claim(now, owner="one", limit=1, lease=60)
    refused = Receipt(
        digest_id=digest.id,
        outcome=Outcome.DEFERRED,
        code=452,
        reply="4.2.2 ada@example.org is over quota",
        at=now,
        retry_at=now + timedelta(hours=1),
    )
    store.ledger.settle([refused], lease=envelope.lease)
    for kind in (FeedbackKind.SAVE, FeedbackKind.UPVOTE):
        subscriptions.give(store, person, kind, paper=shown, via=Via.MAIL, now=now)
    put = subscriptions.submit(store, person, "2606.00001", "Worth an hour", a_day=5, now=now)
    subscriptions.decide(store, None, put.id, feature=False, line="Off topic", now=now)
    letter = Letter(
        id=f"answer.{person.id}",
        kind="answer",
        sender="",
        recipient=person.email,
        content=f"Your key: {person.key}".encode(),
        at=now,
        expires_at=now + timedelta(days=1),
    )
    store.post.put([letter])
    subscriptions.ask_address(store, person, "ada@new.example", now=now)
    evidence = Evidence(
        id="e1",
        kind=EvidenceKind.SOFT_BOUNCE,
        subscriber_id=person.id,
        status="4.2.2",
        detail="mailbox full",
        raw=b"To: ada@example.org\r\n\r\nfull",
        at=now,
    )
    subscriptions.bounce(store, evidence, soft_bounces=5, soft_days=30, now=now)
    return store.subscribers.get([person.id])[person.id]


def test_an_export_holds_everything_and_is_json(store, lively):
    exported = json.loads(json.dumps(subscriptions.export(store, lively)))

    assert exported["profile"]["email"] == "ada@example.org"
    assert exported["profile"]["at"] == "07:00:00"
    assert {(each["kind"], each["value"], each["weight"]) for each in exported["interests"]} == {
        ("topic", "cs.IR", 1.0),
        ("keyword", "maps", 1.0),
        ("like", "arxiv:2606.00001", 1.5),
    }
    assert [each["kind"] for each in exported["feedback"]] == ["upvote", "save"]
    (digest,) = exported["digests"]
    assert digest["edition"] == "2026-06-10"
    assert digest["picks"] == [
        {
            "rank": 1,
            "title": "On the retrieval of things of kind 1",
            "paper_id": "arxiv:2606.00001",
            "score": 1.5,
            "reasons": [{"kind": "topic", "what": "cs.IR", "amount": 1.5, "words": []}],
            "team": "",
        }
    ]
    assert exported["votes"] == ["arxiv:2606.00001"]
    assert [each["line"] for each in exported["submissions"]] == ["Worth an hour"]
    assert exported["change_of_address"]["email"] == "ada@new.example"
    assert [each["detail"] for each in exported["mail_evidence"]] == ["mailbox full"]
    assert exported["suppression"] is None
    assert digest["state"] == "retry"
    (attempt,) = exported["deliveries"]
    assert (attempt["digest_id"], attempt["code"]) == (digest["id"], 452)
    assert attempt["reply"] == "4.2.2 ada@example.org is over quota"
    assert [(each["action"], each["note"]) for each in exported["moderation"]] == [
        ("reject", "Off topic")
    ]
    assert [(each["kind"], each["recipient"]) for each in exported["letters_waiting"]] == [
        ("answer", "ada@example.org")
    ]


def test_an_export_holds_what_was_asked_for_in_the_name_of_who_had_left(
    store, subscribe, sign_up, now
):
    person = subscriptions.unsubscribe(store, subscribe(), now=now)
    assert subscriptions.export(store, person)["asked_for_since_leaving"] is None
    sign_up(keywords=["maps"], limit=9)
    exported = json.loads(json.dumps(subscriptions.export(store, person)))
    asked = exported["asked_for_since_leaving"]
    assert ([each["value"] for each in asked["interests"]], asked["limit"]) == (["maps"], 9)


def test_an_export_says_what_is_not_in_it(store, subscribe):
    exported = subscriptions.export(store, subscribe())

    assert any("key" in each for each in exported["left_out"])
    assert any("copies of the database" in each for each in exported["left_out"])
    assert any("an address you wish to move to" in each for each in exported["left_out"])


def test_an_export_holds_no_secret_and_nothing_of_others(store, lively, subscribe, paper, now):
    bo = subscribe("bo@example.org", keywords=["penguins"])
    paper(2)
    subscriptions.submit(store, bo, "2606.00002", "Bo's line", a_day=5, now=now)
    text = json.dumps(subscriptions.export(store, lively))
    assert lively.key not in text
    assert "penguins" not in text
    assert "Bo's line" not in text


def test_erasing_leaves_only_a_salted_hash(store, lively, tmp_path, now):
    for _ in range(2):
        subscriptions.erase(store, lively, now=now)

    assert store.subscribers.get([lively.id]) == {}
    assert subscriptions.suppression(store, lively.email) is SuppressionReason.ERASED
    with sqlite3.connect(tmp_path / "digest.db") as db:
        dump = "\n".join(db.iterdump())
    for trace in (lively.id, "ada@", "Ada Reader", lively.key, "Worth an hour"):
        assert trace not in dump, trace


def test_erasing_does_not_lighten_why_we_must_not_write(store, subscribe, now):
    person = subscribe()
    hashed = subscriptions.address_hash(store, person.email)
    store.post.suppress(hashed, SuppressionReason.COMPLAINED, now)
    subscriptions.erase(store, person, now=now)
    assert store.post.suppression(hashed) is SuppressionReason.COMPLAINED
