"""Rounds: the parts of a tick, each of which does what is due and may be done twice without harm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from digest.app import App
from digest.errors import DigestError, RetryLater, StoreBusy
from digest.model import SourceReport
from digest.pipeline import learning, tastes
from digest.pipeline.delivering import Delivered

PUBLISHED = "published"
COMPOSING = "compose"
READ_ELSEWHERE = "read elsewhere"
PUBLISH_EVERY = timedelta(hours=1)
PUBLISH_LEASE_SECONDS = 600
KEEP_LEASE_SECONDS = 600
# Long enough for the block in hand, short enough that a worker that died costs no morning.
COMPOSE_LEASE_SECONDS = 60
PATIENCE = timedelta(seconds=30)
# Letters take the turn of blocks for so long at most.
POSTING = timedelta(seconds=10)
READING = timedelta(minutes=10)


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


def place(app: App, *, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Give the papers that have just come their places; learn first if nothing has been learned.

    False while another process does.
    """
    if app.space is None:
        app.learn()
    return app.place(patience=learning.PATIENCE, stopping=stopping)


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


def deliver(
    app: App, *, until: datetime | None = None, stopping: Callable[[], bool] = lambda: False
) -> Delivered:
    """Send what is due; letters go between the blocks, since a morning's digests take hours."""
    letters = letters_between(app, stopping=stopping)
    return app.deliver(until=until, stopping=stopping, progress=letters)


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


def keep(app: App, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """After a change of space learn readers anew, some of them in every tick; one worker at a time."""
    now = app.clock()
    if app.store.lease(tastes.CURSOR, owner=app.owner, now=now, seconds=KEEP_LEASE_SECONDS):
        try:
            app.keep_ahead(stopping=stopping)
        finally:
            app.store.unlease(tastes.CURSOR, owner=app.owner)


def is_stale(now: datetime, published: str | None) -> bool:
    """Whether feeds are to be written: something changed, or an hour has passed.

    The hour is for changes that nobody told us of, such as a subscriber who left on the web.
    """
    return not published or now - datetime.fromisoformat(published) >= PUBLISH_EVERY
