"""Rounds: the parts of a tick, each of which does what is due and may be done twice without harm."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from digest.app import App
from digest.app.composer import COMPOSING_NOW
from digest.errors import DigestError, RetryLater, StoreBusy
from digest.model import SourceReport
from digest.pipeline import clocks, learning, leases, publishing, tastes
from digest.pipeline.delivering import Delivered
from digest.worker import nights

PUBLISHED = "published"
OWN_FEEDS = "published own"
ALL_OWN = "published all"
COMPOSING = "compose"
READ_ELSEWHERE = "read elsewhere"
PUBLISH_EVERY = timedelta(hours=1)
# For so long at a time readers' own feeds are written: 100,000 take a quarter of an hour.
PUBLISHING = timedelta(minutes=1)
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


def publish(app: App, *, changed: bool, stopping: Callable[[], bool] = lambda: False) -> None:
    """Write the feeds if they are to be files, and tell the hub; unless another worker is at it."""
    folder, sources = app.settings.worker.publish, app.store.sources
    if not folder and not app.settings.feeds.hub:
        return
    if changed:
        sources.set_cursor(PUBLISHED, "")
    now = app.clock()
    is_due = is_stale(now, sources.cursor(PUBLISHED))
    if not is_due and not (folder and _own_pass(app).began):
        return
    with leases.held(app.store, "publish", owner=app.owner, clock=app.clock) as ours:
        if not ours:
            return
        if is_due and folder:
            app.publish_shared(Path(folder))
            _begin_own(app)
        if is_due:
            app.tell_hub()
            sources.set_cursor(PUBLISHED, now.isoformat())
        if folder:
            _publish_own(app, Path(folder), is_due=is_due, stopping=stopping)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPass:
    """A pass over readers' own feeds: of whom it is, when it began, and how far it has come.

    It is of those with a digest composed at or after `since`, or of all where that is "". Where
    `began` is "" too, none is under way. Times are in ISO 8601.
    """

    since: str = ""
    began: str = ""
    after: str = ""


def _own_pass(app: App) -> OwnPass:
    kept = app.store.sources.cursor(OWN_FEEDS)
    return OwnPass(**json.loads(kept)) if kept else OwnPass()


def _keep_pass(app: App, this: OwnPass) -> None:
    app.store.sources.set_cursor(OWN_FEEDS, json.dumps(asdict(this)))


def _begin_own(app: App) -> None:
    """Begin a pass, unless one is under way: of all where they have had none as of now, else of the new.

    All have one a night, and when something changes that stands in any feed. One of all that is
    under way comes to its end first, or those at its end would wait while much changes.
    """
    this, now = _own_pass(app), app.clock().isoformat()
    shared = publishing.shared_by_own(app.store, app.feed_terms.site)
    as_of = f"{nights.tonight(app)} {shared}"
    is_ahead = this.since > now  # and so was the clock
    is_of_all = bool(this.began) and not this.since
    if is_ahead or (app.store.sources.cursor(ALL_OWN) != as_of and not is_of_all):
        _keep_pass(app, OwnPass(began=now))
        app.store.sources.set_cursor(ALL_OWN, as_of)
    elif not this.began:
        _keep_pass(app, replace(this, began=now))


def _publish_own(app: App, folder: Path, *, is_due: bool, stopping: Callable[[], bool]) -> None:
    """Go on with readers' own feeds for a while: very many take long, and digests wait meanwhile."""
    this, now = _own_pass(app), app.clock()
    if not this.began:
        return
    # What somebody else is composing is dated already, and not there yet.
    if leases.is_held(app.store, COMPOSING_NOW, now=now):
        if is_due:
            publishing.forget_own(app.store, folder, app.feed_terms.site)
        return
    left = app.publish_own(
        folder,
        # A clock beside ours dates digests by its own time, and a block is there after its date.
        since=datetime.fromisoformat(this.since) - clocks.SKEW if this.since else None,
        after=this.after,
        stopping=lambda: stopping() or app.clock() - now >= PUBLISHING,
    )
    if left is not None:
        _keep_pass(app, replace(this, after=left))
    else:  # those it had passed by may have something new since
        again = app.clock().isoformat() if this.after else ""
        _keep_pass(app, OwnPass(since=this.began, began=again))


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
