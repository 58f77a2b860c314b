"""Make messages while others are being sent.

A transport takes the messages of a group one by one, each when it would otherwise wait for the mail
server; so rendering costs no extra time as long as the server takes longer. The slow part of
signing runs in a thread, a few messages ahead, since the library lets others work meanwhile.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from digest.errors import ConfigError, DigestError
from digest.model import Envelope, Message, Outcome, Receipt

log = logging.getLogger(__name__)

# A second thread would make fewer messages, not more, since both wait for the interpreter's lock
# after each signature. Where RSA is slow, several processes send faster.
SIGNERS = 1
AHEAD = 4

Made = TypeVar("Made")
Render = Callable[[Envelope], Message]


class Unsigned(Protocol):
    """A message that lacks only its signature."""

    def seal(self) -> bytes:
        """The signature: slow, works in any thread, and lets others work meanwhile."""
        ...

    def finish(self, seal: bytes) -> bytes:
        """The message as it goes out, with what `seal` returned."""
        ...


BeginToSign = Callable[[bytes, datetime], Unsigned]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How messages are signed, in whose threads, and when that is."""

    begin: BeginToSign
    pool: Executor
    clock: Callable[[], datetime]

    def begun(self, message: Message) -> Callable[[], Message]:
        """Begin to sign; the returned function waits for the signature and gives the message."""
        unsigned = self.begin(message.content, self.clock())
        seal = self.pool.submit(unsigned.seal)
        return lambda: replace(message, content=unsigned.finish(seal.result()))


class Making:
    """The messages of a group, in order, each made when it is asked for.

    A message that cannot be made is left out, and `failed` has a receipt for it. After a wrong
    setting, which would spoil every message, no more are made, and `fault` has the error. Iterating
    raises nothing, since the transport may be in the middle of something.
    """

    def __init__(
        self, render: Render, group: Sequence[Envelope], *, now: datetime, signing: Signing | None
    ) -> None:
        self._render = render
        self._group = group
        self._now = now
        self._signing = signing
        self.failed: list[Receipt] = []
        self.fault: ConfigError | None = None
        self._made: set[str] = set()

    @property
    def unmade(self) -> list[str]:
        """The ids of messages that were never made, and so cannot have been sent."""
        got_to = self._made.union(each.digest_id for each in self.failed)
        return [each.digest.id for each in self._group if each.digest.id not in got_to]

    def __iter__(self) -> Iterator[Message]:
        """Each message once; a second time there are none."""
        ahead: deque[tuple[Envelope, Callable[[], Message]]] = deque()
        for envelope in self._group:
            begun = self._tried(envelope, partial(self._begun, envelope))
            if self.fault:
                break
            if begun is None:
                continue
            ahead.append((envelope, begun))
            if self._signing is None or len(ahead) > AHEAD:
                yield from self._finished(*ahead.popleft())
        while ahead:
            yield from self._finished(*ahead.popleft())

    def _begun(self, envelope: Envelope) -> Callable[[], Message]:
        message = self._render(envelope)
        return self._signing.begun(message) if self._signing else lambda: message

    def _finished(self, envelope: Envelope, finish: Callable[[], Message]) -> Iterator[Message]:
        message = self._tried(envelope, finish)
        if message is not None:
            self._made.add(message.digest_id)
            yield message

    def _tried(self, envelope: Envelope, make: Callable[[], Made]) -> Made | None:
        try:
            return make()
        except ConfigError as error:
            self.fault = error
        except DigestError as error:
            self._fail(envelope, Outcome.REFUSED, error.message)
        except Exception as error:
            log.error(  # noqa: TRY400 - the traceback is for --debug
                "a digest could not be rendered",
                extra={"action": "render"},
                exc_info=log.isEnabledFor(logging.DEBUG),
            )
            # It may be a fault of ours, so it is deferred, and others go first.
            self._fail(envelope, Outcome.DEFERRED, type(error).__name__)
        return None

    def _fail(self, envelope: Envelope, outcome: Outcome, cause: str) -> None:
        self.failed.append(
            Receipt(
                digest_id=envelope.digest.id,
                outcome=outcome,
                reply=f"not rendered: {cause}",
                at=self._now,
            )
        )
