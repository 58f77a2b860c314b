"""Connect to a mail server: greeting, TLS, AUTH.

The protocol is smtplib's. Added here is which failures the operator must mend and which may pass,
and that neither ever shows a password.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from digest.delivery.policy import scrub
from digest.errors import ConfigError, DeliveryDeferred

Security = Literal["none", "opportunistic", "starttls", "tls"]

SETTING = "[smtp] url"
# RFC 5321 §4.5.3.2 asks for 5 minutes for MAIL and RCPT, and for 10 after the final dot, where giving
# up sends a message twice. It is 5 here, because a lease keeps that long for the last answer (`held`),
# and a lease that ends before the answer comes sends it twice as well.
REPLY_TIMEOUT = 300.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where and how to connect.

    `security` is `tls` (from the first byte), `starttls` (required), `opportunistic` (if
    offered) or `none`. `tls` overrides how certificates are checked; by default they are,
    except that opportunistic TLS without a password takes any (RFC 7435). `timeout` bounds every
    step of connecting and of saying goodbye, `reply_timeout` those of handing a message over; both
    in seconds.
    """

    host: str
    port: int
    security: Security = "opportunistic"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0
    reply_timeout: float = REPLY_TIMEOUT
    hello: str = ""
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Host and port, as errors name them."""
        return f"{self.host}:{self.port}"

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        return self.host in _LOOPBACK


def connect(server: MailServer) -> smtplib.SMTP:
    """A connection that is encrypted, introduced and authenticated as the server asks.

    From then on the server has `reply_timeout` for each answer. Raises ConfigError if only the
    operator can help (certificate, STARTTLS or AUTH refused, a password about to go out in the
    clear), DeliveryDeferred for everything else.
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
            client.sock.settimeout(server.reply_timeout)
        undo.pop_all()
        return client


@cache
def tls_context(*, verify: bool) -> ssl.SSLContext:
    """The default TLS settings, shared: loading certificates takes longer than sending a mail."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def is_alive(client: smtplib.SMTP) -> bool:
    """Whether an idle connection can still be used; asks with NOOP and waits briefly."""
    patience = _hurry(client)
    try:
        code, _ = client.noop()
    except OSError:
        code = 0
    if code != 250:  # noqa: PLR2004 - the one good answer
        client.close()
        return False
    if client.sock:
        client.sock.settimeout(patience)
    return True


def say_goodbye(client: smtplib.SMTP) -> None:
    """QUIT, and close whatever the answer."""
    with suppress(OSError):
        _hurry(client)
        client.quit()
    client.close()


def _hurry(client: smtplib.SMTP) -> float | None:
    """Wait no longer for an answer than for a connection; returns the time limit before."""
    patience = client.sock.gettimeout() if client.sock else None
    if client.sock:
        client.sock.settimeout(client.timeout)
    return patience


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
    return tls_context(verify=server.security != "opportunistic" or bool(server.username))


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
    client.ehlo_or_helo_if_needed()


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
            f"{error.smtp_code} {words_of(error.smtp_error)}",
            subject=server.place,
        ) from error
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException as error:
        raise ConfigError(
            f"{SETTING}: {server.place} offers no way to log in that Digest knows; "
            "leave the user name out if it needs none",
            subject=server.place,
        ) from error


@contextmanager
def _explained(server: MailServer) -> Iterator[None]:
    """Turn errors of smtplib, ssl and socket into ours, in words for the operator."""
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
        words = words_of(error.smtp_error)
        if error.smtp_code // 100 not in (4, 5):
            raise _unreachable(server, f"its answer is not SMTP: {words}") from error
        raise DeliveryDeferred(
            f"{server.place} answered {error.smtp_code} {words}",
            subject=server.place,
            code=error.smtp_code,
            reply=words,
        ) from error
    except UnicodeError as error:
        raise ConfigError(
            f"{SETTING}: {server.place} is not a host name that can be looked up",
            subject=server.place,
        ) from error
    except smtplib.SMTPServerDisconnected as error:
        silent = isinstance(error.__context__, TimeoutError)
        why = f"no answer within {server.timeout:g} s" if silent else str(error)
        raise _unreachable(server, why) from error
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


def words_of(reply: bytes | str) -> str:
    """A server's words, safe to show and to keep."""
    return scrub(reply.decode(errors="replace") if isinstance(reply, bytes) else reply)
