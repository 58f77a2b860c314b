"""The nightly work: done once between a configured hour (UTC) and the same hour of the next day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from digest import subscriptions
from digest.app import App
from digest.errors import StoreBusy
from digest.model import Verdict
from digest.pipeline import learning, tidying
from digest.worker.failures import say

NIGHTLY = "nightly"
RECONCILED = "reconciled"
BACKED_UP = "backed up"
LEARNED = "learned"
NIGHT = (RECONCILED, NIGHTLY, BACKED_UP)
UNANSWERED = (Verdict.FAILED, Verdict.WAITING)
LEASE_SECONDS = 3600


def nightly(app: App, *, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Reconcile, prune and back up, once a night; True if anything was done now.

    Each part is tried again until it succeeds (reconciling, when its sources' back-off allows), and
    one that fails does not stop the others. If several fail, one is raised, preferably not a busy
    database, and the others are logged.
    """
    now, night = app.clock(), tonight(app)
    parts: dict[str, Callable[[], bool]] = {
        RECONCILED: lambda: _reconcile(app, stopping=stopping),
        NIGHTLY: lambda: _tidy(app, now, stopping=stopping),
        BACKED_UP: lambda: _back_up(app, now),
    }
    if all(is_done(app, name) for name in parts) or not app.store.lease(
        NIGHTLY, owner=app.owner, now=now, seconds=LEASE_SECONDS
    ):
        return False
    done, failures = False, list[Exception]()
    try:
        for name, part in parts.items():
            try:
                # Checked again: another worker may have done it before the lease was ours.
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
                say("night", each)
        raise told
    return done


def _reconcile(app: App, *, stopping: Callable[[], bool]) -> bool:
    """Ask the sources that correct others; True if all have answered."""
    reports = app.ingest(nightly=True, stopping=stopping)
    answered = bool(reports) or not app.sources(nightly=True)
    return answered and not any(each.verdict in UNANSWERED for each in reports)


def _tidy(app: App, now: datetime, *, stopping: Callable[[], bool]) -> bool:
    """Prune and forget; False if we were asked to stop before it was done."""
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
    subscriptions.forget_pending(app.store, now, stopping=stopping)
    if stopping():
        return False
    rankers = [each for each in (app.ranker, app.challenger) if each is not None]
    if not app.unloaded:  # else tastes learned with the embedder would be lost while it is away
        tidying.forget_tastes(app.store, rankers)
    return True


def _back_up(app: App, now: datetime) -> bool:
    keep = app.settings.keep
    if keep.backups:
        tidying.backup(app.store, Path(keep.backups), now=now, keep=keep.backup_count)
    return True


def learn(app: App) -> bool:
    """Learn anew if that is due; tried once a night, even if it fails.

    False if it was not due, or while another process learns.
    """
    night = tonight(app)
    if is_done(app, LEARNED):
        return False

    def mark() -> None:
        app.store.sources.set_cursor(LEARNED, night)

    # Marked beforehand, so that a failure is not repeated with every tick or restart.
    if app.learn(begun=mark) is learning.Learning.BUSY:
        return False
    mark()
    return True


def is_done(app: App, part: str) -> bool:
    """Whether a part of the nightly work has been done in the current night."""
    return app.store.sources.cursor(part) == tonight(app)


def tonight(app: App) -> str:
    """The name of the current night."""
    return night_of(app.clock(), hour=app.settings.worker.nightly_hour)


def night_of(now: datetime, *, hour: int) -> str:
    """The UTC day on which the current night began, as its name.

    A night lasts until that hour of the next day, so what was missed before midnight, by a busy or
    sleeping worker, is made up after it.
    """
    return (now - timedelta(hours=hour)).date().isoformat()
