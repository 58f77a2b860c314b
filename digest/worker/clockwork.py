"""The worker: one tick that asks what is due, and does it.

APScheduler is only the clock. What is due stands in rows (a source's next poll, a subscriber's
next digest, the last night that was tidied), so a restart loses nothing, a missed hour is made up,
the autumn clock change sends nothing twice, and two workers on one database do no harm.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler

from digest import subscriptions
from digest.app import App, watched
from digest.errors import ConfigError, DigestError, RetryLater, StoreBusy, sentence_of
from digest.inbound import lmtp
from digest.model import SourceReport, Verdict
from digest.pipeline import learning, tastes, tidying
from digest.pipeline.delivering import Delivered

log = logging.getLogger(__name__)

NIGHTLY = "nightly"
RECONCILED = "reconciled"
BACKED_UP = "backed up"
LEARNED = "learned"
NIGHT = (RECONCILED, NIGHTLY, BACKED_UP)
PUBLISHED = "published"
COMPOSING = "compose"
READ_ELSEWHERE = "read elsewhere"
PUBLISH_EVERY = timedelta(hours=1)
UNANSWERED = (Verdict.FAILED, Verdict.WAITING)
LOOK_SECONDS = 0.5
NIGHTLY_LEASE_SECONDS = 3600
PUBLISH_LEASE_SECONDS = 600
KEEP_LEASE_SECONDS = 600
# Long enough for the block in hand, short enough that a worker that died costs no morning.
COMPOSE_LEASE_SECONDS = 60
PATIENCE = timedelta(seconds=30)
# What takes hours gives way to the rest of the work: sending to a tick, blocks to letters.
SENDING = timedelta(minutes=5)
POSTING = timedelta(seconds=10)
READING = timedelta(minutes=10)


def work(app: App) -> None:
    """Tick until SIGTERM or SIGINT, then finish the block in hand and return."""
    asked: list[int] = []

    def ask_to_stop(number: int, _frame: FrameType | None) -> None:
        # Nothing that takes a lock, which whoever is interrupted here may hold: no event, no log.
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
    )  # a wrong setting should stop us now, not at seven
    door = Door(app)
    door.open()
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a long round skips ticks by design
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
    log.info("finishing what is in hand", extra={"action": "stop"})
    door.close()
    scheduler.shutdown(wait=True)


class Door:
    """Where mail comes in by LMTP, if anywhere; of several workers, one at a time listens."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._server: lmtp.Server | None = None

    def open(self) -> None:
        """Listen, unless we do already or another worker does; raises ConfigError."""
        address = self._app.settings.inbound.lmtp
        if not address or self._server is not None:
            return
        domains = self._app.inbound_policy.domains
        secret = self._app.store.post.secret(lmtp.SECRET)
        try:
            self._server = lmtp.serve(self._app.take_in, address, secret=secret, domains=domains)
        except RetryLater as error:
            log.info("%s", error.message, extra={"action": "lmtp"})

    def close(self) -> None:
        """Finish the mail in hand; safe to call twice."""
        if self._server is not None:
            self._server.close()
            self._server = None


def ticks(app: App, *, stopping: Callable[[], bool], door: Door | None) -> None:
    """Tick, and again at once while digests wait that gave way to the rest of the work."""
    while tick(app, stopping=stopping, door=door) and not stopping():
        pass


def tick(
    app: App, *, stopping: Callable[[], bool] = lambda: False, door: Door | None = None
) -> bool:
    """Do everything that is due, each part by itself: one that fails does not stop the others.

    Nothing at all is done by a clock that has just leapt ahead by more than a day, or while the
    database is too busy to tell, or cannot be written. True if sending broke off to give way to the
    rest of the work, and should go on after it.
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
        elsewhere = is_read_elsewhere(app, reports)
        changed |= any(report.announced for report in reports)

    def look_up() -> None:
        nonlocal changed
        changed |= app.look_up_waiting().announced > 0

    def compose_due() -> bool:
        nonlocal changed
        changed |= not elsewhere and compose(app, stopping=stopping)
        return not elsewhere

    def send() -> Delivered:
        nonlocal gave_way
        until = app.clock() + SENDING
        done = deliver(app, stopping=lambda: stopping() or app.clock() >= until)
        gave_way = app.clock() >= until and not done.cut_short
        return done

    def night() -> bool:
        # Where nothing is left to do, what failed here has been done by another worker.
        return nightly(app, stopping=stopping) or all(is_done(app, each) for each in NIGHT)

    parts: tuple[tuple[str, Callable[[], object]], ...] = (
        ("alive", alive),
        ("resume", app.resume_due),
        ("mail", lambda: fetch_mail(app, door)),
        ("poll", poll),
        ("look up", look_up),
        ("place", lambda: place(app, stopping=stopping)),
        ("compose", compose_due),
        ("post", lambda: app.post(stopping=stopping)),
        ("deliver", send),
        ("publish", lambda: publish(app, changed=changed)),
        ("night", night),
        ("learn", lambda: learn(app)),
        ("keep", lambda: keep(app, stopping=stopping)),
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
    """Do a part of the tick; what goes wrong is one line of the log, and kept for the status.

    Only a fault of Digest's own has a traceback.
    """
    try:
        watched(app.store, name, part, clock=app.clock, stopping=stopping)
    except Exception as error:  # noqa: BLE001 - it goes to the log
        _say(name, error)


def _say(name: str, error: Exception) -> None:
    if isinstance(error, DigestError):
        log.warning("%s: %s", name, error.message, extra={"action": name})
    elif isinstance(error, OSError):
        log.warning("%s: %s", name, sentence_of(error), extra={"action": name})
    else:
        failed = "%s failed; the next tick tries again"
        log.error(failed, name, exc_info=error, extra={"action": name})


def fetch_mail(app: App, door: Door | None) -> None:
    """Listen, if another worker did until now, and take in what waits in a mailbox."""
    if door is not None:
        door.open()
    app.fetch_mail()


def is_read_elsewhere(app: App, reports: Sequence[SourceReport]) -> bool:
    """Whether another process is polling, so that digests made now would lack what it is reading.

    They wait for ten minutes at most, which then is said by raising RetryLater. `reports` is what
    came of polling here.
    """
    sources, now = app.store.sources, app.clock()
    noted = sources.cursor(READ_ELSEWHERE)
    if reports or not app.sources():
        if noted:
            sources.set_cursor(READ_ELSEWHERE, "")
        return False
    since = datetime.fromisoformat(noted) if noted else now
    if not noted or since > now:  # one that is still to come is of a clock that was put right
        sources.set_cursor(READ_ELSEWHERE, now.isoformat())
        return True
    if now - since < READING:
        return True
    raise RetryLater(
        "Another process has been fetching lists for over ten minutes; digests are made without "
        "what it reads."
    )


def compose(app: App, *, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Compose for whoever's hour has come; whether anything came of it.

    One worker at a time: another one sends what there is meanwhile, and takes over from one that
    has died. Letters go between the blocks, since composing for very many takes long.
    """

    def ours() -> bool:
        now = app.clock()
        return app.store.lease(COMPOSING, owner=app.owner, now=now, seconds=COMPOSE_LEASE_SECONDS)

    if not (held := ours()):
        return False

    letters = letters_between(app, stopping=stopping)

    def after_block(count: int) -> None:
        nonlocal held
        letters(count)
        with suppress(StoreBusy):  # whoever composes with us adds nothing
            held = ours()

    try:
        done = app.compose_due(stopping=lambda: stopping() or not held, progress=after_block)
    finally:
        app.store.unlease(COMPOSING, owner=app.owner)
    return done.digests > 0


def deliver(app: App, *, stopping: Callable[[], bool] = lambda: False) -> Delivered:
    """Send what is due; letters go between the blocks, since a morning's digests take hours."""
    return app.deliver(stopping=stopping, progress=letters_between(app, stopping=stopping))


def letters_between(app: App, *, stopping: Callable[[], bool]) -> Callable[[int], None]:
    """What sends letters between blocks of something that takes long, and never stops or stalls it.

    Many of them go some at a time, and take no more than half of the time. Where the mail server is
    away or slow, or anything is wrong, they wait for their own part of the tick, which says so.
    """
    waiting, next_at = False, app.clock()

    def post(_count: int) -> None:
        nonlocal waiting, next_at
        began = app.clock()
        if waiting or began < next_at:
            return
        try:
            done = app.post(stopping=lambda: stopping() or app.clock() - began > POSTING)
            took = app.clock() - began
            waiting, next_at = done.cut_short or took > PATIENCE, began + 2 * took
        except DigestError:
            waiting = True

    return post


def publish(app: App, *, changed: bool) -> None:
    """Write the feeds if they are to be files, and tell the hub; unless another worker is at it."""
    folder = app.settings.worker.publish
    if not folder and not app.settings.feeds.hub:
        return
    if changed:
        app.store.sources.set_cursor(PUBLISHED, "")
    now = app.clock()
    if not is_stale(now, app.store.sources.cursor(PUBLISHED)):
        return
    if app.store.lease("publish", owner=app.owner, now=now, seconds=PUBLISH_LEASE_SECONDS):
        try:
            if folder:
                app.publish(Path(folder))
            app.tell_hub()
            app.store.sources.set_cursor(PUBLISHED, now.isoformat())
        finally:
            app.store.unlease("publish", owner=app.owner)


def nightly(app: App, *, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Reconcile, prune and back up, once a night; True if any was done now.

    A night begins at the configured hour (UTC) and lasts until the next one does. Each part is tried
    again until it has succeeded (reconciling when its sources' own back-off allows), and one that
    fails does not keep the others from being done. Of several that fail, the first is raised that is
    more than a busy database.
    """
    now, night = app.clock(), tonight(app)
    parts: dict[str, Callable[[], bool]] = {
        RECONCILED: lambda: _reconcile(app, stopping=stopping),
        NIGHTLY: lambda: _tidy(app, now),
        BACKED_UP: lambda: _back_up(app, now),
    }
    if all(is_done(app, name) for name in parts) or not app.store.lease(
        NIGHTLY, owner=app.owner, now=now, seconds=NIGHTLY_LEASE_SECONDS
    ):
        return False
    done, failures = False, list[Exception]()
    try:
        for name, part in parts.items():
            try:
                # Asked again: another worker may have done it before the lease was ours.
                if not is_done(app, name) and part():
                    app.store.sources.set_cursor(name, night)
                    done = True
            except Exception as error:  # noqa: BLE001 - raised after the others
                failures.append(error)
    finally:
        app.store.unlease(NIGHTLY, owner=app.owner)
    if failures:
        told = next((each for each in failures if not isinstance(each, StoreBusy)), failures[0])
        for each in failures:
            if each is not told:
                _say("night", each)
        raise told
    return done


def _reconcile(app: App, *, stopping: Callable[[], bool]) -> bool:
    """Ask the sources that correct others; True if all have answered."""
    reports = app.ingest(nightly=True, force=True, stopping=stopping)
    answered = bool(reports) or not app.sources(nightly=True)
    return answered and not any(each.verdict in UNANSWERED for each in reports)


def _tidy(app: App, now: datetime) -> bool:
    keep = app.settings.keep
    tidying.prune(
        app.store,
        now=now,
        papers=keep.papers,
        digests=keep.digests,
        logs=keep.logs,
        evidence=app.settings.inbound.evidence_days,
        soft=app.settings.inbound.soft_days,
    )
    subscriptions.forget_pending(app.store, now)
    rankers = [each for each in (app.ranker, app.challenger) if each is not None]
    if not app.unloaded:  # what was learned with the embedder is true again once that loads
        tidying.forget_tastes(app.store, rankers)
    return True


def _back_up(app: App, now: datetime) -> bool:
    keep = app.settings.keep
    if keep.backups:
        tidying.backup(app.store, Path(keep.backups), now=now, keep=keep.backup_count)
    return True


def place(app: App, *, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Give the papers that have just come their places; learn first if nothing has been learned.

    False while another process does.
    """
    if app.space is None:
        app.learn()
    return app.place(patience=learning.PATIENCE, stopping=stopping)


def learn(app: App) -> bool:
    """Learn anew if that is due, once a night, whatever comes of it.

    False if it was not due, or while another process learns.
    """
    night = tonight(app)
    if is_done(app, LEARNED):
        return False

    def mark() -> None:
        app.store.sources.set_cursor(LEARNED, night)

    # Beforehand: what does not end well must not begin again with every tick or restart.
    if app.learn(begun=mark) is learning.Learning.BUSY:
        return False
    mark()
    return True


def keep(app: App, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """After a change of space learn readers anew, some of them in every tick; one worker at a time."""
    now = app.clock()
    if app.store.lease(tastes.CURSOR, owner=app.owner, now=now, seconds=KEEP_LEASE_SECONDS):
        try:
            app.keep_ahead(stopping=stopping)
        finally:
            app.store.unlease(tastes.CURSOR, owner=app.owner)


def is_done(app: App, part: str) -> bool:
    """Whether a part of the nightly work has been done in the night that began last."""
    return app.store.sources.cursor(part) == tonight(app)


def tonight(app: App) -> str:
    """The night that began last, by its name."""
    return night_of(app.clock(), hour=app.settings.worker.nightly_hour)


def night_of(now: datetime, *, hour: int) -> str:
    """The UTC day on which the night began that lasts until that hour of the next.

    So what was missed before midnight, since the worker was busy or asleep, is made up after it.
    """
    return (now - timedelta(hours=hour)).date().isoformat()


def is_stale(now: datetime, published: str | None) -> bool:
    """Whether feeds are to be written: something changed, or an hour has passed.

    The hour is for changes that nobody told us of, such as a subscriber who left on the web.
    """
    return not published or now - datetime.fromisoformat(published) >= PUBLISH_EVERY
