"""What follows a receipt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.policy import (
    LONGEST_REPLY,
    enhanced_code,
    evidence,
    is_address_failure,
    is_ours,
    is_throttled,
    scrub,
    settle_times,
    should_suppress,
)
from digest.model import Digest, Envelope, EvidenceKind, Outcome, Receipt, Subscriber

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def receipt(outcome=Outcome.DEFERRED, code=450, reply="", number=1):
    return Receipt(digest_id=f"d{number}", outcome=outcome, code=code, reply=reply, at=NOW)


def envelope(attempts=1, expires_in=timedelta(days=1), number=1):
    person = Subscriber(id="s_1", email="a@example.net", at=time(7), key="00", created_at=NOW)
    digest = Digest(
        id=f"d{number}",
        subscriber_id="s_1",
        edition="2026-06-10",
        since=NOW,
        until=NOW,
        composed_at=NOW,
    )
    return Envelope(
        digest=digest,
        subscriber=person,
        message_id="<m@example.org>",
        attempts=attempts,
        expires_at=NOW + expires_in,
        lease="l",
    )


def delay(one, other):
    (settled,) = settle_times([one], [other], NOW, Random(1))
    return None if settled.retry_at is None else settled.retry_at - NOW


# --- when to try again --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 120), (99, 120)]
)
def test_delays_double_from_five_minutes_to_two_hours(attempts, minutes):
    waited = delay(receipt(code=451), envelope(attempts))

    assert 0.8 * minutes * MINUTE <= waited <= 1.2 * minutes * MINUTE


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        (421, "too many connections"),
        (454, "Throttling failure: Maximum sending rate exceeded."),
        (450, "RCPT: 4.7.1 Greylisted"),
        (451, "4.7.650 rate limited"),
    ],
)
def test_a_server_that_asks_for_a_slower_pace_gets_it(code, reply):
    assert is_throttled(code, reply)
    assert delay(receipt(code=code, reply=reply), envelope()) >= 12 * MINUTE


@pytest.mark.parametrize(("code", "reply"), [(0, "lost"), (451, "4.3.0 disk"), (550, "5.7.1 no")])
def test_other_failures_say_nothing_about_pace(code, reply):
    assert not is_throttled(code, reply)


def test_a_block_deferred_together_does_not_come_back_as_one():
    receipts = [receipt(number=n) for n in range(50)]
    envelopes = [envelope(number=n) for n in range(50)]

    settled = settle_times(receipts, envelopes, NOW, Random(1))

    assert len({each.retry_at for each in settled}) == 50


def test_no_retry_is_planned_past_the_end_of_an_edition():
    assert delay(receipt(), envelope(expires_in=timedelta(minutes=3))) is None


def test_accepted_and_refused_messages_are_not_tried_again():
    done = [receipt(Outcome.ACCEPTED, 250), receipt(Outcome.REFUSED, 550, "5.1.1 unknown")]

    assert settle_times(done, [envelope()], NOW, Random(1)) == done


def test_the_same_chance_gives_the_same_times():
    once, again = (settle_times([receipt()], [envelope()], NOW, Random(7)) for _ in range(2))

    assert once == again


# --- whose fault it is ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        (550, "RCPT: 5.1.1 <address>: Recipient address rejected: User unknown"),
        (550, "5.1.10 recipient's domain has a null MX"),
        (550, "5.2.1 The mailbox is disabled"),
        (551, "RCPT: user not local"),
        (553, "mailbox name invalid"),
        (550, "RCPT: No such user here"),
        (0, "5.1.3 the recipient's address cannot be used in SMTP"),
        (550, "after DATA: 5.1.1 no such user"),
        (550, "RCPT: 5.1.0 <address>: address unknown"),
        (550, "RCPT: Invalid Recipient - https://docs.example/email-security/content#550"),
        (550, "RCPT: <address>: User unknown in relay recipient table"),
        (550, "RCPT: 5.1.1 <address>: user unknown, so we take no mail from you to them"),
    ],
)
def test_an_address_that_is_no_good_is_recognised(code, reply):
    assert is_address_failure(code, reply)
    assert should_suppress(receipt(Outcome.REFUSED, code, reply), refusals=1)


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        (550, "5.7.1 message content rejected"),
        (550, "5.7.515 access denied, the sending domain does not meet the required level"),
        (552, "5.2.2 mailbox full"),
        (550, "5.2.1 The user you are trying to contact is receiving mail at a rate that prevents"),
        (550, "The user is receiving mail too quickly"),
        (554, "RCPT: 5.7.1 Relay access denied"),
        (553, "MAIL: 5.1.8 sender's domain not found"),
        (501, "5.1.7 bad sender address"),
        (550, "MAIL: sender rejected"),
        (550, "after DATA: rejected"),
        (550, "RCPT: 5.1.0 <address>: Sender address rejected: User unknown in local table"),
        (550, "RCPT: Verification failed for <address> No Such User Here Sender verify failed"),
        (550, "RCPT: 5.1.0 sender rejected AUP#POL"),
        (550, "RCPT: the Return-Path of this message cannot be replied to"),
        (553, "RCPT: MAIL FROM domain has no mail exchanger"),
        (550, "RCPT: blocked, 192.0.2.1 is listed at rbl.example"),
        (550, "RCPT: Access denied - Invalid HELO name (See RFC2821 4.1.1.1)"),
        (550, "RCPT: Your e-mail was rejected for suspected phishing content"),
        (550, "RCPT: reverse DNS of 192.0.2.1 is missing"),
        (550, "RCPT: sender domain does not exist"),
        (550, "RCPT: mailbox temporarily disabled"),
        (550, "RCPT: Client host rejected: cannot find your reverse hostname, [192.0.2.7]"),
        (550, "RCPT: Client host rejected: cannot find your hostname, [192.0.2.7]"),
        (550, "RCPT: rejected, see https://www.spamhaus.example/query/192.0.2.1"),
        (550, "RCPT: reverse lookup of 192.0.2.7 failed"),
        (550, "RCPT: sorry, your envelope sender is in my badmailfrom list"),
        (553, "RCPT: sorry, your envelope sender has no DNS MX"),
        (550, "RCPT: invalid sender"),
        (550, "RCPT: unknown sender"),
        (550, "RCPT: mail frequency limited"),
        (550, "RCPT: greylisted, come back later"),
        (550, "RCPT: mailbox is full"),
        (550, "RCPT: user over quota"),
        (554, "RCPT: transaction failed"),
        (450, "4.1.1 unknown for now"),
        (0, "connection lost"),
        (0, "5.6.0 message breaks RFC 5322: it holds a NUL"),
    ],
)
def test_policy_content_and_our_own_faults_are_not_held_against_an_address(code, reply):
    assert not is_address_failure(code, reply)
    assert not should_suppress(receipt(Outcome.REFUSED, code, reply), refusals=2)


def test_three_refusals_in_a_row_end_it_all_the_same():
    refused = receipt(Outcome.REFUSED, 550, "5.7.1 we do not want this")

    assert should_suppress(refused, refusals=3)


def test_a_message_we_ourselves_would_not_send_is_never_held_against_its_reader():
    ours = receipt(Outcome.REFUSED, 0, "5.6.0 message breaks RFC 5322: it holds a NUL")

    assert not should_suppress(ours, refusals=9)


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.DEFERRED])
def test_only_refusals_suppress(outcome):
    assert not should_suppress(receipt(outcome, 550, "5.1.1 x"), refusals=9)


@pytest.mark.parametrize(
    ("hard", "kind"), [(True, EvidenceKind.HARD_BOUNCE), (False, EvidenceKind.SOFT_BOUNCE)]
)
def test_a_refusal_is_evidence_without_addresses(hard, kind):
    refused = receipt(Outcome.REFUSED, 550, "5.1.1 <ada@example.org> unknown")

    found = evidence(refused, subscriber_id="s_ada", attempt=2, hard=hard)

    assert (found.kind, found.status, found.detail) == (kind, "5.1.1", "5.1.1 <address> unknown")
    assert (found.id, found.digest_id) == (f"{refused.digest_id}.2", refused.digest_id)
    assert found.raw == b""


def test_a_refusal_without_an_enhanced_code_is_told_by_its_basic_one():
    found = evidence(receipt(Outcome.REFUSED, 554, "no"), subscriber_id="s", attempt=1, hard=False)

    assert found.status == "554"


def test_a_block_refused_almost_whole_speaks_of_us_and_is_tried_again():
    blocked = [receipt(Outcome.REFUSED, 554, "5.7.1 IP blocked", n) for n in range(10)]
    unknown = receipt(Outcome.REFUSED, 550, "5.1.1 no such user", 10)
    envelopes = [envelope(number=n) for n in range(11)]

    assert is_ours([*blocked, unknown])
    *waiting, refused = settle_times([*blocked, unknown], envelopes, NOW, Random(1), ours=True)

    assert {each.outcome for each in waiting} == {Outcome.DEFERRED}
    assert all(each.retry_at for each in waiting)
    assert refused == unknown


def vague(number, *, words="RCPT: <r@example.net>: utilisateur inconnu", code=550):
    """A refusal that does not say whose address is wrong."""
    return receipt(Outcome.REFUSED, code, words.replace("<r@", f"<r{number}@"), number)


def test_who_refuses_everybody_in_the_same_words_may_mean_our_own_address():
    refused = [vague(n) for n in range(3)]
    envelopes = [envelope(number=n) for n in range(3)]

    assert all(is_address_failure(each.code, each.reply) for each in refused)
    assert is_ours(refused)
    assert is_ours(refused[:1], refused[1:]), "one at a time, too"
    settled = settle_times(refused, envelopes, NOW, Random(1), ours=True)
    assert {each.outcome for each in settled} == {Outcome.DEFERRED}


@pytest.mark.parametrize(
    "receipts",
    [
        [vague(1), vague(2)],
        [*(vague(n) for n in range(3)), receipt(Outcome.ACCEPTED, 250, "Ok", 4)],
        [vague(n, words=f"RCPT: no mailbox of the name reader{n}") for n in range(5)],
        [vague(n, words="RCPT: 5.1.1 <r@example.net>: user unknown") for n in range(5)],
    ],
    ids=["two", "somebody is accepted", "other words for each", "a code that says whose"],
)
def test_addresses_that_are_no_good_are_not_our_fault_for_being_many(receipts):
    assert not is_ours(receipts)


def test_a_few_refusals_in_a_block_are_taken_at_their_word():
    refused = [receipt(Outcome.REFUSED, 554, "5.7.1 no", n) for n in range(10)]
    accepted = [receipt(Outcome.ACCEPTED, 250, "Ok", n) for n in range(10, 30)]

    assert not is_ours([*refused, *accepted])
    assert settle_times([*refused, *accepted], [], NOW, Random(1)) == [*refused, *accepted]


def test_groups_of_one_are_judged_with_what_was_said_before_them():
    refused = [receipt(Outcome.REFUSED, 554, "5.7.1 IP blocked", n) for n in range(3)]
    put_off = [replace(each, outcome=Outcome.DEFERRED) for each in refused[1:]]
    accepted = [receipt(Outcome.ACCEPTED, 250, "Ok", n) for n in range(10, 13)]

    assert is_ours(refused[:1], put_off), "what was put off for it counts as well"
    assert not is_ours(refused[:1], put_off[:1]), "two may be chance"
    assert not is_ours(refused[:1], [*put_off, *accepted])


# --- reading and cleaning replies -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "reply", "found"),
    [
        (550, "5.1.1 unknown", "5.1.1"),
        (550, "RCPT: 5.7.26 unauthenticated", "5.7.26"),
        (550, "host 5.1.1.4 said no", ""),
        (550, "Exim 4.96.2 says 5.7.1 no", "5.7.1"),
        (450, "5.1.1 in a 450 is a lie", ""),
        (0, "5.6.0 broken", "5.6.0"),
        (550, "", ""),
    ],
)
def test_enhanced_codes_are_found_when_they_agree_with_the_basic_code(code, reply, found):
    assert enhanced_code(code, reply) == found


@pytest.mark.parametrize(
    ("reply", "clean"),
    [
        ("5.1.1 <ada@example.net>: unknown", "5.1.1 <address>: unknown"),
        ("user ada.l+x@mail.example.net, gone", "user <address>, gone"),
        ('"ada l"@example.net is gone', "<address> is gone"),
        ("ada@[192.0.2.1] is gone", "<address> is gone"),
        ("grüße@exämple.net is gone", "<address> is gone"),
        ("first\nsecond\r\n\tthird\x1b[31m", "first second third [31m"),
    ],
)
def test_scrubbed_replies_hold_no_addresses_and_no_control_characters(reply, clean):
    assert scrub(reply) == clean


@given(st.text(max_size=700))
def test_any_reply_scrubs_to_one_short_printable_line(reply):
    clean = scrub(reply)

    assert len(clean) <= LONGEST_REPLY
    assert clean.isprintable()
    assert scrub(clean) == clean


@given(
    st.from_regex(r"[a-z0-9.+_-]{1,20}", fullmatch=True),
    st.from_regex(r"[a-z0-9-]{1,10}\.[a-z]{2,5}", fullmatch=True),
    st.text(alphabet=" <>():;,.", max_size=3),
)
def test_an_address_is_found_whatever_stands_around_it(local, domain, around):
    assert "@" not in scrub(f"550 {around}{local}@{domain}{around} rejected")
