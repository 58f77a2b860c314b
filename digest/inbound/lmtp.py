"""Receive mail from a mail server on the same machine by LMTP (RFC 2033).

A mail that is accepted is stored. While it cannot be stored the answer is 451, and the mail server
keeps the mail and tries again. Whoever can connect can forge any sender, so listen on loopback or
in a folder that only the mail server may enter.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import socket
import threading
import weakref
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from digest.errors import ConfigError, DigestError, RetryLater
from digest.inbound.headers import LONGEST_ADDRESS, domain_of

log = logging.getLogger(__name__)

Deliver = Callable[[bytes, list[str]], object]

MOST_BYTES = 2_000_000
LONGEST_LINE = 100_000
MOST_RECIPIENTS = 50
IDLE_SECONDS = 300
CLOSE_SECONDS = 10
FLUSH_SECONDS = 0.05
GREETING_SECONDS = 5
GREETING_BYTES = 512
LAST_PORT = 65535
UNIX = "unix:"
IDENT = "Digest"
# Workers of one database know each other by a hash of this secret.
SECRET = "lmtp"  # noqa: S105 - its name
PROGRAM = "another program"
ANOTHER = "another Digest, with another database,"

TAKEN = "250 2.0.0 taken"
LATER = "451 4.3.0 not now, try again later"
TOO_MANY = "452 4.5.3 too many recipients"
TOO_LONG = "553 5.1.3 that address is too long"
NOT_OURS = "550 5.1.2 no mail for that domain is taken in here"

# Its lines name senders and recipients, and show what they wrote.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

_HOST_PORT = re.compile(r"\[?([0-9A-Za-z_.:-]*?)\]?:(\d{1,5})")
_UNSAFE = re.compile(r"[^\x21-\x7e\x80-\U0010ffff]")


class Server:
    """Listens at `host:port` or `unix:/path` and hands each mail to `deliver(raw, recipients)`.

    `deliver` is called for one mail at a time, in a thread of its own, with recipients at these
    `domains` only. Raises RetryLater while another worker with the same `secret` listens there, and
    ConfigError if another program or another Digest does, or if nothing can listen there.
    """

    def __init__(
        self, deliver: Deliver, address: str, *, secret: bytes, domains: Collection[str]
    ) -> None:
        self.address = address
        self._name = _name(secret)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lmtp")
        self._loop = asyncio.new_event_loop()
        self._sessions: weakref.WeakSet[LMTP] = weakref.WeakSet()
        handler = _Handler(deliver, self._executor, domains)
        try:
            self._listener = self._loop.run_until_complete(self._listen(handler))
        except BaseException:
            self._executor.shutdown()
            self._loop.close()
            raise
        if address.startswith(UNIX):
            # The mail server runs as another user; the folder decides who may connect.
            Path(address.removeprefix(UNIX)).chmod(0o666)
        self._thread = threading.Thread(target=self._loop.run_forever, name="lmtp", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the mail in hand, answer it, and stop listening; safe to call twice."""
        self._executor.shutdown(wait=True)
        if self._loop.is_closed():
            return
        stopping = asyncio.run_coroutine_threadsafe(self._stop(), self._loop)
        stopping.result(timeout=CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        self._loop.close()
        if self.address.startswith(UNIX):
            Path(self.address.removeprefix(UNIX)).unlink(missing_ok=True)

    async def _listen(self, handler: _Handler) -> asyncio.Server:
        def open_session() -> LMTP:
            session = _Lmtp(
                handler,
                data_size_limit=MOST_BYTES,
                enable_SMTPUTF8=True,
                timeout=IDLE_SECONDS,
                hostname="localhost",
                ident=self._name,
                loop=self._loop,
            )
            self._sessions.add(session)
            return session

        with _listening_errors(self.address, self._name):
            if not self.address.startswith(UNIX):
                return await self._loop.create_server(open_session, *_host_port(self.address))
            path = self.address.removeprefix(UNIX)
            _check_free(path)
            return await self._loop.create_unix_server(open_session, path)

    async def _stop(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)  # for answers to be sent
        self._listener.close()
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.close()
        await self._listener.wait_closed()
        others = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for each in others:
            each.cancel()
        await asyncio.gather(*others, return_exceptions=True)


def check(address: str, *, secret: bytes) -> None:
    """Raise ConfigError if this address cannot be used; one of our workers may listen there."""
    folder = Path(address.removeprefix(UNIX)).parent
    if address.startswith(UNIX) and not folder.is_dir():
        raise ConfigError(
            f"[inbound] lmtp: there is no folder {folder} to listen in.", subject="inbound.lmtp"
        )
    if error := _refusal(address, _name(secret)):
        raise error


class _Lmtp(LMTP):
    """LMTP with longer lines: a mail that our mail server has accepted is not refused for them."""

    line_length_limit = LONGEST_LINE


class _Handler:
    """The handlers that aiosmtpd calls at each step of a session."""

    def __init__(
        self, deliver: Deliver, executor: ThreadPoolExecutor, domains: Collection[str]
    ) -> None:
        self._deliver = deliver
        self._executor = executor
        self._domains = {_in_ascii(each) for each in domains}

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept any mailbox of our domains: an unknown one is answered with help.

        Mail for another domain came here by mistake, so that its sender must be told.
        """
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        if len(address) > LONGEST_ADDRESS:
            return TOO_LONG
        if "@" in address and _in_ascii(domain_of(address)) not in self._domains:
            return NOT_OURS
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 fine"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Hand the mail over, and answer once for each recipient (RFC 2033 §4.2)."""
        recipients = list(envelope.rcpt_tos)
        raw = _return_path(envelope.mail_from) + (envelope.original_content or b"")
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._deliver, raw, recipients)
        except DigestError as error:
            log.warning("a mail waits: %s", error.message, extra={"action": "lmtp"})
            return _each(LATER, recipients)
        except Exception as error:  # noqa: BLE001 - the mail server keeps the mail
            log.error(  # noqa: TRY400 - a traceback could show the mail
                "a mail waits", extra={"action": "lmtp", "error": type(error).__name__}
            )
            return _each(LATER, recipients)
        return _each(TAKEN, recipients)

    async def handle_exception(self, error: Exception) -> str:
        """Answer an error in the session itself."""
        log.warning(
            "a conversation failed", extra={"action": "lmtp", "error": type(error).__name__}
        )
        return LATER


def _host_port(address: str) -> tuple[str, int]:
    found = _HOST_PORT.fullmatch(address)
    if found is None or int(found[2]) > LAST_PORT:
        raise ConfigError(
            f"[inbound] lmtp is host:port or unix:/path, not {address!r}.", subject="inbound.lmtp"
        )
    return found[1] or "127.0.0.1", int(found[2])


def _in_ascii(domain: str) -> str:
    """Return a domain in its ASCII form (IDNA): mail servers write either form."""
    try:
        return domain.lower().encode("idna").decode()
    except UnicodeError:
        return domain.lower()


def _name(secret: bytes) -> str:
    """Return the name in a worker's greeting, which says whose it is."""
    return f"{IDENT} {sha256(secret).hexdigest()[:16]}"


def _check_free(path: str) -> None:
    """Raise if somebody listens at this socket: binding to its path would take it from them."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


@contextmanager
def _listening_errors(address: str, name: str) -> Iterator[None]:
    """Raise the system's errors about an address as ours."""
    try:
        yield
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            busy = f"Another worker listens for mail at {address} already."
            raise (_refusal(address, name) or RetryLater(busy, subject=address)) from error
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"[inbound] lmtp: nothing can listen at {address}: {why}.", subject="inbound.lmtp"
        ) from error


def _refusal(address: str, name: str) -> ConfigError | None:
    """Return the error if somebody else listens at an address; None for our own worker."""
    other = _other(address, name)
    if not other:
        return None
    return ConfigError(
        f"[inbound] lmtp: {other} listens at {address}, so no mail comes in there; "
        "name another address, or stop what listens there.",
        subject="inbound.lmtp",
    )


def _other(address: str, name: str) -> str:
    """Return who else listens there, by their greeting; "" for nobody and for our own worker.

    One that hangs up is shutting down, and the address will be free.
    """
    try:
        with _connection(address) as there:
            try:
                greeting = there.recv(GREETING_BYTES)
            except TimeoutError:
                return PROGRAM
    except (OSError, UnicodeError):  # the latter of a host that no name can be
        return ""
    words = greeting.decode("ascii", "replace").split()
    if not words or words[-2:] == name.split():
        return ""
    return ANOTHER if IDENT in words else PROGRAM


@contextmanager
def _connection(address: str) -> Iterator[socket.socket]:
    if not address.startswith(UNIX):
        with socket.create_connection(_host_port(address), GREETING_SECONDS) as there:
            yield there
        return
    with socket.socket(socket.AF_UNIX) as there:
        there.settimeout(GREETING_SECONDS)
        there.connect(address.removeprefix(UNIX))
        yield there


def _return_path(sender: str | None) -> bytes:
    """Return the field that records the envelope sender of a delivered mail (RFC 5321 §4.4)."""
    address = _UNSAFE.sub("", sender or "").strip("<>")[:LONGEST_ADDRESS]
    return f"Return-Path: <{address}>\r\n".encode("utf-8", "replace")


def _each(answer: str, recipients: list[str]) -> str:
    return "\r\n".join([answer] * len(recipients))
