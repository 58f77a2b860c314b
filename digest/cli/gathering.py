"""Commands that gather what digests are made of: fetch, learn."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.cli.context import (
    Context,
    edition_date,
    json_option,
    pass_context,
    progress,
    show_json,
    watched,
)
from digest.cli.operating import UNASKED, report_row, show_reports
from digest.errors import InvalidInput, RetryLater

if TYPE_CHECKING:
    from digest.app import App
    from digest.model import SourceReport
    from digest.pipeline.learning import Learning


@click.command()
@click.argument("source", required=False)
@click.option(
    "--from",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Ingest a recorded listing instead of using the network. Repeatable.",
)
@click.option("--since", "since", metavar="YYYY-MM-DD", help="Back-fill from this day (arxiv-api).")
@click.option(
    "--until", "until", metavar="YYYY-MM-DD", help="Back-fill up to this day. Default: today."
)
@click.option(
    "--at", metavar="YYYY-MM-DD", help="When a recorded file was fetched, if it does not say."
)
@click.option(
    "--force", is_flag=True, help="Fetch even if no poll is due yet (naming a SOURCE implies it)."
)
@json_option
@pass_context
def fetch(
    context: Context,
    source: str | None,
    files: tuple[Path, ...],
    since: str | None,
    until: str | None,
    at: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Fetch new listings from all enabled sources, or only from SOURCE."""
    _check_together(source, files, since=since, until=until, at=at)
    with context.app() as app:
        app.create()
        if source and files:
            reports = app.ingest_files(source, files, at=_range(at, at)[0] if at else None)
        elif since:
            with progress("fetching"):
                reports = app.backfill(source or "arxiv-api", *_range(since, until))
        else:
            with progress("fetching"):
                if not source:
                    reports = watched(app, "poll", lambda: app.ingest(force=force))
                else:  # one source says nothing of the others
                    reports = app.ingest(only=source, force=True)
        learn_now(app)
        if as_json:
            show_json([report_row(each) for each in reports])
        else:
            show_reports(reports)
            if not reports:
                busy = source or since or app.sources()
                why = "another process is fetching" if busy else "no source is enabled"
                click.echo(f"Nothing to do: {why}.")
        if all_failed(reports) or (since and all_failed(reports[-1:])):
            raise click.exceptions.Exit(1)


@click.command()
@pass_context
def learn(context: Context) -> None:
    """Learn now, from all papers, which words belong together. The worker does this by itself."""
    from digest.pipeline import learning  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        outcome = learn_now(app, force=True)
        learned = app.store.spaces.learned()
        if outcome is learning.Learning.BUSY:
            raise RetryLater("Another process is learning.")
        if outcome is learning.Learning.TOO_FEW or learned is None:
            click.echo(f"{learning.too_few(app.store.spaces.size())}.")
            return
        click.echo(
            f"Learned from {learned.papers:,} papers in {learned.dimensions} dimensions: "
            f"{learned.name}"
        )


def _check_together(
    source: str | None,
    files: tuple[Path, ...],
    *,
    since: str | None,
    until: str | None,
    at: str | None,
) -> None:
    """Refuse options of `fetch` of which one would do nothing; raises InvalidInput."""
    if files and not source:
        raise InvalidInput(
            "Name the source that the file came from, such as `fetch arxiv --from FILE`."
        )
    if files and since:
        raise InvalidInput("--since asks a source and --from reads a file: name one of them.")
    if at and not files:
        raise InvalidInput("--at needs --from: the file that was fetched then.")
    if until and not since:
        raise InvalidInput("--until needs --since: the days to back-fill.")


def learn_now(app: App, *, force: bool = False) -> Learning | None:
    """Learn if that is due or asked for, and place papers: all if asked for, else for a minute.

    Raises RetryLater if it is asked for while another process is placing.
    """
    from digest.pipeline import learning  # noqa: PLC0415 - keeps `--help` quick

    outcome: Learning | None = None

    def work() -> bool:
        nonlocal outcome
        outcome = app.learn(force=force)
        return outcome not in (None, learning.Learning.BUSY)

    patience = None if force else learning.PATIENCE
    with progress("learning"):
        watched(app, "learn", work)
        placed = watched(app, "place", lambda: app.place(patience=patience))
    if force and not placed and outcome is not learning.Learning.BUSY:
        raise RetryLater("Another process is placing papers.")
    return outcome


def all_failed(reports: list[SourceReport]) -> bool:
    """Whether sources were asked and none of them gave anything."""
    asked = [each for each in reports if each.verdict not in UNASKED]
    return bool(asked) and all(each.verdict in ("failed", "gone") for each in asked)


def _range(since: str, until: str | None) -> tuple[date, date]:
    today = datetime.now(UTC).date()  # noqa: TID251 - the edge
    first = date.fromisoformat(edition_date(since))
    last = date.fromisoformat(edition_date(until)) if until else today
    if last < first:
        raise InvalidInput("--until must not be before --since.")
    return first, last


COMMANDS = (fetch, learn)
