"""One connection to one mail server: set-up by smtplib, messages by prepared bytes.

smtplib's own `sendmail` runs two regular expressions over every body and waits for a reply
after every command; here a body is sent as it is, and where the server offers PIPELINING
(RFC 2920) a message costs two round trips instead of four.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from digest.delivery.policy import scrub
from digest.delivery.wire import Prepared
from digest.errors import ConfigError, DeliveryDeferred
from digest.model import Outcome

Security = Literal["none", "opportunistic", "starttls", "tls"]

SETTING = "DIGEST_SMTP_URL"
# RFC 5321 §4.5.3.2.6: giving up early on the reply to the final dot sends the message twice.
FINAL_TIMEOUT = 600.0
_EXPECTED = {"MAIL": 2, "RCPT": 2, "DATA": 3, "after DATA": 2, "RSET": 2, "NOOP": 2}
_CLOSING = 421
_TOO_LARGE = 552
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where and how to connect.

    `security` is `tls` (from the first byte), `starttls` (required), `opportunistic` (if
    offered) or `none`. `tls` overrides how certificates are checked; by default they are,
    except that opportunistic TLS without a password takes any (RFC 7435). Times in seconds.
    """

    host: str
    port: int
    security: Security = "opportunistic"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0
    final_timeout: float = FINAL_TIMEOUT
    hello: str = ""
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Host and port, as errors name them."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a hand-over ended: the outcome, the server's code (0: none came) and scrubbed words.

    `closed` says that the connection cannot be used any more, `unsent` that the message has
    certainly not been taken although nobody refused it, `timed_out` that the server fell silent.
    """

    outcome: Outcome
    code: int
    text: str
    closed: bool = False
    unsent: bool = False
    timed_out: bool = False


def connect(server: MailServer) -> smtplib.SMTP:
    """A connection that is encrypted, introduced and authenticated as the server asks.

    Raises ConfigError when only the operator can help (certificate, STARTTLS or AUTH refused,
    a password about to go out in the clear), DeliveryDeferred for everything else.
    """
    with _explained(server), ExitStack() as undo:
        client = _dial(server)
        undo.callback(client.close)
        client.ehlo_or_helo_if_needed()
        if server.security in ("starttls", "opportunistic"):
            _start_tls(client, server)
        if server.username:
            _authenticate(client, server)
        # Nagle's algorithm would hold back the last piece of a body for a delayed ACK (40 ms).
        if client.sock:
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        undo.pop_all()
        return client


def hand_over(client: smtplib.SMTP, server: MailServer, message: Prepared) -> Reply:
    """Offer one message; never raises for what the network or the server does."""
    missing = _missing_extension(client, message)
    if missing:
        return Reply(outcome=Outcome.REFUSED, code=0, text=missing)
    offered = False
    try:
        refusal = _announce(client, message)
        if refusal:
            return refusal
        client.send(message.data)
        offered = True
        return _final_reply(client, server)
    except OSError as error:  # every exception of smtplib is one
        client.close()
        return _broken(error, offered=offered)


def is_alive(client: smtplib.SMTP) -> bool:
    """Whether a connection that has been idle can still be used; asks with NOOP."""
    try:
        code, _ = client.noop()
    except OSError:
        code = 0
    if code // 100 != _EXPECTED["NOOP"]:
        client.close()
        return False
    return True


def say_goodbye(client: smtplib.SMTP) -> None:
    """QUIT, and close whatever the answer."""
    with suppress(OSError):
        client.quit()
    client.close()


def _dial(server: MailServer) -> smtplib.SMTP:
    hello = server.hello or None
    if server.security == "tls":
        return smtplib.SMTP_SSL(
            server.host, server.port, hello, timeout=server.timeout, context=_context(server)
        )
    return smtplib.SMTP(server.host, server.port, hello, timeout=server.timeout)


def _context(server: MailServer) -> ssl.SSLContext:
    if server.tls:
        return server.tls
    context = ssl.create_default_context()
    if server.security == "opportunistic" and not server.username:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _start_tls(client: smtplib.SMTP, server: MailServer) -> None:
    if not client.has_extn("starttls"):
        if server.security == "starttls":
            raise ConfigError(
                f"{SETTING}: {server.place} does not offer STARTTLS, which the address requires",
                subject=server.place,
            )
        return
    code, words = client.starttls(context=_context(server))
    if code != 220:  # noqa: PLR2004 - "ready to start TLS"
        raise smtplib.SMTPResponseException(code, words)
    client.ehlo()


def _authenticate(client: smtplib.SMTP, server: MailServer) -> None:
    in_clear = not isinstance(client.sock, ssl.SSLSocket)
    if in_clear and server.security != "none" and server.host not in _LOOPBACK:
        raise ConfigError(
            f"{SETTING}: {server.place} offers no encryption, and a password is not sent in the "
            "clear; add ?security=none to do so all the same",
            subject=server.place,
        )
    try:
        client.login(server.username, server.password)
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{SETTING}: the user name and password may hold ASCII characters only",
            subject=server.place,
        ) from error
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code < 500:  # noqa: PLR2004 - a passing failure
            raise
        raise ConfigError(
            f"{SETTING}: {server.place} refuses the user name or password: "
            f"{error.smtp_code} {_words(error.smtp_error)}",
            subject=server.place,
        ) from error
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException as error:
        raise ConfigError(
            f"{SETTING}: {server.place} offers no way to authenticate that we know; "
            "leave the user name out if it needs none",
            subject=server.place,
        ) from error


@contextmanager
def _explained(server: MailServer) -> Iterator[None]:
    """Turn what smtplib, ssl and socket raise into our errors, in words for the operator."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(
            f"{SETTING}: the certificate of {server.place} is not trusted: "
            f"{error.verify_message}; add ?verify=no if you know why",
            subject=server.place,
        ) from error
    except ssl.SSLError as error:
        if error.reason == "WRONG_VERSION_NUMBER":
            raise ConfigError(
                f"{SETTING}: {server.place} does not begin with TLS; "
                "try smtp+starttls:// instead of smtps://",
                subject=server.place,
            ) from error
        raise _unreachable(server, f"TLS failed ({error.reason})") from error
    except smtplib.SMTPResponseException as error:
        words = _words(error.smtp_error)
        raise DeliveryDeferred(
            f"{server.place} answered {error.smtp_code} {words}",
            subject=server.place,
            code=max(error.smtp_code, 0),
            reply=words,
        ) from error
    except TimeoutError as error:
        raise _unreachable(server, f"no answer within {server.timeout:g} s") from error
    except OSError as error:
        raise _unreachable(server, error.strerror or str(error)) from error


def _unreachable(server: MailServer, why: str) -> DeliveryDeferred:
    words = scrub(why)
    return DeliveryDeferred(
        f"{server.place} cannot be reached: {words}",
        subject=server.place,
        reply=f"the mail server cannot be reached: {words}",
    )


def _missing_extension(client: smtplib.SMTP, message: Prepared) -> str:
    if message.utf8 and not client.has_extn("smtputf8"):
        return (
            "5.6.7 the address is not ASCII and the mail server cannot send to such "
            "addresses (no SMTPUTF8)"
        )
    if message.eight_bit and not client.has_extn("8bitmime"):
        return "5.6.3 the message holds 8-bit bytes and the mail server takes none (no 8BITMIME)"
    return ""


def _announce(client: smtplib.SMTP, message: Prepared) -> Reply | None:
    """MAIL, RCPT and DATA; None once the server waits for the content.

    With PIPELINING all three go out at once. A server may then answer 354 although it has
    refused the recipient: RFC 2920 §3.1 has the client end that empty message with a dot.
    """
    commands = _commands(client, message)
    at_once = client.has_extn("pipelining")
    if at_once:
        client.send(b"".join(commands.values()))
    refusal: Reply | None = None
    for stage, command in commands.items():
        if not at_once:
            client.send(command)
        code, words = client.getreply()
        if code // 100 == _EXPECTED[stage]:
            continue
        refusal = refusal or _refusal(client, stage, code, words)
        if refusal.closed:
            return refusal
        if not at_once:
            break
    else:
        if refusal and code == 354:  # noqa: PLR2004 - "start mail input"
            client.send(b".\r\n")
            client.getreply()
    return _reset(client, refusal) if refusal else None


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


def _final_reply(client: smtplib.SMTP, server: MailServer) -> Reply:
    if client.sock:
        client.sock.settimeout(server.final_timeout)
    code, words = client.getreply()
    if client.sock:
        client.sock.settimeout(server.timeout)
    if code // 100 == _EXPECTED["after DATA"]:
        return Reply(outcome=Outcome.ACCEPTED, code=code, text=_words(words))
    return _refusal(client, "after DATA", code, words)


def _refusal(client: smtplib.SMTP, stage: str, code: int, words: bytes) -> Reply:
    """What a 4xx or 5xx means (RFC 5321 §4.2.1); anything else is not SMTP and raises.

    A 5xx to MAIL is deferred unless it is about size: no recipient has been named yet, so it
    speaks of our own address or account, and the operator can mend those in time.
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
    )


def _reset(client: smtplib.SMTP, refusal: Reply) -> Reply:
    """Clear the failed transaction, so that the next message finds a clean slate."""
    try:
        code, _ = client.rset()
    except OSError:
        code = 0
    if code // 100 == _EXPECTED["RSET"]:
        return refusal
    client.close()
    return replace(refusal, closed=True)


def _broken(error: OSError, *, offered: bool) -> Reply:
    if isinstance(error, smtplib.SMTPResponseException):
        text = f"the server's reply is not SMTP: {_words(error.smtp_error)}"
    elif offered:
        text = "connection lost after DATA: outcome unknown"
    else:
        text = "connection lost before the message was sent"
    return Reply(
        outcome=Outcome.DEFERRED,
        code=0,
        text=text,
        closed=True,
        unsent=not offered,
        timed_out=isinstance(error.__context__, TimeoutError),
    )


def _words(reply: bytes | str) -> str:
    return scrub(reply.decode(errors="replace") if isinstance(reply, bytes) else reply)
