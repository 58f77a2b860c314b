"""Rounds: the parts of a tick; each does what is due, and may be done twice without harm."""

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
# How long at a time readers' own feeds are written: 100,000 take a quarter of an hour.
PUBLISHING = timedelta(minutes=1)
KEEP_LEASE_SECONDS = 600
# Long enough for the block in hand, short enough for another worker to take over soon.
COMPOSE_LEASE_SECONDS = 60
PATIENCE = timedelta(seconds=30)
# How long letters may take between two blocks.
POSTING = timedelta(seconds=10)
READING = timedelta(minutes=10)


def is_read_elsewhere(app: App, reports: Sequence[SourceReport]) -> bool:
    """Whether another process is polling, whose papers digests made now would lack.

    They wait for ten minutes at most; after that RetryLater says so. `reports` is what came of
    polling here.
    """
    sources, now = app.store.sources, app.clock()
    noted = sources.cursor(READ_ELSEWHERE)
    if reports or not app.sources():
        if noted:
            sources.set_cursor(READ_ELSEWHERE, "")
        return False
    since = datetime.fromisoformat(noted) if noted else now
    if not noted or since > now:  # a time to come was noted by a clock that was wrong
        sources.set_cursor(READ_ELSEWHERE, now.isoformat())
        return True
    if now - since < READING:
        return True
    raise RetryLater(
        "Another process has been fetching lists for over ten minutes; digests are made without "
        "what it reads."
    )


def place(app: App, *, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Place new papers in the space; learn a space first if there is none.

    False while another process does.
    """
    if app.space is None:
        app.learn()
    return app.place(patience=learning.PATIENCE, stopping=stopping)


def compose(app: App, *, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Compose for whoever's hour has come; whether any digest was made.

    One worker composes at a time; another sends what there is meanwhile, and takes over if this one
    dies. Letters go between the blocks, since composing for very many takes long.
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
        with suppress(StoreBusy):  # if another worker composes as well, it adds nothing
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
    """What sends letters between blocks of something that takes long, without stopping it.

    If there are many letters, they take at most half of the time. If the mail server is away or
    slow, or anything else fails, they wait for their own part of the tick, which reports it.
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
    """Write the feeds if they are to be files, and tell the hub, unless another worker does."""
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
    """A pass over readers' own feeds: whose they are, when it began, and how far it has come.

    It covers readers with a digest composed at or after `since`, or all if that is "". If `began`
    is "" too, none is under way. Times are in ISO 8601.
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
    """Begin a pass unless one is under way: over everybody's feeds if that is due, else new ones.

    Everybody's are due once a night, and when something changes that stands in all feeds. A pass
    over all that is under way is finished first; otherwise, while much changes, it would never
    reach its end.
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
    """Go on with readers' own feeds for a while, so that digests need not wait for all of them."""
    this, now = _own_pass(app), app.clock()
    if not this.began:
        return
    # While digests are composed elsewhere, they are dated already but not stored yet.
    if leases.is_held(app.store, COMPOSING_NOW, now=now):
        if is_due:
            publishing.forget_own(app.store, folder, app.feed_terms.site)
        return
    left = app.publish_own(
        folder,
        # Another machine's clock may differ, and a block is stored later than it is dated.
        since=datetime.fromisoformat(this.since) - clocks.SKEW if this.since else None,
        after=this.after,
        stopping=lambda: stopping() or app.clock() - now >= PUBLISHING,
    )
    if left is not None:
        _keep_pass(app, replace(this, after=left))
    else:  # readers that the pass had gone by may have new digests since
        again = app.clock().isoformat() if this.after else ""
        _keep_pass(app, OwnPass(since=this.began, began=again))


def keep(app: App, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """After a change of space learn readers anew, some in every tick; one worker at a time."""
    now = app.clock()
    if app.store.lease(tastes.CURSOR, owner=app.owner, now=now, seconds=KEEP_LEASE_SECONDS):
        try:
            app.keep_ahead(stopping=stopping)
        finally:
            app.store.unlease(tastes.CURSOR, owner=app.owner)


def is_stale(now: datetime, published: str | None) -> bool:
    """Whether feeds are to be written: something changed, or an hour has passed.

    The hour is for changes that are not reported here, such as a subscriber who left on the web.
    """
    return not published or now - datetime.fromisoformat(published) >= PUBLISH_EVERY
