"""The clockwork: every so many seconds a tick asks what is due, and does it part by part."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from datetime import UTC, timedelta
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler

from digest.app import App, watched
from digest.errors import ConfigError, RetryLater, StoreBusy
from digest.inbound import lmtp
from digest.pipeline.delivering import Delivered
from digest.worker import nights, rounds
from digest.worker.failures import say

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
SENDING = timedelta(minutes=5)  # after which sending gives way to other work


def work(app: App) -> None:
    """Tick until SIGTERM or SIGINT, then finish the block in hand and return."""
    asked: list[int] = []

    def ask_to_stop(number: int, _frame: FrameType | None) -> None:
        # No event and no log here: they take locks, which the interrupted code may hold.
        asked.append(number)

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    _ = (
        app.store,
        app.transport,
        app.ranker,
        app.experiment,
        app.signer,
        app.templates,
        app.letters,
        app.newcomer,
    )  # a wrong setting should stop us now, not tomorrow morning
    door = Door(app)
    door.open()
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # long rounds skip ticks by design
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.add_job(
        lambda: ticks(app, stopping=lambda: bool(asked), door=door),
        "interval",
        seconds=app.settings.worker.tick,
        next_run_time=app.clock(),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )
    scheduler.start()
    while not asked:
        time.sleep(LOOK_SECONDS)
    log.warning("finishing what is in hand", extra={"action": "stop"})  # it may take a minute
    door.close()
    scheduler.shutdown(wait=True)


class Door:
    """Takes in mail by LMTP, if that is set up; of several workers, one at a time listens."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._server: lmtp.Server | None = None

    def open(self) -> None:
        """Listen, unless this or another worker does already; raises ConfigError."""
        address = self._app.settings.inbound.lmtp
        if not address or self._server is not None:
            return
        domains = self._app.inbound_policy.domains
        secret = self._app.store.post.secret(lmtp.SECRET)
        try:
            self._server = lmtp.Server(self._app.take_in, address, secret=secret, domains=domains)
        except RetryLater as error:
            log.info("%s", error.message, extra={"action": "lmtp"})

    def close(self) -> None:
        """Finish the mail in hand; safe to call twice."""
        if self._server is not None:
            self._server.close()
            self._server = None


def ticks(app: App, *, stopping: Callable[[], bool], door: Door | None) -> None:
    """Tick, and again at once while digests wait that gave way to other work."""
    while tick(app, stopping=stopping, door=door) and not stopping():
        pass


def tick(
    app: App, *, stopping: Callable[[], bool] = lambda: False, door: Door | None = None
) -> bool:
    """Do everything that is due, part by part; a part that fails does not stop the others.

    Nothing is done by a clock that has just leapt ahead by more than a day, or if the database
    cannot be asked about that. True if sending broke off to give way to other work, and should go
    on after it.
    """
    changed = elsewhere = gave_way = False
    believed = True

    def alive() -> bool:
        nonlocal believed
        try:
            believed = app.note_tick()
        except (StoreBusy, ConfigError):  # the next tick can tell
            believed = False
            raise
        return believed

    def poll() -> None:
        nonlocal changed, elsewhere
        reports = app.ingest(stopping=stopping)
        elsewhere = rounds.is_read_elsewhere(app, reports)
        changed |= any(report.announced for report in reports)

    def look_up() -> None:
        nonlocal changed
        changed |= app.look_up_waiting().announced > 0

    def compose_due() -> bool:
        nonlocal changed
        changed |= not elsewhere and rounds.compose(app, stopping=stopping)
        return not elsewhere

    def send() -> Delivered:
        nonlocal gave_way
        until = app.clock() + SENDING
        done = rounds.deliver(app, until=until, stopping=stopping)
        gave_way = app.clock() >= until and not done.cut_short
        return done

    def night() -> bool:
        # If nothing is left to do, another worker has done what failed here.
        done = nights.nightly(app, stopping=stopping)
        return done or all(nights.is_done(app, each) for each in nights.NIGHT)

    parts: tuple[tuple[str, Callable[[], object]], ...] = (
        ("alive", alive),
        ("resume", app.resume_due),
        ("mail", lambda: fetch_mail(app, door)),
        ("poll", poll),
        ("look up", look_up),
        ("place", lambda: rounds.place(app, stopping=stopping)),
        ("compose", compose_due),
        ("post", lambda: app.post(stopping=stopping)),
        ("deliver", send),
        ("publish", lambda: rounds.publish(app, changed=changed, stopping=stopping)),
        ("night", night),
        ("learn", lambda: nights.learn(app)),
        ("keep", lambda: rounds.keep(app, stopping=stopping)),
    )
    for name, part in parts:
        if stopping() or not believed:
            return False
        attempt(app, name, part, stopping=stopping)
    return gave_way


def attempt(
    app: App,
    name: str,
    part: Callable[[], object],
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Do a part of the tick; a failure becomes a line of the log, and is stored for the status."""
    try:
        watched(app.store, name, part, clock=app.clock, stopping=stopping)
    except Exception as error:  # noqa: BLE001 - it goes to the log
        say(name, error)


def fetch_mail(app: App, door: Door | None) -> None:
    """Listen, if another worker did until now, and take in what waits in a mailbox."""
    if door is not None:
        door.open()
    app.fetch_mail()
