"""Mail over SMTP: persistent connections, one receipt a message, and a batch that always ends.

SMTP cannot deliver exactly once: between the final dot and the server's 250 nobody knows whether
the message was taken. The receipt of a message caught there says so, for whoever can ask the
server. The message keeps its Message-ID, so that a repeat can be recognised. About every other
broken connection it is known what was taken.
"""

from __future__ import annotations

import logging
import smtplib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime
from queue import LifoQueue
from typing import NamedTuple

from digest.delivery.connection import MailServer, connect, is_alive, say_goodbye
from digest.delivery.dialogue import Reply, announcement, hand_over
from digest.delivery.wire import Prepared, prepare
from digest.errors import ConfigError, DeliveryDeferred, DeliveryRefused
from digest.model import Message, Outcome, Receipt

BREAKS_IN_A_ROW = 3
AT_HAND = 2

Held = Callable[[], bool]
Meanwhile = Callable[[], object]

logger = logging.getLogger(__name__)


class SmtpTransport:
    """Hands messages to a mail server (`digest.ports.Transport`).

    `connections` are used side by side; each is closed politely after `per_connection` messages.
    They stay open between batches until `close`.

    One instance serves one caller at a time. Whoever stops reading receipts early may lose the
    last `connections` of them; those messages then go out again.
    """

    def __init__(
        self, server: MailServer, *, connections: int = 1, per_connection: int = 100
    ) -> None:
        self._lanes = [_Lane(server, per_connection) for _ in range(max(connections, 1))]

    def send(
        self, messages: Iterable[Message], now: datetime, *, held: Held = lambda: True
    ) -> Iterator[Receipt]:
        """One receipt a message, as its answer comes; nothing is sent before this is advanced.

        `held` is asked before each final dot; if it says no, the connection is closed. The next
        messages are taken while the server works on the last one. Raises ConfigError before the
        first message if the server refuses our password or certificate. Later, or if the server
        cannot be reached, messages are deferred.
        """
        waiting = _Waiting(messages)
        if not waiting.look():
            return
        for lane in self._lanes:
            lane.begin_batch()
        self._lanes[0].open()
        if len(self._lanes) == 1:
            yield from self._send_in_a_row(self._lanes[0], waiting, now, held)
        else:
            yield from self._send_side_by_side(waiting, now, held)

    def close(self) -> None:
        """QUIT on every connection; safe to call twice."""
        for lane in self._lanes:
            lane.close()

    def _send_in_a_row(
        self, lane: _Lane, waiting: _Waiting, now: datetime, held: Held
    ) -> Iterator[Receipt]:
        try:
            for checked in waiting:
                reply = lane.send(
                    checked, held, meanwhile=waiting.look, following=waiting.following
                )
                yield checked.receipt(reply, now)
        finally:
            lane.hang_up_if_announced()

    def _send_side_by_side(self, waiting: _Waiting, now: datetime, held: Held) -> Iterator[Receipt]:
        idle: LifoQueue[_Lane] = LifoQueue()
        for lane in reversed(self._lanes):
            idle.put(lane)

        def send(checked: _Checked) -> Receipt:
            while True:
                lane = idle.get()
                try:
                    reply = lane.send(checked, held)
                finally:
                    # A connection that is down answers at once, and would get all other messages.
                    over = all(each.is_down for each in self._lanes)
                    if not lane.is_down or over:
                        idle.put(lane)
                # On one that could not be opened nothing was offered: another may still take it.
                if over or not lane.is_down or reply.closed:
                    return checked.receipt(reply, now)

        flying: list[Future[Receipt]] = []

        with ThreadPoolExecutor(len(self._lanes), thread_name_prefix="smtp") as pool:
            for checked in waiting:
                if len(flying) == len(self._lanes):
                    yield from _landed(flying)
                flying.append(pool.submit(send, checked))
            while flying:
                yield from _landed(flying)


def _landed(flying: list[Future[Receipt]]) -> Iterator[Receipt]:
    """The receipts that have come, at least one; they leave `flying`.

    If one of them raises, all others are waited for first.
    """
    wait(flying, return_when=FIRST_COMPLETED)
    if any(each.exception() for each in flying if each.done()):
        wait(flying)
    done = [each for each in flying if each.done()]
    flying[:] = [each for each in flying if each not in done]
    yield from (each.result() for each in done if not each.exception())
    for each in done:
        each.result()


class _Checked(NamedTuple):
    """A message ready to be offered, or what is wrong with it."""

    digest_id: str
    ready: Prepared | Reply

    @classmethod
    def of(cls, message: Message) -> _Checked:
        try:
            return cls(digest_id=message.digest_id, ready=prepare(message))
        except DeliveryRefused as error:
            refusal = Reply(outcome=Outcome.REFUSED, code=error.code, text=error.reply)
            return cls(digest_id=message.digest_id, ready=refusal)

    def receipt(self, reply: Reply, now: datetime) -> Receipt:
        return Receipt(
            digest_id=self.digest_id,
            outcome=reply.outcome,
            code=reply.code,
            reply=reply.text,
            at=now,
            unknown=reply.unknown,
            untried=reply.untried,
        )


class _Waiting:
    """Messages to be sent, two of them taken ahead; iterating raises what taking them raised."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._rest = iter(messages)
        self._at_hand: deque[_Checked] = deque()
        self._error: Exception | None = None
        self._over = False

    def __iter__(self) -> Iterator[_Checked]:
        while self.look():
            yield self._at_hand.popleft()
        if self._error is not None:
            raise self._error

    @property
    def following(self) -> Prepared | None:
        """The next message, if it is known and can be offered."""
        ready = self._at_hand[0].ready if self._at_hand else None
        return ready if isinstance(ready, Prepared) else None

    def look(self) -> bool:
        """Take messages until two are at hand; whether there is one. Never raises."""
        while len(self._at_hand) < AT_HAND and not self._over:
            try:
                self._at_hand.append(_Checked.of(next(self._rest)))
            except StopIteration:
                self._over = True
            except Exception as error:  # noqa: BLE001 - raised when its turn comes
                self._error, self._over = error, True
        return bool(self._at_hand)


class _Lane:
    """One connection, and what happens to messages when it breaks.

    After the server was told of the next message (`announced`), nothing else can be said to it.
    `chains` says whether it takes announcements behind a message's content, as it must (RFC 2920
    §3.1); None until that was tried.
    """

    def __init__(self, server: MailServer, per_connection: int) -> None:
        self._server = server
        self._per_connection = max(per_connection, 1)
        self._client: smtplib.SMTP | None = None
        self._carried = 0
        self._breaks = 0
        self._down: Reply | None = None
        self._announced: Prepared | None = None
        self._chains: bool | None = None

    @property
    def is_down(self) -> bool:
        """Whether the rest of the batch cannot leave on this connection."""
        return self._down is not None

    def begin_batch(self) -> None:
        """Forget past failures, and drop a connection that died while it was idle."""
        self._breaks = 0
        self._down = None
        if self._client and not is_alive(self._client):
            self._client = None

    def open(self) -> None:
        """Connect unless connected; a failure that may pass defers the rest of the batch.

        Raises ConfigError.
        """
        if self._client or self._down:
            return
        self._carried = 0
        try:
            self._client = connect(self._server)
        except DeliveryDeferred as error:
            self._give_up(error.code, error.reply)

    def send(
        self,
        checked: _Checked,
        held: Held,
        meanwhile: Meanwhile = lambda: None,
        following: Prepared | None = None,
    ) -> Reply:
        """What became of one message; never raises for faults outside this process.

        `following` is the next message, if known.
        """
        if isinstance(checked.ready, Reply):
            return checked.ready
        return self._deliver(checked.ready, held, meanwhile, following)

    def hang_up_if_announced(self) -> None:
        """Close a connection on which a message was announced that will not be sent."""
        if self._announced and self._client:
            self._client.close()
            self._client = None
        self._announced = None

    def close(self) -> None:
        if self._client:
            say_goodbye(self._client)
            self._client = None

    def _deliver(
        self, message: Prepared, held: Held, meanwhile: Meanwhile, following: Prepared | None
    ) -> Reply:
        """Hand over, and once more if a connection that had served before turned out to be closed.

        Servers end connections after a number of messages, often by 421 to the next MAIL; that
        should not delay the next reader. If a server falls silent, the message itself may be the
        cause, so it is not offered again at once.
        """
        aged = self._client is not None and self._carried > 0
        reply = self._attempt(message, held, meanwhile, following)
        if aged and reply.unsent and not reply.timed_out:
            reply = self._attempt(message, held, meanwhile, following)
        return reply

    def _attempt(
        self, message: Prepared, held: Held, meanwhile: Meanwhile, following: Prepared | None
    ) -> Reply:
        announced = self._announced is message
        if not announced:
            self.hang_up_if_announced()
        self._announced = None
        if self._carried >= self._per_connection:
            self.close()
        try:
            self.open()
        except ConfigError as error:
            self._give_up(0, error.message)
        if not self._client:
            return self._told_once()
        served = self._carried > 0
        behind = self._announcement(following)
        reply = hand_over(
            self._client, message, held, meanwhile, announced=announced, behind=behind
        )
        self._carried += 1
        if self._chains is None and (announced or behind):
            self._learn(reply, announced=announced)
        if not reply.closed:
            self._breaks = 0
            self._announced = following if reply.announced else None
            if self._chains is False and (announced or behind):  # happens once
                return self._attempt(message, held, meanwhile, following)
            return reply
        self._client = None
        self._breaks += 1
        if (reply.timed_out and not served) or self._breaks >= BREAKS_IN_A_ROW:
            self._give_up(reply.code, reply.text)
            self._told_once()  # this message has its answer
        return reply

    def _told_once(self) -> Reply:
        """Why there is no connection; messages after this one were not tried.

        Nor was this one, unless a server was there and answered.
        """
        down = self._down or _NOT_CONNECTED
        self._down = replace(down, untried=True)
        return down if down.code else self._down

    def _learn(self, reply: Reply, *, announced: bool) -> None:
        """Judge by the first attempt whether the server takes announcements behind a message."""
        broken = reply.closed and (reply.unknown or (announced and reply.unsent))
        if broken or reply.out_of_order:
            self._chains = False
        elif announced:
            self._chains = True

    def _announcement(self, following: Prepared | None) -> bytes:
        """What announces the next message, if this connection will carry one more."""
        last = self._carried + 1 >= self._per_connection
        if following is None or self._client is None or last or self._chains is False:
            return b""
        return announcement(self._client, following)

    def _give_up(self, code: int, words: str) -> None:
        """Defer the rest of the batch: trying again for each message would take a timeout each."""
        text = words if code else f"not sent: {words}"
        self._down = Reply(outcome=Outcome.DEFERRED, code=code, text=text)
        logger.warning(
            "a connection to the mail server cannot be used for now: %s",
            words,
            extra={"action": "smtp_down", "server": self._server.place, "code": code},
        )


_NOT_CONNECTED = Reply(outcome=Outcome.DEFERRED, code=0, text="not sent: no connection")
