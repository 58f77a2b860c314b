"""Mail handed over by a mail server's alias: receive."""

from __future__ import annotations

import sys
import traceback

import click

from digest.cli.context import Context, pass_context

MOST_BYTES = 2_000_000
TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the mail, and tries again


@click.command()
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="ADDRESS",
    help="The envelope recipient. Default: taken from the header. Repeatable.",
)
@pass_context
def receive(context: Context, recipients: tuple[str, ...]) -> None:
    """Take in one mail from standard input, for an alias or a .forward of `|digest receive`.

    On any failure exit code 75 asks the mail server to keep the mail and try again later.
    """
    raw = sys.stdin.buffer.read(MOST_BYTES)
    while sys.stdin.buffer.read(MOST_BYTES):
        pass  # a mail server whose pipe breaks would count the mail as undelivered
    try:
        with context.app() as app:
            app.take_in(raw, recipients)
    except Exception as error:  # noqa: BLE001 - whatever it is, the mail must not be lost
        from digest.cli import explained  # noqa: PLC0415 - it imports this module

        if context.debug:
            traceback.print_exc()
        click.echo(f"digest: {explained(error)[1]}", err=True)
        raise click.exceptions.Exit(TRY_AGAIN) from None


COMMANDS = (receive,)
