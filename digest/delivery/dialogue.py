"""Hand one prepared message over on an open connection.

smtplib's own `sendmail` runs two regular expressions over every body and waits for a reply after
every command. Here a body is sent as it is. Where the server offers PIPELINING (RFC 2920), a
message takes two round trips instead of four, or only one: the commands that announce the next
message go right behind the content of this one.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from digest.delivery.connection import words_of
from digest.delivery.policy import scrub
from digest.delivery.wire import Prepared
from digest.model import Outcome

# The first digit of the answer that lets each step go on (RFC 5321 §4.3.2).
_EXPECTED = {"MAIL": 2, "RCPT": 2, "DATA": 3, "after DATA": 2, "RSET": 2}
_COMMANDS = ("MAIL", "RCPT", "DATA")
_CLOSING = 421
_PROCESSING = 451
_TOO_LARGE = 552
_OUT_OF_ORDER = range(500, 505)  # and 5.5.X, protocol status (RFC 3463 §3.6)
_DOT = b".\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a hand-over ended: the outcome, the server's code (0 if none came) and scrubbed words.

    - `closed`: the connection cannot be used any more.
    - `unsent`: the message was certainly not taken, although nobody refused it.
    - `unknown`: it may have been taken.
    - `untried`: it was not even offered.
    - `timed_out`: the server fell silent.
    - `announced`: the commands for the next message went behind the content.
    - `out_of_order`: the server complains about the order of commands, not about the message.
    """

    outcome: Outcome
    code: int
    text: str
    closed: bool = False
    unsent: bool = False
    unknown: bool = False
    untried: bool = False
    timed_out: bool = False
    announced: bool = False
    out_of_order: bool = False


def announcement(client: smtplib.SMTP, message: Prepared) -> bytes:
    """MAIL, RCPT and DATA together; b"" if the server or the message does not allow that."""
    if not client.has_extn("pipelining") or _missing_extension(client, message):
        return b""
    return b"".join(_commands(client, message).values())


def hand_over(
    client: smtplib.SMTP,
    message: Prepared,
    held: Callable[[], bool],
    meanwhile: Callable[[], object] = lambda: None,
    *,
    announced: bool = False,
    behind: bytes = b"",
) -> Reply:
    """Offer one message; network and server faults become a Reply, only `held` may raise.

    `meanwhile` is called once the server has the whole message, before its answer is waited for.
    `behind` is the `announcement` of the next message and goes with the final dot (RFC 2920 §3.1
    allows that); that next message is then handed over as `announced`, and only its answers are
    read.

    The final dot makes the message the server's. It is sent only if `held` then says that the
    message is still ours, since we may have slept meanwhile. Otherwise we hang up, and nobody has
    it.
    """
    missing = _missing_extension(client, message)
    if missing:
        return Reply(outcome=Outcome.REFUSED, code=0, text=missing)
    offered = False
    try:
        refusal = _announce(client, message, announced=announced)
        if refusal:
            return refusal
        offered = _hand_content(client, message.data, held, behind)
        if not offered:
            client.close()
            return _LATE
        meanwhile()
        return _final_reply(client, announced=bool(behind))
    except OSError as error:  # every exception of smtplib is one
        client.close()
        return _broken(error, offered=offered)
    except BaseException:  # in the middle of a message, whatever comes next would be part of it
        client.close()
        raise


def _hand_content(
    client: smtplib.SMTP, data: bytes, held: Callable[[], bool], behind: bytes
) -> bool:
    """Send the content and the final dot; False if `held` says no, and then without the dot.

    What the system takes at once goes in one call, so that the server wakes once for a message, not
    twice. If that is not all, because the server is slow, `held` is asked again before the rest.
    TLS takes everything, however long that lasts, so there the dot always goes separately.
    """
    if not held():
        return False
    end = _DOT + behind
    gone = 0 if isinstance(client.sock, ssl.SSLSocket) else _sent_at_once(client, data, end)
    if gone < len(data) + len(_DOT):
        client.send(data[gone:])
        if not held():
            return False
        gone = max(gone, len(data))
    if gone < len(data) + len(end):
        line = _line(client)
        # From here on the server may have the dot, whatever goes wrong: its answer tells, if any.
        # smtplib's `send` would close the connection, and nobody could read it.
        try:
            line.sendall(end[gone - len(data) :])
        except TimeoutError:  # this was its time to answer
            client.close()
        except OSError:
            pass
    return True


def _sent_at_once(client: smtplib.SMTP, *content: bytes) -> int:
    """Send as much as the system takes in one go; how many bytes."""
    line = _line(client)
    try:
        return line.sendmsg(content)
    except OSError:
        client.close()
        raise smtplib.SMTPServerDisconnected("connection lost")  # noqa: B904 - as smtplib has it


def _line(client: smtplib.SMTP) -> socket.socket:
    """The open socket; raises if there is none, which smtplib does not check before it reads."""
    if client.sock is None:
        raise smtplib.SMTPServerDisconnected("not connected")
    return client.sock


def _missing_extension(client: smtplib.SMTP, message: Prepared) -> str:
    if message.utf8 and not client.has_extn("smtputf8"):
        return (
            "5.6.7 the address is not ASCII and the mail server cannot send to such "
            "addresses (no SMTPUTF8)"
        )
    if message.eight_bit and not client.has_extn("8bitmime"):
        return "5.6.3 the message holds 8-bit bytes and the mail server takes none (no 8BITMIME)"
    return ""


def _announce(client: smtplib.SMTP, message: Prepared, *, announced: bool) -> Reply | None:
    """MAIL, RCPT and DATA; None once the server waits for the content.

    With PIPELINING all three go out at once, and their answers are read one after another.
    """
    if announced:
        refusal = _answers_to(client, _COMMANDS)
    elif client.has_extn("pipelining"):
        client.send(announcement(client, message))
        refusal = _answers_to(client, _COMMANDS)
    else:
        refusal = None
        for stage, command in _commands(client, message).items():
            client.send(command)
            refusal = _answers_to(client, [stage])
            if refusal:
                break
    return _reset(client, refusal) if refusal and not refusal.closed else refusal


def _answers_to(client: smtplib.SMTP, stages: Iterable[str]) -> Reply | None:
    """The first refusal among the answers to these commands; later answers do not change it.

    A server may answer 354 to DATA although it has refused the recipient: RFC 2920 §3.1 has the
    client end that empty message with a dot.
    """
    refusal: Reply | None = None
    try:
        for stage in stages:
            code, words = client.getreply()
            if code // 100 != _EXPECTED[stage]:
                refusal = refusal or _refusal(client, stage, code, words)
                if refusal.closed:
                    return refusal
            elif stage == "DATA" and refusal:
                client.send(_DOT)
                client.getreply()
    except OSError:
        if refusal is None:
            raise
        client.close()
        return replace(refusal, closed=True)
    return refusal


def _commands(client: smtplib.SMTP, message: Prepared) -> dict[str, bytes]:
    options = ""
    if client.has_extn("size"):
        options += f" SIZE={message.size}"
    if message.eight_bit:
        options += " BODY=8BITMIME"
    if message.utf8:
        options += " SMTPUTF8"
    return {
        "MAIL": f"MAIL FROM:<{message.sender}>{options}\r\n".encode(),
        "RCPT": f"RCPT TO:<{message.recipient}>\r\n".encode(),
        "DATA": b"DATA\r\n",
    }


def _final_reply(client: smtplib.SMTP, *, announced: bool) -> Reply:
    _line(client)
    code, words = client.getreply()
    if code // 100 == _EXPECTED["after DATA"]:
        text = words_of(words)
        return Reply(outcome=Outcome.ACCEPTED, code=code, text=text, announced=announced)
    return replace(_refusal(client, "after DATA", code, words), announced=announced)


def _refusal(client: smtplib.SMTP, stage: str, code: int, words: bytes) -> Reply:
    """What a 4xx or 5xx means (RFC 5321 §4.2.1); anything else is not SMTP and raises.

    A 5xx to MAIL is deferred unless it is about size: no recipient has been named yet, so it is
    about our own address or account, which the operator can mend in time.
    """
    if code // 100 not in (4, 5):
        raise smtplib.SMTPResponseException(code, words)
    for_good = code // 100 == 5 and (stage != "MAIL" or code == _TOO_LARGE)  # noqa: PLR2004
    closing = code == _CLOSING
    if closing:
        client.close()
    return Reply(
        outcome=Outcome.REFUSED if for_good else Outcome.DEFERRED,
        code=code,
        text=scrub(f"{stage}: {words.decode(errors='replace')}"),
        closed=closing,
        unsent=closing and stage != "after DATA",
        # A server whose parts fail may have queued the message before it lost its head.
        unknown=code == _PROCESSING and stage == "after DATA",
        out_of_order=stage != "RCPT" and (code in _OUT_OF_ORDER or words.startswith(b"5.5.")),
    )


def _reset(client: smtplib.SMTP, refusal: Reply) -> Reply:
    """Clear the failed transaction for the next message; if that fails, close the connection."""
    try:
        code, _ = client.rset()
    except OSError:
        code = 0
    if code // 100 == _EXPECTED["RSET"]:
        return refusal
    client.close()
    return replace(refusal, closed=True)


def _broken(error: OSError, *, offered: bool) -> Reply:
    silent = isinstance(error.__context__, TimeoutError)
    lost = "no answer in time" if silent else "connection lost"
    if isinstance(error, smtplib.SMTPResponseException):
        text = f"the server's reply is not SMTP: {words_of(error.smtp_error)}"
    elif offered:
        text = f"{lost} after DATA: outcome unknown"
    else:
        text = f"{lost} before the message was sent"
    return Reply(
        outcome=Outcome.DEFERRED,
        code=0,
        text=text,
        closed=True,
        unsent=not offered,
        unknown=offered,
        timed_out=silent,
    )


_LATE = Reply(
    outcome=Outcome.DEFERRED,
    code=0,
    text="not sent: another worker may have sent it, or the ledger could not be written",
    closed=True,
)
