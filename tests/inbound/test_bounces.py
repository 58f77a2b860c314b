"""Bounces and complaints: whom they are about, what follows, and what is only kept."""

import pytest

from digest.errors import RetryLater
from digest.inbound import bounces, read
from digest.model import EvidenceKind

NOTICE = """\
--b
Content-Type: text/plain

Your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} no

--b
Content-Type: message/rfc822

{returned}
--b--
"""
COMPLAINT = """\
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
Version: 1

--b
Content-Type: message/rfc822

{returned}
--b--
"""
REPORT = 'multipart/report; boundary="b"'


@pytest.fixture
def notice(mail):
    def write(status="5.1.1", returned="Subject: x\n", recipient="ada@example.org"):
        body = NOTICE.format(status=status, returned=returned, recipient=recipient)
        return mail(
            body,
            content_type=REPORT,
            return_path="<>",
            **{"from": "MAILER-DAEMON@mx.example.net"},
        )

    return write


@pytest.fixture
def complaint(mail):
    def write(returned):
        body = COMPLAINT.format(returned=returned)
        return mail(body, content_type=REPORT, **{"from": "fbl@isp.example"})

    return write


def test_a_hard_bounce_to_a_tagged_address_suppresses(
    ada, store, compose, take_in, notice, bounces_to, current
):
    compose(ada)
    raw = notice("5.1.1")
    assert take_in(raw, bounces_to(ada)) == ()
    assert current(ada).status == "suppressed"
    (kept,) = store.post.evidences()
    assert (kept.kind, kept.status) == (EvidenceKind.HARD_BOUNCE, "5.1.1")
    assert (kept.subscriber_id, kept.digest_id) == (ada.id, f"{ada.id}.2026-06-10")
    assert store.post.evidence(kept.id).raw == raw


def test_soft_bounces_are_counted_and_pause(ada, take_in, notice, bounces_to, current):
    for number in range(4):
        take_in(notice("5.2.2", returned=f"Subject: {number}\n"), bounces_to(ada))
        assert current(ada).status == "active"
    take_in(notice("5.2.2", returned="Subject: last\n"), bounces_to(ada))
    assert current(ada).status == "paused"


def test_the_same_bounce_counts_once(ada, store, take_in, notice, bounces_to, current):
    raw = notice("5.2.2")
    for _ in range(6):
        take_in(raw, bounces_to(ada))
    assert current(ada).status == "active"
    assert len(store.post.evidences()) == 1


def test_nobody_is_suppressed_by_a_report_that_only_names_their_address(
    ada, store, take_in, notice, current
):
    take_in(notice("5.1.1", recipient=ada.email), "digest@papers.example")
    assert current(ada).status == "active"
    (kept,) = store.post.evidences()
    assert (kept.kind, kept.subscriber_id) == (EvidenceKind.UNREAD, "")


def test_a_forged_tag_suppresses_nobody(ada, take_in, notice, bounces_to, reply_to, current):
    forged = bounces_to(ada).replace("@", "a@")
    borrowed = reply_to(ada).replace("reply+", "bounce+")
    for address in (forged, borrowed):
        take_in(notice("5.1.1", returned=f"Subject: {address[:9]}\n"), address)
    assert current(ada).status == "active"


def test_a_returned_mail_of_ours_tells_whose_it_was(ada, take_in, notice, token, current):
    returned = f"List-Unsubscribe: <https://papers.example/u/{token(ada)}>\nSubject: 4 papers\n"
    take_in(notice("5.1.1", returned), "digest@papers.example")
    assert current(ada).status == "suppressed"


def test_a_tag_in_a_returned_mail_tells_the_digest_too(
    ada, store, compose, take_in, notice, reply_to, current
):
    compose(ada)
    take_in(notice("5.1.1", f"Reply-To: {reply_to(ada)}\n"), "digest@papers.example")
    assert current(ada).status == "suppressed"
    assert store.post.evidences()[0].digest_id == f"{ada.id}.2026-06-10"


def test_a_token_of_somebody_elses_making_in_it_does_not(ada, take_in, notice, token, current):
    wrong = token(ada)[:-2] + "xx"
    take_in(notice("5.1.1", f"List-Unsubscribe: <https://papers.example/u/{wrong}>\n"))
    assert current(ada).status == "active"


@pytest.mark.parametrize("way", ["tag", "token"])
def test_a_complaint_ends_the_subscription_at_once(
    ada, store, compose, take_in, complaint, token, bounces_to, current, way
):
    compose(ada)
    returned = {
        "tag": f"Return-Path: <{bounces_to(ada)}>\n",
        "token": f"List-Unsubscribe: <https://papers.example/u/{token(ada)}>\n",
    }[way]
    take_in(complaint(returned), "abuse@papers.example")
    assert current(ada).status == "unsubscribed"
    assert store.post.evidences()[0].kind is EvidenceKind.COMPLAINT


def test_a_complaint_that_names_a_digest_without_our_mac_waits_for_the_operator(
    ada, store, compose, take_in, complaint, current
):
    compose(ada)
    take_in(complaint(f"Message-ID: <{ada.id}.2026-06-10@papers.example>\nTo: [redacted]\n"))
    assert current(ada).status == "active"
    (kept,) = store.post.evidences()
    assert (kept.kind, kept.subscriber_id) == (EvidenceKind.UNREAD, ada.id)


@pytest.mark.parametrize(("scope", "subject"), [("digest", "2026-06-10"), ("feed", "")])
def test_a_link_that_was_shown_to_others_lets_none_of_them_forge_a_bounce(
    ada, compose, take_in, notice, complaint, token, current, scope, subject
):
    compose(ada)
    shown = f"Look: https://papers.example/{token(ada, scope, subject)}\n"
    take_in(notice("5.1.1", shown), "help@papers.example")
    take_in(complaint(shown), "abuse@papers.example")
    assert current(ada).status == "active"


def test_a_complaint_about_a_digest_that_never_was_ends_nothing(
    ada, store, take_in, complaint, current
):
    take_in(complaint(f"Message-ID: <{ada.id}.2026-06-10@papers.example>\n"))
    assert current(ada).status == "active"
    assert store.post.evidences()[0].kind is EvidenceKind.UNREAD


def test_delays_and_absences_are_nothing(ada, store, take_in, mail, bounces_to, current):
    away = mail("I am away.", subject="Automatic reply: 4 papers", auto_submitted="auto-replied")
    take_in(away, bounces_to(ada))
    assert store.post.evidences() == []
    assert current(ada).status == "active"


def test_what_nobody_can_read_is_kept_with_all_its_bytes(ada, store, take_in, mail, bounces_to):
    raw = mail("The carrier pigeon came back.", subject="Pigeon")
    take_in(raw, bounces_to(ada))
    (kept,) = store.post.evidences()
    assert (kept.kind, kept.subscriber_id) == (EvidenceKind.UNREAD, ada.id)
    assert store.post.evidence(kept.id).raw == read(raw).raw


@pytest.mark.parametrize("recipient", ["digest@papers.example", "bounce@papers.example"])
def test_what_a_mail_server_wrote_is_kept_wherever_it_came(store, take_in, mail, recipient):
    pigeon = mail("Pigeon no.", return_path="<>", **{"from": "MAILER-DAEMON@mx.example.net"})
    assert take_in(pigeon, recipient) == ()
    assert [each.kind for each in store.post.evidences()] == [EvidenceKind.UNREAD]


def test_a_bounce_is_never_answered(ada, take_in, notice, reply_to, bounces_to):
    for address in (bounces_to(ada), reply_to(ada), "help@papers.example"):
        assert take_in(notice("5.1.1", returned=f"Subject: {address}\n"), address) == ()


def test_junk_without_a_sender_is_neither_answered_nor_kept(store, take_in, mail):
    assert take_in(mail("Buy now", return_path="<>"), "help@papers.example") == ()
    assert store.post.evidences() == []


def test_a_flood_of_mail_nobody_can_read_is_left_with_the_mail_server(store, now, monkeypatch):
    monkeypatch.setattr(bounces, "MOST_UNREAD", 5)
    for number in range(bounces.MOST_UNREAD):
        bounces.keep_unread(store, b"junk %d" % number, detail="", now=now)

    with pytest.raises(RetryLater):
        bounces.keep_unread(store, b"one more", detail="", now=now)
    bounces.keep_unread(store, b"junk 1", detail="", now=now)

    assert len(store.post.evidences(limit=2_000)) == bounces.MOST_UNREAD
