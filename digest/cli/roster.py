"""Commands about all subscribers: list, import, export; and revoke."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.cli.context import Context, json_option, pass_context, progress, show_json
from digest.cli.files import replacing
from digest.cli.people import described, row

if TYPE_CHECKING:
    from collections.abc import Iterable


@click.group()
def subscribers() -> None:
    """List, import and export subscribers."""


@subscribers.command("list")
@json_option
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List all subscribers, one line each."""
    with context.app() as app:
        if as_json:
            show_json([row(person) for person, _ in app.store.subscribers.all()])
            return
        for person, interests in app.store.subscribers.all():
            click.echo(
                f"{person.email}\t{person.status}\t{described(person)}\t{len(interests)} interests"
            )


@subscribers.command()
@click.argument("email")
@pass_context
def revoke(context: Context, email: str) -> None:
    """Invalidate all links mailed to a subscriber and their private feed; new mails carry new ones."""
    from digest import subscriptions  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app:
        subscriptions.revoke(app.store, subscriptions.find(app.store, email))
        click.echo("Their old links are dead; the next digest carries new ones.")


@subscribers.command("import")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option(
    "--confirmed",
    is_flag=True,
    help="They have already agreed: make them active, or what their status column says.",
)
@pass_context
def import_(context: Context, file: Path, confirmed: bool) -> None:
    """Add subscribers from CSV or JSON Lines (by the file's ending; - is CSV on standard input).

    Columns: email, and optionally topics, keywords, authors, queries, likes, dislikes, known,
    mutes, mute_authors, mute_topics (several values separated by `;`), weights
    (`topics:cs.IR=2; …`), name, shows_name, at, tz, cadence, limit, quiet, floor and status; with
    --confirmed also paused_until. Lines that cannot be used are reported.

    Without --confirmed newcomers are pending, except those whose status is unsubscribed or
    suppressed: the worker mails them a link to confirm (not to
    addresses on the suppression list), and forgets whoever has not confirmed within 14 days. So it
    is, with --confirmed, for a status of pending.

    People already known stay as they are, except that a status of unsubscribed or suppressed ends
    their subscription.
    """
    from digest import roster  # noqa: PLC0415 - keeps `--help` quick
    from digest.model import Status  # noqa: PLC0415 - keeps `--help` quick

    asked = waiting = 0
    with context.app() as app, progress("importing") as advance:
        app.create()

        def ask(addresses: Iterable[str]) -> None:
            nonlocal asked, waiting
            if app.site.url:
                asked += app.ask_to_confirm(addresses, progress=advance)
            else:
                known = list(addresses)
                waiting += len(app.store.subscribers.by_emails(known, Status.PENDING))
                advance(len(known))

        raw = sys.stdin.buffer if str(file) == "-" else file.open("rb")
        with TextIOWrapper(raw, encoding="utf-8-sig", newline="") as source:
            result = roster.load(
                app.store,
                roster.read(source, json_lines=file.suffix in (".jsonl", ".ndjson")),
                topics=app.settings.topics,
                defaults=app.newcomer,
                confirmed=confirmed,
                now=app.clock(),
                entered=ask,
            )
    ended = f", {result.ended} ended" if result.ended else ""
    click.echo(
        f"{result.added} added, {result.known} already known{ended}, {result.rejected} rejected."
    )
    if asked:
        click.echo(
            f"{asked} are asked by mail to confirm: `digest worker`, or `digest run`, sends it."
        )
    elif waiting:
        click.echo(
            "No confirmation mail can be sent while [site] url is not set: set it and run this "
            f"again, or whoever is pending ({waiting} here) is forgotten after 14 days."
        )
    for line, cause in result.problems:
        click.echo(f"line {line}: {cause}", err=True)
    if result.rejected:
        raise click.exceptions.Exit(1)


@subscribers.command("export")
@click.argument(
    "file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    help="Default: by the file's ending, else CSV.",
)
@pass_context
def export(context: Context, file: Path, form: str | None) -> None:
    """Write all subscribers as CSV or JSON Lines; `import` reads it back.

    FILE is readable by its owner only, and replaces an earlier one once it is complete.
    """
    from digest import roster  # noqa: PLC0415 - keeps `--help` quick

    json_lines = form == "jsonl" if form else file.suffix in (".jsonl", ".ndjson")
    with context.app() as app:
        if str(file) == "-":
            roster.write(sys.stdout, app.store.subscribers.all(), json_lines=json_lines)
            return
        with (
            replacing(file, private=True) as part,
            part.open("w", encoding="utf-8", newline="") as target,
        ):
            count = roster.write(target, app.store.subscribers.all(), json_lines=json_lines)
        click.echo(f"{count} subscribers written to {file}")


COMMANDS = (subscribers,)
