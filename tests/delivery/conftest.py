"""A mail server that can be told to misbehave, and messages to send it."""

from __future__ import annotations

import base64
import selectors
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from digest.delivery import MailServer, SmtpTransport, generate_key
from digest.model import Message


@dataclass
class Taken:
    """A message as the server took it: its envelope lines and content, dots unstuffed."""

    mail: str
    rcpt: str
    content: bytes


@dataclass
class FaultyServer:
    """An SMTP server in a thread, that misbehaves as told.

    `replies` maps a stage (GREETING, END for the final dot, or a verb) to answers to give instead
    of the usual ones, each once, None standing for the usual one. "DROP" breaks the connection
    without a word, "HANG" says nothing until the server is stopped, "LATE" lets the usual one wait
    for a quarter of a second. `read_ahead` makes it wait for that many further commands before it
    answers MAIL, `read_behind` for so many behind the content of each message. A `strict` one wants
    none there: it says that and hangs up.
    """

    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 1000000", "8BITMIME")
    replies: dict[str, list[str | None]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    tls_at_once: bool = False
    password: tuple[str, str] | None = None
    read_ahead: int = 0
    read_behind: list[int] = field(default_factory=list)
    strict: str = ""
    taken: list[Taken] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self):
        self.stopping = threading.Event()
        self.somebody_left = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def stop(self):
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_everyone()
        for thread in self._threads:
            thread.join(timeout=2)

    def drop_everyone(self):
        """Break all open connections without a word."""
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def answer(self, stage, usual):
        queue = self.replies.get(stage)
        answer = queue.pop(0) if queue else None
        if answer == "LATE":
            self.stopping.wait(1 / 4)
            return usual
        return answer or usual

    def secured(self, peer):
        self._sockets.append(self.tls.wrap_socket(peer, server_side=True))
        return self._sockets[-1]

    def _accept(self):
        while not self.stopping.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._sockets.append(peer)
            self._threads.append(threading.Thread(target=self._serve, args=(peer,)))
            self._threads[-1].start()

    def _serve(self, peer):
        with suppress(OSError):
            session = _Session(self, self.secured(peer) if self.tls_at_once else peer)
            try:
                session.run()
            finally:
                self.somebody_left.set()
                session.file.close()
                session.peer.close()
        peer.close()


class _Session:
    """One connection: reads lines, answers as the script says."""

    def __init__(self, server, peer):
        self.server, self.peer = server, peer
        self.file = peer.makefile("rb")
        self.mail = self.rcpt = ""
        self.ahead = []

    def run(self):
        alive = self.say(self.server.answer("GREETING", "220 test.example ESMTP"))
        while alive and (line := self.ahead.pop(0) if self.ahead else self.file.readline()):
            text = line.decode(errors="replace").rstrip("\r\n")
            verb, *arguments = text.split(" ")
            verb = verb.upper()
            self.server.commands.append(" ".join([verb, *arguments]))
            handler = getattr(self, f"on_{verb.lower()}", None)
            reply = self.server.answer(verb, None)
            alive = handler(text, reply) if handler else self.say(reply or "250 2.0.0 Ok")

    def say(self, reply):
        """Answer; False once the connection is over."""
        if reply == "HANG":
            self.server.stopping.wait(10)
        if reply in ("DROP", "HANG"):
            return False
        self.peer.sendall(reply.encode() + b"\r\n")
        return not reply.startswith("421")

    def on_ehlo(self, text, reply):
        offers = ["test.example", *self.server.extensions]
        if self.server.tls and not isinstance(self.peer, ssl.SSLSocket):
            offers.append("STARTTLS")
        if self.server.password:
            offers.append("AUTH PLAIN")
        lines = [f"250-{each}" for each in offers[:-1]] + [f"250 {offers[-1]}"]
        return self.say(reply or "\r\n".join(lines))

    def on_starttls(self, text, reply):
        alive = self.say(reply or "220 2.0.0 Ready")
        if not reply:
            self.peer = self.server.secured(self.peer)
            self.file = self.peer.makefile("rb")
        return alive

    def on_auth(self, text, reply):
        given = base64.b64decode(text.split(" ")[2]).decode().split("\0")[1:]
        right = tuple(given) == self.server.password
        return self.say(reply or ("235 2.7.0 Welcome" if right else "535 5.7.8 Bad credentials"))

    def on_mail(self, text, reply):
        self.ahead += [self.file.readline() for _ in range(self.server.read_ahead)]
        self.mail, self.rcpt = "" if reply else text, ""
        return self.say(reply or "250 2.1.0 Ok")

    def on_rcpt(self, text, reply):
        reply = reply or (None if self.mail else "503 5.5.1 MAIL comes first")
        self.rcpt = "" if reply else text
        return self.say(reply or "250 2.1.5 Ok")

    def on_data(self, text, reply):
        reply = reply or ("354 Go ahead" if self.rcpt else "554 5.5.1 No valid recipients")
        alive = self.say(reply)
        return self.take() if reply.startswith("354") else alive

    def take(self):
        lines = []
        while (line := self.file.readline()) != b".\r\n":
            if not line:  # hung up before the final dot: nobody's message
                return False
            lines.append(line.removeprefix(b"."))
        if self.server.strict and self.has_more():
            self.say(self.server.strict)
            return False
        if self.server.read_behind:
            self.ahead = [self.file.readline() for _ in range(self.server.read_behind.pop(0))]
        reply = self.server.answer("END", None)
        if self.rcpt and not reply:
            self.server.taken.append(Taken(self.mail, self.rcpt, b"".join(lines)))
        return self.say(reply or ("250 2.0.0 Ok: queued" if self.rcpt else "554 Nobody to send to"))

    def has_more(self):
        """Whether the client has said something already that it could not have been asked for."""
        # Not select(), which takes no file number beyond 1,023, and many tests have many files open.
        with selectors.DefaultSelector() as selector:
            selector.register(self.peer, selectors.EVENT_READ)
            selector.select(0.05)
        waiting = self.peer.gettimeout()
        self.peer.settimeout(0)
        more = self.file.peek(1)
        self.peer.settimeout(waiting)
        return bool(more)

    def on_quit(self, text, reply):
        self.say(reply or "221 2.0.0 Bye")
        return False


@pytest.fixture(scope="session")
def message():
    """Make small messages in wire form; the number tells one from another."""

    def make(number: int = 1, content: bytes | None = None, **envelope) -> Message:
        content = content or (
            b"From: Digest <digest@example.org>\r\nTo: reader@example.net\r\n"
            b"Subject: Edition %d\r\n\r\nHello.\r\n" % number
        )
        fields = {"sender": "bounce@example.org", "recipient": "reader@example.net"} | envelope
        return Message(digest_id=f"s_{number}.2026-06-10", content=content, **fields)

    return make


@pytest.fixture
def serve():
    """Start servers; they are stopped after the test."""
    servers = []

    def start(**options):
        servers.append(FaultyServer(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def transport_to():
    """Make transports that are closed after the test; EHLO is told, not looked up."""
    transports = []

    def make(server, *, connections=1, per_connection=100, **options):
        options = {"timeout": 10, "hello": "us.example"} | options
        there = MailServer(host="127.0.0.1", port=server.port, **options)
        made = SmtpTransport(there, connections=connections, per_connection=per_connection)
        transports.append(made)
        return made

    yield make
    for transport in transports:
        transport.close()


@pytest.fixture(scope="session")
def dkim_key():
    return generate_key()
