"""The command line. Exit codes: 0 fine, 1 the work failed, 2 something must be put right first.

That is the request, a setting, the database or its disk. What goes wrong is one clear sentence on
stderr, never a traceback (`--debug` shows it).
"""

from __future__ import annotations

import gc
import logging
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import click

from digest import __version__
from digest.cli import (
    evaluating,
    gathering,
    mailing,
    moderating,
    operating,
    people,
    reading,
    roster,
    running,
)
from digest.cli.context import Context
from digest.errors import ConfigError, InvalidInput, sentence_of

WORK_FAILED, PUT_RIGHT_FIRST, INTERRUPTED = 1, 2, 130
OBJECTS_BEFORE_LOOKING = 50_000

EPILOG = "Start with `digest demo`: it needs no network, no settings and no mail server."


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="digest")
@click.option(
    "--config",
    type=click.Path(),
    metavar="FILE",
    help="Settings (TOML). Default: digest.toml, if there is one.",
)
@click.option(
    "--db", metavar="FILE", help="The database. Default: digest.db, or `db` in the settings."
)
@click.option("--debug", is_flag=True, help="Show tracebacks and log lines.")
@click.pass_context
def cli(context: click.Context, config: str | None, db: str | None, debug: bool) -> None:
    """Digest reads every new paper listing so that you need not.

    Once a day each subscriber gets one email with the few papers most worth their time, each
    with the reason why; and everyone can follow a feed per topic.
    """
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    context.obj = Context(config=config, db=db, debug=debug)


for module in (
    operating,
    people,
    roster,
    reading,
    gathering,
    running,
    moderating,
    mailing,
    evaluating,
):
    for command in module.COMMANDS:
        cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # A block makes objects by the hundred thousand that all go at once and hold no cycles: looking
    # for some at every 700th new one takes a fifth of the time of composing.
    gc.set_threshold(OBJECTS_BEFORE_LOOKING, 50, 50)
    try:
        with _unwinding():
            code = cli.main(args=words, standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.exceptions.NoArgsIsHelpError as no_command:
        no_command.show()
        code = PUT_RIGHT_FIRST
    except click.Abort:
        code = INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        code = WORK_FAILED
    except Exception as error:  # noqa: BLE001 - the last door: a person gets a sentence
        if "--debug" in words:
            traceback.print_exc()
        code, sentence = explained(error)
        click.echo(f"digest: {sentence}", err=True)
    sys.exit(code if isinstance(code, int) else 0)


class _Terminated(BaseException):
    """SIGTERM came: on the way out leases are given back, and what is half done is taken back."""


@contextmanager
def _unwinding() -> Iterator[None]:
    """End by SIGTERM as anybody does, but not before what is open is closed; the second is final.

    SIGHUP is taken for the first, whoever deals with SIGTERM by then.
    """

    def unwind(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise _Terminated

    def hang_up(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # the shell may send it beside the terminal
        signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, unwind)
    ends = signal.getsignal(signal.SIGHUP) is signal.SIG_DFL  # with `nohup` it is ignored
    if ends:
        signal.signal(signal.SIGHUP, hang_up)
    try:
        yield
    except _Terminated:
        signal.raise_signal(signal.SIGTERM)
        sys.exit(128 + signal.SIGTERM)  # the first process of a container outlives its own signal
    finally:
        signal.signal(signal.SIGTERM, before)
        if ends:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)


def explained(error: Exception) -> tuple[int, str]:
    """The exit code of an error, and what it says to a person."""
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "digest"
        said = error.format_message()
        end = "" if said.endswith((".", "?", "?)")) else "."
        return PUT_RIGHT_FIRST, f"{said}{end} See `{where} --help`."
    if isinstance(error, click.ClickException):
        return WORK_FAILED, error.format_message()
    if isinstance(error, InvalidInput | ConfigError):
        return PUT_RIGHT_FIRST, error.message
    return WORK_FAILED, sentence_of(error) or (
        f"Something went wrong inside Digest ({type(error).__name__}: {error}); "
        "run again with --debug and please report what it shows."
    )
