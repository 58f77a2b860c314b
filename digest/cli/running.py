"""Commands that do the work: demo, run, deliver, publish, worker, web."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import click

from digest.cli.context import Context, edition_option, pass_context, progress, watched
from digest.cli.files import NamedPath
from digest.cli.gathering import all_failed, learn_now
from digest.cli.operating import show_reports
from digest.errors import DigestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from digest.app import App
    from digest.model import SourceReport
    from digest.pipeline.composing import Composed
    from digest.pipeline.delivering import Delivered

LOOK_SECONDS = 0.5
PATIENCE = timedelta(minutes=10)
STDERR = 2
FINISHING = b"\nFinishing what is in hand; again, and it ends at once.\n"  # below the bar


@click.command()
@click.option(
    "--dir",
    "folder",
    type=NamedPath(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where to put everything.",
)
@click.option("--live", is_flag=True, help="Use today's real arXiv instead of the shipped sample.")
def demo(folder: Path, live: bool) -> None:
    """See Digest work on a shipped listing: three readers, their emails, the feeds. Needs no network."""
    from digest import demo as show  # noqa: PLC0415 - keeps `--help` quick

    for line in show.run(folder, live=live):
        click.echo(line)


@click.command()
@pass_context
def run(context: Context) -> None:
    """Run one full cycle now: fetch, learn, compose today's digests for everyone, deliver, publish.

    It also does the rest of a worker's tasks: takes in mail, sends letters, ends pauses and, once a
    day, the nightly work.
    """
    from digest.worker import nightly  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        app.create()
        watched(app, "resume", app.resume_due)
        with progress("fetching"):
            unread = _failed(lambda: watched(app, "mail", app.fetch_mail))
            reports = watched(app, "poll", lambda: _read(app))
            watched(app, "look up", app.look_up_waiting)
        show_reports(reports)
        wrong = _failed(lambda: learn_now(app)) or unread
        now = _wait_while_polling(app)  # a worker may have begun to while we learned
        with _ending() as stopping:
            with progress("composing") as advance:
                composed = watched(
                    app,
                    "compose",
                    lambda: app.compose_edition(None, now=now, stopping=stopping, progress=advance),
                )
            watched(app, "post", lambda: app.post(stopping=stopping), stopping=stopping)
            delivered = _deliver(app, stopping)
            _say(composed, delivered)
        if app.settings.worker.publish:
            folder = Path(app.settings.worker.publish)
            published = watched(app, "publish", lambda: app.publish(folder))
            click.echo(f"{published.feeds} feeds in {app.settings.worker.publish}.")
        watched(app, "night", lambda: nightly(app, stopping=stopping))
        if wrong is not None:
            raise wrong
        if all_failed(reports) or _is_amiss(delivered):
            raise click.exceptions.Exit(1)


@click.command()
@edition_option(default="what is due")
@pass_context
def deliver(context: Context, edition: str | None) -> None:
    """Send what is due; with --date, first compose that edition for everyone who lacks it."""
    from digest.pipeline import covering  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        covering.until(edition, app.clock())  # a day that cannot be is no trouble of composing
        watched(app, "resume", app.resume_due)
        now = _wait_while_polling(app)
        with _ending() as stopping:
            with progress("composing") as advance:
                composed = watched(
                    app,
                    "compose",
                    lambda: (
                        app.compose_edition(edition, now=now, stopping=stopping, progress=advance)
                        if edition
                        else app.compose_due(now=now, stopping=stopping, progress=advance)
                    ),
                )
            delivered = _deliver(app, stopping)
            _say(composed, delivered)
        waiting = app.store.ledger.counts().get("retry", 0)
        if waiting:
            click.echo(
                f"{waiting} wait for their next try; `digest worker`, or this again, makes it."
            )
        if _is_amiss(delivered):
            raise click.exceptions.Exit(1)


@click.command()
@click.argument("folder", type=NamedPath(file_okay=False, path_type=Path))
@pass_context
def publish(context: Context, folder: Path) -> None:
    """Write all feeds (RSS, Atom, JSON), their archives and an OPML as static files to FOLDER."""
    with context.app() as app:
        with progress("publishing"):
            published = app.publish(folder)
        click.echo(
            f"{published.feeds} feeds, {published.files} files in {folder}; "
            f"{published.changed} changed."
        )


@click.command()
@pass_context
def worker(context: Context) -> None:
    """Run on a schedule: poll, compose, deliver at each local hour, publish, reconcile, back up."""
    from digest.worker import work  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        work(app.create())


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@pass_context
def web(context: Context, host: str | None, port: int | None) -> None:
    """Serve the feeds, the pages that mails link to, and /health."""
    from digest.web import serve  # noqa: PLC0415 - keeps `--help` quick

    with context.app(web__host=host, web__port=port) as app:
        serve(app.create())


def _read(app: App) -> list[SourceReport]:
    """Poll; while another process does, wait, and then look what it has left."""
    reports = app.ingest()
    if not reports and app.sources():
        _wait_while_polling(app)
        reports = app.ingest()
    return reports


def _wait_while_polling(app: App) -> datetime:
    """Wait for another process that polls, so that digests do not lack what it is reading.

    Returns the moment of the last look: what a poll that begins after it reads is later.
    """
    now = app.clock()
    if not app.is_polling():
        return now
    click.echo("Another process is fetching: waiting until it is done.")
    deadline = now + PATIENCE
    while now < deadline:
        sleep(LOOK_SECONDS)
        now = app.clock()
        if not app.is_polling():
            return now
    click.echo("It is still fetching: going on with what there is.")
    return now


def _failed(work: Callable[[], object]) -> DigestError | None:
    """Do what no digest need wait for; the error if it failed."""
    try:
        work()
    except DigestError as error:
        return error
    return None


@contextmanager
def _ending() -> Iterator[Callable[[], bool]]:
    """Whether we were asked to end: the block in hand is finished, so that nothing is sent twice.

    Interrupted, we end after that, as if aborted; a second time, at once.
    """
    asked: list[int] = []

    # Nothing that takes a lock, which whoever is interrupted here may hold: no event, no stream.
    def end(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    def interrupt(number: int, frame: FrameType | None) -> None:
        end(number, frame)
        signal.signal(number, before[signal.SIGINT])
        with suppress(OSError):
            os.write(STDERR, FINISHING)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, end)
    if before[signal.SIGINT] is not signal.SIG_IGN:  # as in the background of a script
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGINT in asked:
        raise click.Abort


def _deliver(app: App, stopping: Callable[[], bool]) -> Delivered:
    """Send what is due."""
    rows = app.store.ledger.counts()
    waiting = rows.get("queued", 0) + rows.get("retry", 0)
    with progress("delivering", waiting) as advance:
        return watched(
            app,
            "deliver",
            lambda: app.deliver(stopping=stopping, progress=advance),
            stopping=stopping,
        )


def _is_amiss(delivered: Delivered) -> bool:
    """Whether something was not sent that was to be."""
    return bool(delivered.deferred or delivered.expired or delivered.refused)


def _say(composed: Composed, delivered: Delivered) -> None:
    expired = f", {delivered.expired} expired" if delivered.expired else ""
    click.echo(
        f"{composed.digests} digests composed; {delivered.accepted} sent, {delivered.deferred} to "
        f"be tried again{expired}, {delivered.refused} refused."
    )
    for cause in delivered.causes:
        click.echo(f"    the reason: {cause}")


COMMANDS = (demo, run, deliver, publish, worker, web)
