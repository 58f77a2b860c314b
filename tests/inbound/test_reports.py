"""What mail servers report, and which kind of failure it is."""

import time
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.inbound import read
from digest.inbound.reports import classify, find, is_report
from digest.model import EvidenceKind

HARD, SOFT = EvidenceKind.HARD_BOUNCE, EvidenceKind.SOFT_BOUNCE


def found(raw, *, automatic=False):
    result = find(read(raw), automatic=automatic)
    return result.kind, result.status


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        ("5.4.4", "name=example.net\n    type=AAAA: Host not found", HARD),
        ("5.4.4", "name=mx.example.net type=A: Host not found", SOFT),
        ("5.4.4", "name=relay.papers.example type=A: Host not found", SOFT),
        ("5.4.4", "name=example.net type=A: Host found but no data record of requested type", SOFT),
        ("5.4.4", "name=example.net type=MX: Host not found, try again", SOFT),
        ("4.4.3", "name=example.net type=MX: Host not found", SOFT),
    ],
)
def test_a_domain_that_is_not_there_is_gone_for_good(notice, status, words, kind):
    said = f"Host or domain name not found. Name service error for {words}"
    assert found(notice(("failed", status, said))) == (kind, status)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        ("5.1.1", "550 5.1.1 user unknown", HARD),
        ("5.1.2", "550 bad destination system", HARD),
        ("5.1.10", "556 null MX", HARD),
        ("5.2.1", "550 mailbox disabled", HARD),
        ("5.1.0", "550 unknown address", HARD),
        ("5.1.8", "550 sender's domain does not exist", SOFT),
        ("5.1.0", "550 Sender address rejected: User unknown in local recipient table", SOFT),
        ("5.0.0", "550 Verification failed for x\n No Such User Here\n Sender verify failed", SOFT),
        ("5.2.2", "552 mailbox full", SOFT),
        ("5.7.1", "550 blocked by policy", SOFT),
        ("5.4.4", "unable to route", SOFT),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied. For more\n see", HARD),
        ("5.4.1", "550 5.4.1 Relay access denied", SOFT),
        ("4.4.7", "delivery time expired", SOFT),
        ("5.0.0", "550 no such user here", HARD),
        ("5.0.0", "550 rejected as spam: no such user pattern", SOFT),
        ("5.5.0", "550 Requested action not taken: mailbox unavailable", HARD),
        ("5.0.0", "550 something went wrong", SOFT),
    ],
)
def test_the_status_decides_and_words_only_where_it_says_nothing(notice, status, words, kind):
    assert found(notice(("failed", status, words))) == (kind, status)


@pytest.mark.parametrize(
    "words",
    [
        "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)",
        "550 HELO name not valid",
        "550-Your mail server has an invalid reverse DNS name",
        "550 bad DNS PTR resource record for name",
        "550 IP address rejected, bad reputation",
        "550 Client IP address rejected: cannot find your reverse hostname",
        "554 Email rejected due to security policies - https://mail.example/docs/DOC-1369#554",
        "554 email rejected: suspicious link",
        "550 Your e-mail was rejected for suspected phishing content",
        "550 Mail rejected by the recipient's content filter",
        "550 email rejected: DKIM signature did not verify",
        "550 Message contains an invalid header name",
        "550 Sender domain does not exist",
        "550 Domain of sender does not exist",
        "554 The message has an invalid From address",
        "550 Your domain is not valid",
        "550 Mailbox temporarily disabled",
        "554 Account suspended for sending",
        "550 Account disabled from sending mail",
        "550 Your account is inactive: sending has been disabled",
    ],
)
def test_what_is_said_of_us_or_of_one_message_suppresses_nobody(words):
    assert classify("5.0.0", words) is SOFT
    assert classify("", words) is SOFT


@pytest.mark.parametrize(
    "words",
    [
        "550 User unknown",
        "550 Invalid recipient",
        "550 unknown user name",
        "550 <address>: Recipient address rejected: undeliverable address",
        "550 Unrouteable address",
        "554 delivery error: dd This user doesn't have a yahoo.com account",
        "550 Account suspended",
        "550 jdoe (jdoe) not listed in Domino Directory",
        "550 e-mail address invalid",
        "550 The email account that you tried to reach does not exist",
        "550 mailbox not found",
        "550 <address>: Recipient address rejected: User unknown in relay recipient table",
        "550 Invalid Recipient - https://docs.example/email-security/content#550",
    ],
)
def test_an_unknown_mailbox_is_known_by_words_alone(words):
    assert classify("5.0.0", words) is HARD
    assert classify("", words) is HARD


def test_a_code_in_the_words_is_better_than_a_vague_status(notice):
    assert found(notice(("failed", "5.0.0", "550 5.1.1 unknown"))) == (HARD, "5.1.1")


@pytest.mark.parametrize(
    "words",
    [
        "550-5.2.1 The user you are trying to contact is receiving mail at a rate that",
        "550-5.2.1 The user you are trying to contact is receiving mail\n at a rate that prevents",
        "550 5.2.1 https://support.google.com/mail/?p=ReceivingRatePerm",
        "550 5.2.1 The user is receiving email too quickly",
    ],
)
def test_a_mailbox_that_gets_too_much_mail_is_not_closed(notice, words):
    assert found(notice(("failed", "5.2.1", words))) == (SOFT, "5.2.1")


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_is_not_a_failure_is_nothing(notice, action):
    assert found(notice((action, "4.4.1", "connection timed out"))) == (None, "")


def test_the_worst_of_several_recipients_counts(notice):
    recipients = [("delayed", "4.4.1", ""), ("failed", "5.2.2", ""), ("failed", "5.1.1", "")]
    assert found(notice(*recipients)) == (HARD, "5.1.1")


def test_what_is_told_names_no_address(notice):
    raw = notice(("failed", "5.1.1", "550 5.1.1 <gone@example.net>: user unknown"))
    assert "user unknown" in find(read(raw), automatic=False).detail
    assert "gone@" not in find(read(raw), automatic=False).detail


QMAIL = """\
Hi. This is the qmail-send program at mx.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<gone@example.net>:
{why}

--- Below this line is a copy of the message.

Return-Path: <x>
"""


@pytest.mark.parametrize(
    ("why", "kind", "status"),
    [
        ("Sorry, no mailbox here by that name. (#5.1.1)", HARD, "5.1.1"),
        ("Remote host said: 550 no such user", HARD, "550"),
        ("The user's mailbox is full.", SOFT, ""),
        ("Something else.", SOFT, ""),
    ],
)
def test_formats_of_their_own_are_read_too(mail, why, kind, status):
    raw = mail(QMAIL.format(why=why), **{"from": "MAILER-DAEMON@mx.example.net"})
    assert found(raw) == (kind, status)


@pytest.mark.parametrize("kind", ["abuse", "fraud", "other", "Abuse"])
def test_complaints(complaint, kind):
    assert found(complaint(kind=kind))[0] is EvidenceKind.COMPLAINT


def test_a_report_that_it_was_no_spam_is_no_complaint(complaint):
    assert found(complaint(kind="not-spam"))[0] is None


def test_an_absence_is_nothing_and_a_riddle_is_unread(mail):
    assert found(mail("I am on holiday."), automatic=True)[0] is None
    assert found(mail("I am on holiday."))[0] is EvidenceKind.UNREAD


@pytest.mark.parametrize(
    "fields",
    [
        {"content_type": "multipart/report"},
        {"return_path": "<>"},
        {"x_failed_recipients": "gone@example.net"},
        {"feedback_type": "abuse"},
        {"from": "Mailer-Daemon@mx.example.net"},
    ],
)
def test_reports_are_known_by_their_header(mail, fields):
    assert is_report(read(mail("x", **fields)))
    assert not is_report(read(mail("x")))


@pytest.mark.parametrize("line", ["=\n", "\n", "user unknown\n", "Action: failed\n\n"])
def test_a_report_built_to_be_slow_is_read_quickly(mail, line):
    report = mail(line * (600_000 // len(line)), **{"from": "MAILER-DAEMON@mx.example.net"})
    begun = time.process_time()
    assert find(read(report), automatic=False).kind
    assert time.process_time() - begun < 3


def test_a_charset_that_cannot_be_is_no_reason_to_fail():
    raw = b"Content-Type: message/delivery-status; charset=idna\n\nAction: failed\n\n\xff\xfe"
    assert find(read(raw), automatic=False)


@given(st.binary(max_size=1_500), st.sampled_from([b"", b"Content-Type: multipart/report;"]))
def test_any_bytes_are_some_finding(raw, head):
    assert find(read(head + raw), automatic=False).kind in (None, *EvidenceKind)


@given(st.text(max_size=20), st.text(max_size=200))
def test_any_status_is_hard_or_soft(status, words):
    assert classify(status, words) in (HARD, SOFT)


def test_the_words_that_an_old_mail_program_puts_around_a_reason_are_not_the_reason():
    body = """Hi. This is the qmail-send program at mx.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<gone@example.net>:
192.0.2.1 does not like recipient.
Remote host said: 550 {}

For security the content of your message was not relayed back to you.
"""
    raw = f"From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\n{body}"

    kinds = [
        find(read(raw.format(each).encode()), automatic=False).kind
        for each in ("no such user", "no such user, your IP has a bad reputation")
    ]

    assert kinds == [HARD, SOFT]


def test_as_many_of_the_known_odd_formats_are_read_as_by_the_library_that_collects_them():
    """Its own samples, where they are installed beside it."""
    flufl = pytest.importorskip("flufl.bounce")
    folder = Path(flufl.__file__).parents[3] / "tests" / "data"
    samples = sorted(folder.glob("*.txt"))
    if not samples:
        pytest.skip("the samples of flufl.bounce are not installed")
    for each in samples:
        raw = each.read_bytes()
        temporary, permanent = flufl.all_failures(message_from_bytes(raw))
        kind = find(read(raw), automatic=False).kind
        assert (kind in (HARD, SOFT)) == bool(permanent), each.name
        assert not temporary or permanent or kind is None, each.name
