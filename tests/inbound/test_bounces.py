"""Bounces and complaints: whom they are about, what follows, and what is only kept."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from digest import subscriptions
from digest.errors import RetryLater
from digest.inbound import bounces, read
from digest.model import EvidenceKind


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


def test_soft_bounces_are_counted_and_pause(ada, take_in, notice, bounces_to, compose, current):
    for day in range(10, 14):
        compose(ada, f"2026-06-{day}")
        take_in(notice("5.2.2"), bounces_to(ada, f"202606{day}"))
        assert current(ada).status == "active"
    compose(ada, "2026-06-14")
    take_in(notice("5.2.2"), bounces_to(ada, "20260614"))
    assert current(ada).status == "paused"


@pytest.mark.parametrize("subject", ["20260610", "letter"])
def test_many_reports_of_one_digest_or_of_letters_of_one_day_count_once(
    ada, store, take_in, notice, bounces_to, compose, current, subject
):
    compose(ada)
    for number in range(6):  # one for each whom a list hands it on to
        take_in(notice("5.2.2", recipient=f"{number}@lab.example"), bounces_to(ada, subject))
    assert current(ada).status == "active"
    assert len(store.post.evidences()) == 6


MONTHS = ("Feb", "Mar", "Apr", "May", "Jun")


@pytest.fixture
def old_hand(store, ada, now):
    """A reader of half a year."""
    since = replace(ada, created_at=now - timedelta(days=180))
    store.subscribers.save(since, before=ada)
    return since


def test_soft_bounces_of_editions_long_apart_that_come_in_at_once_do_not_pause(
    old_hand, store, take_in, notice, bounces_to, current
):
    for month in range(2, 7):
        take_in(notice("5.2.2"), bounces_to(old_hand, f"2026{month:02}05"))

    assert current(old_hand).status == "active"
    days = {each.at.date() for each in store.post.evidences()}
    assert days == {date(2026, month, 5) for month in range(2, 7)}


def test_soft_bounces_of_one_week_that_come_in_at_once_pause(
    old_hand, take_in, notice, bounces_to, current
):
    for day in range(4, 8):
        take_in(notice("5.2.2"), bounces_to(old_hand, f"202606{day:02}"))
        assert current(old_hand).status == "active"
    take_in(notice("5.2.2"), bounces_to(old_hand, "20260608"))
    assert current(old_hand).status == "paused"


def test_soft_bounces_of_one_week_long_ago_do_not_pause_today(
    old_hand, take_in, notice, bounces_to, current
):
    for day in range(4, 10):
        take_in(notice("5.2.2"), bounces_to(old_hand, f"202602{day:02}"))
    assert current(old_hand).status == "active"


def test_soft_bounces_of_mails_that_are_no_digest_count_when_they_say_they_were_written(
    old_hand, take_in, notice, bounces_to, current
):
    for month in MONTHS:
        raw = notice("5.2.2", date=f"Fri, 05 {month} 2026 08:00:00 -0000")
        take_in(raw, bounces_to(old_hand, "letter"))
    assert current(old_hand).status == "active"


@pytest.mark.parametrize(
    "told",
    [
        "Thu, 01 Jan 1970 00:00:00 +0000",
        "Fri, 05 Jun 2076 08:00:00 +0000",
        "Fri, 05 Jun 0001 00:00:00 +1400",
        "Fri, 99 Jun 99999999999999999999 08:00:00 +9999",
        "yesterday",
        "",
    ],
)
def test_soft_bounces_that_tell_no_time_that_could_be_count_when_they_come(
    old_hand, store, take_in, notice, bounces_to, current, now, told
):
    for number in range(5):
        raw = notice("5.2.2", returned=f"Subject: {number}\n", date=told)
        take_in(raw, bounces_to(old_hand, "letter"), at=now + timedelta(days=number))
    assert current(old_hand).status == "paused"
    came = {now + timedelta(days=number) for number in range(5)}
    assert {each.at for each in store.post.evidences()} == came


def test_a_hard_bounce_counts_however_late_it_comes(
    old_hand, store, take_in, notice, bounces_to, current, now
):
    take_in(notice("5.1.1"), bounces_to(old_hand, "20260205"))
    assert current(old_hand).status == "suppressed"
    assert [each.at for each in store.post.evidences()] == [now]


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


def test_who_writes_unsubscribe_from_a_suppressed_address_leaves_and_is_not_answered(
    ada, store, take_in, mail, notice, bounces_to, reply_to, current, now
):
    take_in(notice("5.1.1"), bounces_to(ada))
    (kept,) = store.post.evidences()

    assert take_in(mail("settings"), reply_to(ada)) == ()
    assert current(ada).status == "suppressed"
    assert take_in(mail("unsubscribe"), reply_to(ada)) == ()
    assert current(ada).status == "unsubscribed"

    assert subscriptions.undo_bounce(store, kept.id, now=now).status == "unsubscribed"


def test_who_wants_to_be_forgotten_while_suppressed_is_left_to_the_operator(
    ada, store, take_in, mail, notice, reply_to, bounces_to, current
):
    take_in(notice("5.1.1"), bounces_to(ada))

    assert take_in(mail("forget me"), reply_to(ada)) == ()

    (kept,) = store.post.evidences(kind=EvidenceKind.UNREAD)
    assert "digest forget" in kept.detail
    assert current(ada).status == "suppressed"


def test_a_forged_tag_suppresses_nobody(ada, take_in, notice, bounces_to, reply_to, current):
    forged = bounces_to(ada).replace("@", "a@")
    borrowed = reply_to(ada).replace("reply+", "bounce+")
    for address in (forged, borrowed):
        take_in(notice("5.1.1", returned=f"Subject: {address[:9]}\n"), address)
    assert current(ada).status == "active"


def test_a_returned_mail_of_ours_tells_whose_it_was(ada, take_in, notice, token, current):
    returned = f"List-Unsubscribe: <https://papers.example/u/{token(ada)}>\nSubject: 4 papers\n"
    take_in(notice("5.1.1", returned=returned), "digest@papers.example")
    assert current(ada).status == "suppressed"


def test_a_tag_in_a_returned_mail_tells_the_digest_too(
    ada, store, compose, take_in, notice, reply_to, current
):
    compose(ada)
    take_in(notice("5.1.1", returned=f"Reply-To: {reply_to(ada)}\n"), "digest@papers.example")
    assert current(ada).status == "suppressed"
    assert store.post.evidences()[0].digest_id == f"{ada.id}.2026-06-10"


def test_a_token_of_somebody_elses_making_in_it_does_not(ada, take_in, notice, token, current):
    wrong = token(ada)[:-2] + "xx"
    take_in(notice("5.1.1", returned=f"List-Unsubscribe: <https://papers.example/u/{wrong}>\n"))
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


JUNKED = """\
--b
Content-Type: message/rfc822

X-HmXmrOriginalRecipient: <ada@example.org>
Received: from papers.example
{returned}
--b--
"""


def test_a_complaint_that_is_but_our_mail_attached_counts_and_is_not_answered(
    ada, store, take_in, proven, token, current
):
    def write(returned):
        fields = {"subject": "complaint about message from 192.0.2.1"}
        return proven(
            JUNKED.format(returned=returned), content_type='multipart/mixed; boundary="b"', **fields
        )

    assert take_in(write("Subject: 8 papers\n"), "fbl@papers.example") == ()
    assert current(ada).status == "active", "it has no MAC of ours: it waits for the operator"
    link = f"List-Unsubscribe: <https://papers.example/u/{token(ada)}>\n"
    assert take_in(write(link), "fbl@papers.example") == ()
    assert current(ada).status == "unsubscribed"
    kinds = {each.kind for each in store.post.evidences()}
    assert kinds == {EvidenceKind.UNREAD, EvidenceKind.COMPLAINT}


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
    take_in(notice("5.1.1", returned=shown), "help@papers.example")
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


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Abwesenheitsnotiz: 4 papers", "auto_submitted": "auto-replied"},
        {"subject": "Abwesenheitsnotiz: 4 papers"},
        {"subject": "Automatic reply: 4 papers", "auto_submitted": "auto-generated"},
        {"subject": "Re: 4 papers", "auto_submitted": "auto-replied (vacation)"},
        {"subject": "Re: 4 papers", "x_autoreply": "yes"},
        {"subject": "Welcome", "list_id": "<news.example.org>"},
        {"subject": "Re: 4 papers", "auto_submitted": "auto-replied", "from": None},
    ],
)
@pytest.mark.parametrize("sender", ["<>", "<ada@example.org>"])
def test_an_absence_is_nothing_with_or_without_a_sender_to_answer_to(
    ada, store, take_in, mail, bounces_to, fields, sender
):
    away = mail("I am in hospital until Monday.", return_path=sender, **fields)
    assert take_in(away, bounces_to(ada)) == ()
    assert store.post.evidences() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"auto_submitted": "auto-generated"},
        {"subject": "Undeliverable: 4 papers", "auto_submitted": "auto-replied"},
        {"subject": "Unzustellbar: 4 papers", "auto_submitted": "auto-replied"},
        {"subject": "Delivery Status Notification (Failure)"},
        {"subject": "Returned mail: see transcript", "precedence": "bulk"},
        {"auto_submitted": "auto-replied", "from": "MAILER-DAEMON@mx.example.net"},
        {"auto_submitted": "auto-replied", "content_type": 'multipart/report; boundary="b"'},
        {"list_id": "<digest.papers.example>", "from": "digest@papers.example"},
    ],
)
@pytest.mark.parametrize("sender", ["<>", "<robot@mx.example.net>"])
def test_a_failure_that_nobody_can_read_is_no_absence(
    ada, store, take_in, mail, bounces_to, fields, sender
):
    take_in(mail("The pigeon came back.", return_path=sender, **fields), bounces_to(ada))
    assert [each.kind for each in store.post.evidences()] == [EvidenceKind.UNREAD]


def test_a_bounce_that_calls_itself_an_automatic_reply_still_counts(
    ada, take_in, notice, bounces_to, current
):
    raw = notice("5.1.1", auto_submitted="auto-replied", **{"from": ada.email})
    take_in(raw, bounces_to(ada))
    assert current(ada).status == "suppressed"


def test_nothing_of_somebody_who_was_erased_comes_back_with_a_late_bounce(
    ada, store, compose, take_in, mail, notice, complaint, bounces_to, reply_to, now, caplog
):
    caplog.set_level("INFO")
    compose(ada)
    subscriptions.erase(store, ada, now=now)
    late = f"To: {ada.email}\nReply-To: {reply_to(ada)}\n"
    for address in (bounces_to(ada), bounces_to(ada, "letter").upper(), reply_to(ada)):
        assert take_in(notice("5.1.1", returned=late + f"Subject: {address}\n"), address) == ()
    take_in(complaint(late), bounces_to(ada))
    take_in(mail("The pigeon came back.", subject="Pigeon"), bounces_to(ada))
    assert store.post.evidences() == []
    assert "somebody who is gone" in caplog.text
    assert "ada@" not in caplog.text
    assert ada.id not in caplog.text


def test_a_bounce_of_a_reader_beside_somebody_gone_still_counts(
    ada, subscribe, store, take_in, notice, bounces_to, now, current
):
    bo = subscribe("bo@example.org")
    subscriptions.erase(store, bo, now=now)
    take_in(notice("5.1.1"), bounces_to(bo), bounces_to(ada))
    assert current(ada).status == "suppressed"


@pytest.mark.parametrize("tag", ["s_1234.20260610", "pigeon", "s_12.20260610.abcdefghabcdefgh", ""])
def test_what_comes_to_no_address_we_could_have_made_is_kept(store, take_in, notice, tag):
    take_in(notice("5.1.1"), f"bounce+{tag}@papers.example")
    assert [each.kind for each in store.post.evidences()] == [EvidenceKind.UNREAD]


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


@pytest.mark.parametrize("role", ["postmaster", "Abuse", "hostmaster+x"])
def test_what_is_written_to_the_operator_is_kept_for_them(store, take_in, proven, role):
    raw = proven("Your server sends our users what they did not ask for. Stop.")
    assert take_in(raw, f"{role}@papers.example") == ()
    (kept,) = store.post.evidences()
    assert (kept.kind, kept.subscriber_id) == (EvidenceKind.UNREAD, "")
    assert kept.detail == f"Written to {role.lower().partition('+')[0]}@, for you."
    assert store.post.evidence(kept.id).raw == raw


def test_to_write_to_the_operator_too_is_no_way_to_be_overheard(
    ada, store, take_in, mail, reply_to, token, current
):
    take_in(mail("daily"), reply_to(ada), "postmaster@papers.example")
    take_in(mail("daily", to="postmaster@elsewhere.example"), "postmaster@elsewhere.example")
    take_in(mail("x", **{"from": "digest@papers.example"}), "postmaster@papers.example")
    assert store.post.evidences() == []
    take_in(mail(subject=f"unsubscribe {token(ada)}"), "abuse@papers.example")
    assert current(ada).status == "unsubscribed"


def test_a_bounce_is_never_answered(ada, take_in, notice, reply_to, bounces_to):
    for address in (bounces_to(ada), reply_to(ada), "help@papers.example"):
        assert take_in(notice("5.1.1", returned=f"Subject: {address}\n"), address) == ()


def test_junk_without_a_sender_is_neither_answered_nor_kept(store, take_in, mail):
    assert take_in(mail("Buy now", return_path="<>"), "help@papers.example") == ()
    assert store.post.evidences() == []


def test_of_mail_nobody_can_read_only_the_beginning_is_kept(store, take_in, mail, now):
    long = b"long " * 20_000
    bounces.keep_unread(store, long, detail="", now=now)
    take_in(mail(long.decode(), return_path="<>"), "bounce@papers.example")

    kept = [store.post.evidence(each.id).raw for each in store.post.evidences()]
    assert [len(each) for each in kept] == [bounces.MOST_OF_UNREAD] * 2


def test_a_flood_of_mail_nobody_can_read_is_left_with_the_mail_server(store, now, monkeypatch):
    monkeypatch.setattr(bounces, "MOST_UNREAD", 5)
    for number in range(bounces.MOST_UNREAD):
        bounces.keep_unread(store, b"junk %d" % number, detail="", now=now)

    with pytest.raises(RetryLater):
        bounces.keep_unread(store, b"one more", detail="", now=now)
    bounces.keep_unread(store, b"junk 1", detail="", now=now)

    assert len(store.post.evidences(limit=2_000)) == bounces.MOST_UNREAD
