"""Commands for whoever runs Digest: init, migrate, status, sources, topics, doctor, backup."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from digest.cli.context import Context, json_option, pass_context, show_json, watched
from digest.cli.files import NamedPath
from digest.errors import ConfigError, InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from digest.app import App
    from digest.model import SourceReport

MOST_SHOWN = 20
OF_A_DATABASE = ("", "-wal", "-shm", "-journal")
# Not `digest.model`'s own words, to keep `--help` quick.
UNASKED = ("waiting", "idle")


@click.command()
@pass_context
def init(context: Context) -> None:
    """Create the database, or bring an old one up to date. Safe to repeat."""
    with context.app() as app:
        app.create(filling=True).store.migrate()
        click.echo(f"Ready: {Path(app.settings.db).absolute()}")


@click.command()
@pass_context
def migrate(context: Context) -> None:
    """Bring the database to this version's schema (for a release step)."""
    with context.app() as app:
        store = app.create().open_store()
        try:
            applied = store.migrate()
        finally:
            store.close()
        click.echo(f"Applied {', '.join(applied)}." if applied else "Nothing to do.")


@click.command()
@json_option
@pass_context
def status(context: Context, as_json: bool) -> None:
    """Show what the database holds, what is queued, and how worker and sources are doing."""
    from digest import delivery  # noqa: PLC0415 - keeps `--help` quick
    from digest.app import counts, troubles  # noqa: PLC0415 - the same

    with context.app() as app:
        rows = counts(app.store)
        forecast = app.forecast()
        latest = latest_reports(app.store.sources.reports(since=app.clock() - timedelta(days=3)))
        unasked = _unasked(app, {each.source for each in latest})
        if as_json:
            reports = [report_row(each) for each in latest]
            reports += [{**report_row(each), "at": last} for each, last in unasked]
            learned = app.store.spaces.learned()
            space = learned and {**asdict(learned), "readable": app.space is not None}
            show_json(
                {
                    **rows,
                    "forecast": asdict(forecast),
                    "space": space,
                    "embedding": _embedding_of(app),
                    "worker": {
                        "looked_at": app.last_tick,
                        "troubles": [asdict(each) for each in troubles(app.store)],
                    },
                    "sources": reports,
                }
            )
            return
        for name, value in rows.items():
            click.echo(f"{name.replace('_', ' '):<16}{_in_words(value)}")
        click.echo(f"{'to be sent':<16}{delivery.said(forecast, app.clock())}")
        click.echo(f"{'space':<16}{_space_of(app)}")
        if embedding := _embedding_of(app):
            text = f"{embedding['waiting']:,} of {embedding['papers']:,} papers to go"
            click.echo(f"{'embedding':<16}{text}")
        looked = (
            f"last looked at {app.last_tick:%Y-%m-%d %H:%M} UTC" if app.last_tick else "none yet"
        )
        click.echo(f"{'worker':<16}{looked}")
        for each in troubles(app.store):
            text = f"{each.doing} failed at {each.at:%Y-%m-%d %H:%M} UTC: {each.cause}"
            click.echo(f"{'trouble':<16}{text}")
        shown = [*_worth_showing(latest), *(each for each, _ in unasked)]
        if shown:
            click.echo()
            show_reports(shown)


@click.command()
@json_option
@pass_context
def sources(context: Context, as_json: bool) -> None:
    """List the configured sources and what each last gave."""
    with context.app() as app:
        app.create()
        reports = latest_reports(app.store.sources.reports(since=app.clock() - timedelta(days=14)))
        by_source = {each.source: each for each in reports}
        rows = []
        for each in app.settings.sources.values():
            last = by_source.get(each.name)
            rows.append(
                {
                    "name": each.name,
                    "use": each.use,
                    "enabled": each.enabled,
                    "nightly": each.nightly,
                    "options": dict(each.options),
                    "last": report_row(last) if last else None,
                }
            )
        if as_json:
            show_json(rows)
            return
        table = Table("source", "class", "state", "last")
        for each in app.settings.sources.values():
            last = by_source.get(each.name)
            state = "off" if not each.enabled else "nightly" if each.nightly else "on"
            table.add_row(each.name, each.use, state, describe(last) if last else "never asked")
        Console(markup=False, highlight=False).print(table)


@click.command()
@click.argument("search", required=False)
@json_option
@pass_context
def topics(context: Context, search: str | None, as_json: bool) -> None:
    """List the topics one can follow; SEARCH narrows them by id or name."""
    with context.app() as app:
        wanted = (search or "").casefold()
        found = [
            each
            for each in app.settings.topics.values()
            if wanted in each.id.casefold() or wanted in each.name.casefold()
        ]
        if as_json:
            show_json(
                [
                    {
                        "id": each.id,
                        "name": each.name,
                        "group": each.group,
                        "categories": each.categories,
                        "phrases": each.phrases,
                        "keywords": each.keywords,
                    }
                    for each in found
                ]
            )
            return
        group = None
        for each in sorted(found, key=lambda topic: bool(topic.group)):
            if each.group != group:
                click.echo(("" if group is None else "\n") + (each.group or "Named topics"))
                group = each.group
            click.echo(f"  {each.id:<20} {each.name}")
        if not found:
            click.echo("No topic has that in its id or name.")


@click.command()
@click.argument("to", required=False, type=NamedPath(path_type=Path))
@pass_context
def backup(context: Context, to: Path | None) -> None:
    """Copy the live database consistently to TO (default: the backups folder)."""
    from digest.pipeline import tidying  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        usual = app.settings.keep.backups
        target = to or tidying.backup_path(Path(usual or "backups"), app.clock())
        live = Path(app.settings.db).resolve()
        ours = {live.with_name(f"{live.name}{end}") for end in OF_A_DATABASE}
        if target.resolve() in ours or (target.exists() and target.samefile(live)):
            raise InvalidInput("A backup needs a file of its own, not one of the live database.")
        if to and not to.parent.is_dir():
            raise InvalidInput(
                f"There is no folder {to.parent} to put a backup into; make it first."
            )

        def copy() -> None:
            target.parent.mkdir(parents=True, exist_ok=True)
            app.store.backup(target)

        if usual and not to:
            watched(app, "night", copy)
        else:  # a copy elsewhere says nothing of the nightly one
            copy()
        click.echo(f"Backed up to {target}")


@click.command()
@json_option
@pass_context
def doctor(context: Context, as_json: bool) -> None:
    """Check settings, database, sender and mail server; nothing is sent."""
    from digest.doctor import examine  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        findings = examine(app)
    if as_json:
        show_json(
            [{"check": each.check, "level": each.level, "text": each.text} for each in findings]
        )
    else:
        marks = {
            "fine": ("fine", "green"),
            "warning": ("warn", "yellow"),
            "wrong": ("wrong", "red"),
        }
        for each in findings:
            word, colour = marks[each.level]
            Console().print(word, style=colour, end="")
            click.echo(f"  {each.check}: {each.text}")
    if any(each.level == "wrong" for each in findings):
        raise click.exceptions.Exit(1)


def _unasked(app: App, known: set[str]) -> list[tuple[SourceReport, datetime | None]]:
    """A line for each other source that is enabled, and when it was last asked, if ever."""
    from digest.model import SourceReport, Verdict  # noqa: PLC0415 - keeps `--help` quick

    found = []
    for source in app.settings.sources.values():
        if source.enabled and source.name not in known:
            polls = [each.polled_at for each in app.store.sources.poll_states(source.name)]
            last = max(filter(None, polls), default=None)
            cause = f"not asked since {last:%Y-%m-%d %H:%M} UTC" if last else "not asked yet"
            report = SourceReport(
                source=source.name,
                place="",
                verdict=Verdict.WAITING,
                cause=f"{cause}; it is asked at night" if source.nightly else cause,
                at=last or app.clock(),
            )
            found.append((report, last))
    return found


def _worth_showing(latest: list[SourceReport]) -> list[SourceReport]:
    """All lines if they are few; else every fault, and the newest of each source without one."""
    from digest.editions import FAULTS  # noqa: PLC0415 - keeps `--help` quick

    if len(latest) <= MOST_SHOWN:
        return latest
    faults = [each for each in latest if each.verdict in FAULTS]
    told = {each.source for each in faults}
    by_age = sorted(latest, key=lambda each: each.at)
    newest = {each.source: each for each in by_age if each.source not in told}
    return [*faults, *newest.values()]


def _space_of(app: App) -> str:
    """What ranking learned, as one line; that it can be read is known by reading it."""
    from digest.doctor import UNREADABLE  # noqa: PLC0415 - keeps `--help` quick
    from digest.pipeline import learning  # noqa: PLC0415 - the same

    learned = app.store.spaces.learned()
    if learned is None:
        return "none yet"
    return UNREADABLE if app.space is None else learning.said(learned, app.clock())


def _embedding_of(app: App) -> dict[str, int] | None:
    """How far an embedder has come; nothing where none is set, or none can be had."""
    with suppress(ConfigError):
        found = app.unplaced()
        return found and dict(zip(("waiting", "papers"), found, strict=True))
    return None


def _in_words(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return ", ".join(f"{count} {state}" for state, count in value.items() if count) or "empty"


def latest_reports(reports: list[SourceReport]) -> list[SourceReport]:
    """The newest line of each (source, place), leaving out polls that were not due."""
    latest = {(each.source, each.place): each for each in reports if each.verdict not in UNASKED}
    return list(latest.values())


def report_row(report: SourceReport) -> dict[str, object]:
    """A report line as plain values."""
    return {
        "source": report.source,
        "place": report.place,
        "verdict": str(report.verdict),
        "read": report.read,
        "papers": report.papers,
        "announced": report.announced,
        "merged": report.merged,
        "cause": report.cause,
        "problems": [{"place": each.place, "cause": each.cause} for each in report.problems],
        "at": report.at,
    }


def describe(report: SourceReport) -> str:
    """A report line in words."""
    parts = [str(report.verdict)]
    if report.read:
        parts.append(f"{report.read} read, {report.papers} new papers, {report.merged} merged")
    if report.problems:
        parts.append(f"{len(report.problems)} problems")
    if report.cause:
        parts.append(report.cause)
    return ": ".join((parts[0], ", ".join(parts[1:]))) if len(parts) > 1 else parts[0]


def show_reports(reports: list[SourceReport]) -> None:
    """Print a run report, one line a place, with its problems below."""
    for report in reports:
        where = f"{report.source} {report.place}".strip()
        click.echo(f"{where}: {describe(report)}")
        for problem in report.problems[:5]:
            click.echo(f"    {problem.place}: {problem.cause}")
        if len(report.problems) > 5:  # noqa: PLR2004 - a report is skimmed; --json has them all
            click.echo(f"    and {len(report.problems) - 5} more")


COMMANDS = (init, migrate, status, sources, topics, backup, doctor)
