"""Sending over SMTP, to a server that misbehaves in every way we know of."""

from __future__ import annotations

import socket
from itertools import chain, count

import pytest

from digest.delivery import MailServer, SmtpTransport
from digest.model import Outcome

ACCEPTED, DEFERRED, REFUSED = Outcome.ACCEPTED, Outcome.DEFERRED, Outcome.REFUSED
BOTH_WAYS = pytest.mark.parametrize(
    "extensions", [("PIPELINING",), ("SIZE 1000000",)], ids=["pipelined", "one by one"]
)


def outcomes(receipts):
    return [(each.outcome, each.code) for each in receipts]


# --- when all is well -------------------------------------------------------------------------


@BOTH_WAYS
def test_a_batch_goes_over_one_connection_and_receipts_keep_its_order(
    serve, transport_to, message, now, extensions
):
    server = serve(extensions=extensions)
    batch = [message(n) for n in range(5)]

    receipts = list(transport_to(server).send(batch, now))

    assert [each.digest_id for each in receipts] == [each.digest_id for each in batch]
    assert outcomes(receipts) == [(ACCEPTED, 250)] * 5
    assert [each.content for each in server.taken] == [each.content for each in batch]
    assert server.connections == 1
    assert receipts[0].reply == "2.0.0 Ok: queued"
    assert receipts[0].at == now


def test_bytes_arrive_exactly_dots_long_lines_and_all(serve, transport_to, message, now):
    content = b"Subject: x\r\n\r\n.\r\n..\r\n.dot\r\n" + b"x" * 998 + b"\r\n \t \r\n\r\n.\r\n"
    server = serve()

    list(transport_to(server).send([message(content=content)], now))

    assert server.taken[0].content == content


def test_with_pipelining_no_command_waits_for_the_answer_to_the_one_before(
    serve, transport_to, message, now
):
    server = serve(extensions=("PIPELINING",), read_ahead=2)

    receipts = list(transport_to(server).send([message(1), message(2)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250)] * 2


def test_each_receipt_is_known_before_the_next_message_is_sent(serve, transport_to, message, now):
    server = serve()
    receipts = transport_to(server).send([message(1), message(2)], now)

    assert server.connections == 0
    assert next(receipts).outcome is ACCEPTED
    assert len(server.taken) == 1
    receipts.close()


def test_messages_are_made_while_the_server_thinks_about_an_earlier_one(
    serve, transport_to, message, now
):
    told = []

    def made():
        for number in (1, 2, 3):
            told.append(f"made {number}")
            yield message(number)

    def held():
        told.append("final dot")
        return True

    for receipt in transport_to(serve()).send(made(), now, held=held):
        told.append(receipt.outcome)  # noqa: PERF401 - in the order things happen

    first, *rest = ["final dot", "made 3", ACCEPTED], *[["final dot", ACCEPTED]] * 2
    assert told == ["made 1", "made 2", *first, *chain.from_iterable(rest)]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_the_next_message_is_announced_with_the_final_dot_of_the_last(
    serve, transport_to, message, now, certificate, tls
):
    """RFC 2920 §3.1 allows it, and each message then takes one round trip."""
    server = serve(read_behind=[3, 3, 0], tls=certificate[0] if tls else None)
    batch = [message(n) for n in range(3)]

    receipts = list(transport_to(server).send(batch, now))

    assert outcomes(receipts) == [(ACCEPTED, 250)] * 3
    assert [each.content for each in server.taken] == [each.content for each in batch]


def test_a_server_that_wants_nothing_behind_a_message_is_not_told_twice(
    serve, transport_to, message, now
):
    server = serve(strict="554 5.5.0 synchronization error")

    receipts = list(transport_to(server).send([message(n) for n in range(4)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250)] * 4
    assert len(server.taken) == 4
    assert server.connections == 2


def test_a_server_that_hangs_up_on_what_comes_behind_a_message_leaves_one_in_doubt(
    serve, transport_to, message, now
):
    server = serve(strict="DROP")

    receipts = list(transport_to(server).send([message(n) for n in range(4)], now))

    assert outcomes(receipts) == [(DEFERRED, 0), *[(ACCEPTED, 250)] * 3]
    assert [each.unknown for each in receipts] == [True, False, False, False]
    assert server.connections == 2


def test_a_server_that_loses_track_of_what_was_announced_is_told_again_and_by_itself(
    serve, transport_to, message, now
):
    server = serve(replies={"MAIL": [None, "503 5.5.1 not now"]})

    receipts = list(transport_to(server).send([message(n) for n in range(4)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250)] * 4
    assert server.connections == 1
    assert server.commands.count("RSET") == 1


def test_a_message_that_was_announced_is_refused_as_any_other(serve, transport_to, message, now):
    server = serve(
        replies={"RCPT": [None, "550 5.1.1 no such user"], "END": [None, "554 5.7.1 spam"]}
    )

    receipts = list(transport_to(server).send([message(n) for n in range(4)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250), (REFUSED, 550), (REFUSED, 554), (ACCEPTED, 250)]
    assert [each.content for each in server.taken] == [message(0).content, message(3).content]


def test_a_message_that_was_announced_and_is_not_ours_any_more_is_nobodys(
    serve, transport_to, message, now
):
    server = serve()
    answers = [True, False]

    receipts = transport_to(server).send([message(1), message(2)], now, held=lambda: answers.pop(0))

    assert outcomes(receipts) == [(ACCEPTED, 250), (DEFERRED, 0)]
    assert len(server.taken) == 1


def test_whoever_stops_reading_leaves_nothing_announced(serve, transport_to, message, now):
    server = serve(read_behind=[3])
    transport = transport_to(server)
    receipts = transport.send([message(n) for n in range(3)], now)

    next(receipts)
    receipts.close()

    assert server.somebody_left.wait(5)
    assert outcomes(transport.send([message(7)], now)) == [(ACCEPTED, 250)]
    assert [each.content for each in server.taken] == [message(0).content, message(7).content]
    assert server.connections == 2


def test_a_message_that_the_system_does_not_take_at_once_is_asked_about_again(
    serve, transport_to, message, now
):
    """Minutes may pass while a slow server reads it, and somebody else may have sent it by then."""
    large = message(content=b"Subject: Large\r\n\r\n" + (b"A line of it." * 60 + b"\r\n") * 20_000)
    server = serve()
    answers = [True, False]

    (receipt,) = transport_to(server).send([large], now, held=lambda: answers.pop(0))

    assert answers == []
    assert receipt.outcome is DEFERRED
    assert receipt.reply.startswith("not sent: another worker may have sent it")
    assert server.taken == []
    assert outcomes(transport_to(server).send([large], now)) == [(ACCEPTED, 250)]
    assert server.taken[-1].content == large.content


def test_over_tls_the_final_dot_is_asked_about_once_the_rest_has_gone(
    serve, transport_to, message, now, certificate
):
    server = serve(tls=certificate[0])
    answers = [True, False]

    (receipt,) = transport_to(server).send([message()], now, held=lambda: answers.pop(0))

    assert answers == []
    assert receipt.reply.startswith("not sent: another worker may have sent it")
    assert server.taken == []


def test_a_question_that_cannot_be_answered_leaves_no_half_a_message_on_the_line(
    serve, transport_to, message, now
):
    server = serve()
    transport = transport_to(server)

    def held():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        list(transport.send([message(1)], now, held=held))
    assert outcomes(transport.send([message(2)], now)) == [(ACCEPTED, 250)]
    assert server.connections == 2


def test_messages_that_cannot_be_made_do_not_cost_the_receipt_of_one_that_was_sent(
    serve, transport_to, message, now
):
    def made():
        yield message(1)
        raise RuntimeError

    server = serve()
    transport = transport_to(server)
    receipts = transport.send(made(), now)

    assert next(receipts).outcome is ACCEPTED
    with pytest.raises(RuntimeError):
        next(receipts)
    assert outcomes(transport.send([message(2)], now)) == [(ACCEPTED, 250)]
    assert server.connections == 1


def test_the_envelope_is_sent_with_its_size_and_an_empty_sender_is_allowed(
    serve, transport_to, message, now
):
    server = serve()
    one = message(sender="")

    list(transport_to(server).send([one], now))

    assert server.taken[0].mail == f"MAIL FROM:<> SIZE={len(one.content)}"
    assert server.taken[0].rcpt == "RCPT TO:<reader@example.net>"


def test_a_connection_is_renewed_after_so_many_messages(serve, transport_to, message, now):
    server = serve()

    list(transport_to(server, per_connection=2).send([message(n) for n in range(5)], now))

    assert server.connections == 3
    assert server.commands.count("QUIT") == 2


def test_several_connections_share_a_batch(serve, transport_to, message, now):
    server = serve()
    batch = [message(n) for n in range(20)]

    receipts = list(transport_to(server, connections=3).send(batch, now))

    assert sorted(each.digest_id for each in receipts) == sorted(each.digest_id for each in batch)
    assert sorted(each.content for each in server.taken) == sorted(m.content for m in batch)
    assert 1 <= server.connections <= 3


def test_an_answer_that_is_slow_keeps_no_receipt_of_another_connection_back(
    serve, transport_to, message, now
):
    server = serve(replies={"END": ["HANG"]})
    receipts = transport_to(server, connections=2, reply_timeout=3).send(
        [message(n) for n in range(6)], now
    )

    assert outcomes(next(receipts) for _ in range(5)) == [(ACCEPTED, 250)] * 5
    server.drop_everyone()
    (last,) = receipts
    assert last.unknown


def test_an_error_about_one_message_loses_no_receipt_of_another(serve, transport_to, message, now):
    server, asked, receipts = serve(), count(), []

    def held():
        if next(asked) == 4:
            raise RuntimeError("of ours")
        return True

    transport = transport_to(server, connections=3)
    with pytest.raises(RuntimeError, match="of ours"):
        receipts.extend(transport.send((message(n) for n in range(12)), now, held=held))

    # A message that came to the connection just broken is deferred.
    assert [each.outcome for each in receipts].count(ACCEPTED) == len(server.taken) > 0


def test_whoever_stops_reading_early_leaves_the_rest_unsent(serve, transport_to, message, now):
    server = serve()
    transport = transport_to(server, connections=2)
    receipts = transport.send([message(n) for n in range(10)], now)

    next(receipts)
    receipts.close()

    assert len(server.taken) <= 1 + 2
    assert outcomes(transport.send([message(11)], now)) == [(ACCEPTED, 250)]


def test_a_connection_is_kept_between_batches_and_closed_with_quit(
    serve, transport_to, message, now
):
    server = serve()
    transport = transport_to(server)

    list(transport.send([message(1)], now))
    list(transport.send([message(2)], now))
    transport.close()
    transport.close()

    assert server.connections == 1
    assert server.commands[-1] == "QUIT"


def test_a_connection_that_died_between_batches_costs_nobody_anything(
    serve, transport_to, message, now
):
    server = serve()
    transport = transport_to(server)
    list(transport.send([message(1)], now))
    server.drop_everyone()

    receipts = list(transport.send([message(2)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250)]
    assert server.connections == 2


def test_an_empty_batch_does_not_even_connect(serve, transport_to, now):
    server = serve()

    assert list(transport_to(server).send([], now)) == []
    assert server.connections == 0


# --- what a server says of one message ----------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize(
    ("stage", "reply", "outcome", "words"),
    [
        ("RCPT", "550 5.1.1 no such user", REFUSED, "RCPT: 5.1.1 no such user"),
        ("RCPT", "450 4.2.1 busy", DEFERRED, "RCPT: 4.2.1 busy"),
        ("DATA", "554 5.7.1 no", REFUSED, "DATA: 5.7.1 no"),
        ("DATA", "451 4.3.0 later", DEFERRED, "DATA: 4.3.0 later"),
        ("END", "550 5.7.1 looks like spam", REFUSED, "after DATA: 5.7.1 looks like spam"),
        ("END", "454 Throttling failure", DEFERRED, "after DATA: Throttling failure"),
        ("MAIL", "552 5.3.4 too big", REFUSED, "MAIL: 5.3.4 too big"),
        ("MAIL", "451 4.7.1 slow down", DEFERRED, "MAIL: 4.7.1 slow down"),
    ],
)
def test_a_refusal_concerns_one_message_and_the_next_goes_out(
    serve, transport_to, message, now, extensions, stage, reply, outcome, words
):
    server = serve(extensions=extensions, replies={stage: [reply]})

    first, second = transport_to(server).send([message(1), message(2)], now)

    assert (first.outcome, first.code, first.reply) == (outcome, int(reply[:3]), words)
    assert second.outcome is ACCEPTED
    assert [each.content for each in server.taken] == [message(2).content]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("stage", "reply", "unknown"),
    [
        ("END", "451 4.3.0 queue file write error", True),
        ("END", "454 Throttling failure", False),
        ("RCPT", "451 4.3.0 later", False),
    ],
)
def test_a_server_whose_parts_fail_after_the_content_may_have_taken_it(
    serve, transport_to, message, now, stage, reply, unknown
):
    server = serve(replies={stage: [reply]})

    (receipt,) = transport_to(server).send([message()], now)

    assert (receipt.outcome, receipt.unknown) == (DEFERRED, unknown)


def test_a_refused_sender_is_our_own_fault_so_the_message_waits(serve, transport_to, message, now):
    server = serve(replies={"MAIL": ["550 5.7.1 account suspended"]})

    (receipt,) = transport_to(server).send([message()], now)

    assert (receipt.outcome, receipt.code) == (DEFERRED, 550)


def test_a_server_that_waits_for_content_nobody_may_get_is_given_an_empty_message(
    serve, transport_to, message, now
):
    server = serve(replies={"RCPT": ["550 5.1.1 unknown"], "DATA": ["354 Go ahead"]})

    receipts = list(transport_to(server).send([message(1), message(2)], now))

    assert outcomes(receipts) == [(REFUSED, 550), (ACCEPTED, 250)]
    assert len(server.taken) == 1
    assert server.connections == 1


def test_replies_are_kept_without_email_addresses(serve, transport_to, message, now):
    server = serve(replies={"RCPT": ["550 5.1.1 <reader@example.net>: unknown"]})

    (receipt,) = transport_to(server).send([message()], now)

    assert receipt.reply == "RCPT: 5.1.1 <address>: unknown"


@pytest.mark.parametrize("hang_up_at", ["DATA", "RSET"])
def test_a_refusal_stands_even_if_the_server_hangs_up_right_after_it(
    serve, transport_to, message, now, hang_up_at
):
    server = serve(replies={"RCPT": ["550 5.1.1 unknown"], hang_up_at: ["DROP"]})

    receipts = list(transport_to(server).send([message(1), message(2)], now))

    assert outcomes(receipts) == [(REFUSED, 550), (ACCEPTED, 250)]
    assert server.connections == 2


# --- what we refuse ourselves ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"content": b"Subject: x\n\r\nhi\r\n"}, "stands alone"),
        ({"content": b"Subject: x\r\n\r\nhi\rthere\r\n"}, "stands alone"),
        ({"content": b"Subject: x\r\n\r\n" + b"y" * 999 + b"\r\n"}, "longer than 998"),
        ({"content": b"Subject: x\r\n\r\n\0\r\n"}, "NUL"),
        ({"recipient": "a@example.net>\r\nRCPT TO:<b@example.net"}, "5.1.3"),
        ({"sender": "a b@example.net"}, "5.1.7"),
    ],
)
def test_a_broken_message_is_refused_without_asking_and_spares_its_batch(
    serve, transport_to, message, now, broken, words
):
    server = serve()

    first, second = transport_to(server).send([message(1, **broken), message(2)], now)

    assert (first.outcome, first.code) == (REFUSED, 0)
    assert words in first.reply
    assert second.outcome is ACCEPTED
    assert len(server.taken) == 1


def test_a_non_ascii_mailbox_needs_a_server_that_knows_smtputf8(serve, transport_to, message, now):
    one = message(recipient="grüße@example.net")

    (refused,) = transport_to(serve()).send([one], now)
    able = serve(extensions=("SMTPUTF8", "8BITMIME"))
    (accepted,) = transport_to(able).send([one], now)

    assert (refused.outcome, refused.reply[:5]) == (REFUSED, "5.6.7")
    assert accepted.outcome is ACCEPTED
    assert able.taken[0].mail == "MAIL FROM:<bounce@example.org> SMTPUTF8"
    assert able.taken[0].rcpt == "RCPT TO:<grüße@example.net>"


def test_eight_bit_content_is_announced_or_else_refused(serve, transport_to, message, now):
    one = message(content="Subject: x\r\n\r\nGrüße\r\n".encode())
    able = serve(extensions=("8BITMIME",))

    (accepted,) = transport_to(able).send([one], now)
    (refused,) = transport_to(serve(extensions=())).send([one], now)

    assert accepted.outcome is ACCEPTED
    assert able.taken[0].mail.endswith(" BODY=8BITMIME")
    assert (refused.outcome, refused.reply[:5]) == (REFUSED, "5.6.3")


# --- connections that break -----------------------------------------------------------------------


def test_a_connection_lost_after_the_final_dot_leaves_that_message_in_doubt_only(
    serve, transport_to, message, now
):
    server = serve(replies={"END": [None, "DROP"]})

    receipts = list(transport_to(server).send([message(n) for n in (1, 2, 3)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250), (DEFERRED, 0), (ACCEPTED, 250)]
    assert receipts[1].reply == "connection lost after DATA: outcome unknown"
    assert server.connections == 2


def test_a_connection_that_ends_before_the_content_is_renewed_and_the_message_sent(
    serve, transport_to, message, now
):
    server = serve(replies={"MAIL": [None, "DROP"]})

    receipts = list(transport_to(server).send([message(1), message(2)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250)] * 2
    assert server.connections == 2


def test_the_usual_421_after_so_many_messages_delays_nobody(serve, transport_to, message, now):
    server = serve(replies={"MAIL": [None, "421 4.7.0 too many messages in this connection"]})

    receipts = list(transport_to(server).send([message(n) for n in (1, 2, 3)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250)] * 3
    assert server.connections == 2


def test_421_on_a_new_connection_defers_the_message_and_reconnects(
    serve, transport_to, message, now
):
    server = serve(replies={"MAIL": ["421 4.3.2 shutting down"]})

    receipts = list(transport_to(server).send([message(1), message(2)], now))

    assert outcomes(receipts) == [(DEFERRED, 421), (ACCEPTED, 250)]


def test_421_after_the_final_dot_means_that_the_message_was_not_taken(
    serve, transport_to, message, now
):
    server = serve(replies={"END": [None, "421 4.3.2 shutting down"]})

    receipts = list(transport_to(server).send([message(n) for n in (1, 2, 3)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250), (DEFERRED, 421), (ACCEPTED, 250)]


def test_a_server_that_keeps_hanging_up_is_left_in_peace_after_three_times(
    serve, transport_to, message, now, caplog
):
    server = serve(replies={"MAIL": ["DROP"] * 10})

    receipts = list(transport_to(server).send([message(n) for n in range(8)], now))

    assert outcomes(receipts) == [(DEFERRED, 0)] * 8
    assert server.connections == 3
    assert [record.action for record in caplog.records] == ["smtp_down"]


def test_a_server_that_falls_silent_at_once_defers_the_rest_after_one_time_limit(
    serve, transport_to, message, now
):
    server = serve(replies={"END": ["HANG"]})
    transport = transport_to(server, reply_timeout=0.2)

    receipts = list(transport.send([message(n) for n in range(4)], now))

    assert outcomes(receipts) == [(DEFERRED, 0)] * 4
    assert receipts[0].reply == "no answer in time after DATA: outcome unknown"
    assert [each.untried for each in receipts] == [False, True, True, True]
    assert server.connections == 1


@pytest.mark.parametrize("stage", ["RCPT", "END"])
def test_silence_about_one_message_on_a_connection_that_served_others_costs_no_other(
    serve, transport_to, message, now, stage
):
    server = serve(replies={stage: [None, "HANG"]})
    transport = transport_to(server, reply_timeout=0.2)

    receipts = list(transport.send([message(n) for n in range(4)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250), (DEFERRED, 0)] + [(ACCEPTED, 250)] * 2
    assert receipts[1].reply.startswith("no answer in time")
    assert server.connections == 2, "nor is it asked about the same message at once again"


@BOTH_WAYS
def test_a_server_may_take_longer_for_an_answer_than_for_a_connection(
    serve, transport_to, message, now, extensions
):
    """Also after a NOOP, which comes before a second batch and is waited for briefly."""
    late = {"MAIL": ["LATE"], "END": ["LATE"], "RCPT": [None, "LATE"], "DATA": [None, "LATE"]}
    server = serve(extensions=extensions, replies=late)
    transport = transport_to(server, timeout=0.2, reply_timeout=5)

    receipts = [
        receipt for number in range(2) for receipt in transport.send([message(number)], now)
    ]

    assert outcomes(receipts) == [(ACCEPTED, 250)] * 2
    assert server.connections == 1


@pytest.mark.parametrize("step", ["NOOP", "QUIT"])
def test_a_server_is_not_waited_for_when_it_is_only_asked_whether_it_is_there(
    serve, transport_to, message, now, step
):
    server = serve(replies={step: ["HANG"]})
    transport = transport_to(server, timeout=0.2, reply_timeout=60)
    list(transport.send([message(1)], now))

    again = list(transport.send([message(2)], now))
    transport.close()

    assert outcomes(again) == [(ACCEPTED, 250)]


def test_who_comes_after_a_failed_connection_was_not_tried(serve, transport_to, message, now):
    server = serve(replies={"GREETING": ["421 4.3.2 try later"]})

    receipts = list(transport_to(server).send([message(n) for n in range(3)], now))

    assert [(each.code, each.untried) for each in receipts] == [
        (421, False),
        (421, True),
        (421, True),
    ]


def test_after_a_bad_batch_the_next_one_starts_afresh(serve, transport_to, message, now):
    server = serve(replies={"GREETING": ["421 4.3.2 try later"]})
    transport = transport_to(server)

    first = list(transport.send([message(1), message(2)], now))
    second = list(transport.send([message(1), message(2)], now))

    assert outcomes(first) == [(DEFERRED, 421)] * 2
    assert outcomes(second) == [(ACCEPTED, 250)] * 2


@pytest.mark.parametrize("greeting", ["554 5.7.1 your network is blocked", "HANG", "DROP", "hello"])
def test_a_greeting_that_is_no_welcome_defers_everything(
    serve, transport_to, message, now, greeting
):
    server = serve(replies={"GREETING": [greeting]})

    receipts = list(transport_to(server, timeout=0.2).send([message(n) for n in range(3)], now))

    assert [each.outcome for each in receipts] == [DEFERRED] * 3
    assert server.connections == 1


def test_when_nobody_listens_everything_is_deferred(message, now):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    transport = SmtpTransport(MailServer(host="127.0.0.1", port=port, hello="us.example"))

    receipts = list(transport.send([message(1), message(2)], now))

    assert outcomes(receipts) == [(DEFERRED, 0)] * 2
    assert "Connection refused" in receipts[0].reply
    assert all(each.untried for each in receipts), "none was offered to anybody"


def test_words_that_are_not_smtp_end_the_connection_not_the_batch(
    serve, transport_to, message, now
):
    server = serve(extensions=(), replies={"MAIL": ["what?", "354 too eager"]})

    receipts = list(transport_to(server).send([message(n) for n in (1, 2, 3)], now))

    assert outcomes(receipts) == [(DEFERRED, 0), (DEFERRED, 0), (ACCEPTED, 250)]


def test_every_message_has_its_receipt_when_parallel_connections_break(
    serve, transport_to, message, now
):
    server = serve(replies={"END": [None, "DROP", None, "DROP", None], "RCPT": ["550 5.1.1 no"]})
    batch = [message(n) for n in range(12)]

    receipts = list(transport_to(server, connections=3).send(batch, now))

    assert sorted(each.digest_id for each in receipts) == sorted(each.digest_id for each in batch)
    assert sorted(code for _, code in outcomes(receipts)) == [0, 0, *[250] * 9, 550]


def test_a_connection_that_falls_silent_leaves_the_rest_to_the_others(
    serve, transport_to, message, now
):
    server = serve(replies={"GREETING": [None, "HANG"]})
    transport = transport_to(server, connections=2, timeout=0.3)

    receipts = list(transport.send([message(n) for n in range(8)], now))

    assert outcomes(receipts) == [(ACCEPTED, 250)] * 8


def test_whoever_allows_fewer_connections_than_we_want_has_the_mail_by_the_others(
    serve, transport_to, message, now, caplog
):
    server = serve(replies={"GREETING": [None, *["421 4.7.0 too many connections"] * 2]})

    receipts = list(transport_to(server, connections=3).send(map(message, range(12)), now))

    assert outcomes(receipts) == [(ACCEPTED, 250)] * 12
    assert server.connections == 3
    assert all("too many connections" in each.getMessage() for each in caplog.records)


def test_when_no_connection_is_left_every_message_has_its_receipt_at_once(
    serve, transport_to, message, now
):
    server = serve(replies={"MAIL": ["HANG"] * 3})
    transport = transport_to(server, connections=3, reply_timeout=0.2)

    receipts = list(transport.send([message(n) for n in range(12)], now))

    assert outcomes(receipts) == [(DEFERRED, 0)] * 12
    assert [each.untried for each in receipts].count(False) == server.connections == 3
