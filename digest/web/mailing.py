"""Mail that pages bring about: written and sent once the answer is out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.background import BackgroundTask

from digest.app import App
from digest.errors import DigestError
from digest.model import Subscriber

log = logging.getLogger(__name__)

Write = Callable[[], object]


class Mailing:
    """Sends on threads beside those that answer: a mail server that says nothing holds up no page.

    One thread sends letters, and one first digests. An application has one `Mailing`.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._letters = CapacityLimiter(1)
        self._welcomes = CapacityLimiter(1)

    def letter(self, kind: str, person: Subscriber, **context: Any) -> BackgroundTask:
        """Write one letter, as `App.write` does, and send it."""
        return self.letters(partial(self._app.write, kind, person, **context))

    def letters(self, *writes: Write) -> BackgroundTask:
        """Write letters once the answer is out, so that it takes the same time for everyone."""

        async def send() -> None:
            await to_thread.run_sync(self._write, writes)
            # Whoever waits has yet to look what is due, and sends these as well.
            if not self._letters.statistics().tasks_waiting:
                await to_thread.run_sync(self._post, limiter=self._letters)

        return BackgroundTask(send)

    def welcome(self, person: Subscriber) -> BackgroundTask:
        """Compose and send the first digest of someone who has just confirmed."""

        async def send() -> None:
            await to_thread.run_sync(self._welcome, person, limiter=self._welcomes)

        return BackgroundTask(send)

    def _write(self, writes: tuple[Write, ...]) -> None:
        for write in writes:
            try:
                write()
            except DigestError as error:
                log.warning(
                    "a letter is not written: %s", error.message, extra={"action": "letter"}
                )

    def _post(self) -> None:
        try:
            self._app.post()
        except DigestError as error:
            log.warning("a letter waits: %s", error.message, extra={"action": "letter"})

    def _welcome(self, person: Subscriber) -> None:
        try:
            self._app.welcome(person)
        except DigestError as error:
            log.warning("a first digest waits: %s", error.message, extra={"action": "welcome"})
