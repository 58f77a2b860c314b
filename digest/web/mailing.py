"""Mail caused by web requests, written and sent after the response."""

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


class Mailing:
    """Sends on threads of its own, so that a mail server that does not answer delays no page.

    One thread sends letters and one sends first digests. An application has one `Mailing`.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._letters = CapacityLimiter(1)
        self._welcomes = CapacityLimiter(1)

    def letter(self, kind: str, person: Subscriber, **context: Any) -> BackgroundTask:
        """Write one letter, as `App.write` does, and send it."""
        return self.letters(partial(self._app.write, kind, person, **context))

    def letters(self, *writes: Callable[[], object]) -> BackgroundTask:
        """Write letters after the response, which therefore takes the same time for everyone."""

        def write_all() -> None:
            for write in writes:
                _quietly("a letter is not written", write)

        async def send() -> None:
            # In one thread, so that all are written even if the client goes away meanwhile.
            await to_thread.run_sync(write_all)
            # A task that waits has yet to read what is due, and will send these letters too.
            if not self._letters.statistics().tasks_waiting:
                await to_thread.run_sync(
                    _quietly, "a letter waits", self._app.post, limiter=self._letters
                )

        return BackgroundTask(send)

    def welcome(self, person: Subscriber) -> BackgroundTask:
        """Compose and send the first digest of someone who has just confirmed."""

        async def send() -> None:
            act = partial(self._app.welcome, person)
            await to_thread.run_sync(
                _quietly, "a first digest waits", act, "welcome", limiter=self._welcomes
            )

        return BackgroundTask(send)


def _quietly(failed: str, act: Callable[[], object], action: str = "letter") -> None:
    """Do something whose failure is only logged, as nobody waits for it any more."""
    try:
        act()
    except DigestError as error:
        log.warning("%s: %s", failed, error.message, extra={"action": action})
