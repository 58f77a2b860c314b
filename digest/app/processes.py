"""Work in several processes: each does a share by itself, as workers on several machines would.

They are spawned rather than forked, since the parent may have threads. They end with the parent,
however it ends: each watches its end of a pipe, which closes when nobody holds the other.

They run at a lower priority than the web pages and a mail server on the same machine, since
somebody waits for those. Otherwise the mail server had to wait for the processor before it took the
next message, which cost two senders an eighth of their speed.
"""

from __future__ import annotations

import copyreg
import gc
import logging
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from digest.config import Settings
from digest.errors import DigestError

if TYPE_CHECKING:
    from digest.app.application import App

log = logging.getLogger(__name__)

ENDING = frozenset({signal.SIGINT, signal.SIGHUP, signal.SIGTERM})
LOOK_SECONDS = 0.2
# Nobody waits for them; and a mail server on this machine, woken by a message, then runs at once and
# not when the sender next waits, which sends 9 % more (benchmarks/README.md).
NICENESS = 19

Result = TypeVar("Result")
Made_co = TypeVar("Made_co", covariant=True)


class Share(Protocol[Made_co]):
    """What one process is to do: a module-level function, or a `partial` of one."""

    def __call__(
        self, app: App, /, *, stopping: Callable[[], bool], progress: Callable[[int], object]
    ) -> Made_co:
        """Do it, and report progress; when asked to stop, finish what is in hand."""
        ...


@dataclass(frozen=True, slots=True)
class _Ended:
    """A process has ended, and says nothing more."""


def run(
    settings: Settings,
    shares: Sequence[Share[Result]],
    *,
    name: str,
    stopping: Callable[[], bool],
    progress: Callable[[int], object],
) -> list[Result | None]:
    """Do each share in a process of its own, named after `name`; the results, in order.

    When asked to stop, each finishes what it has in hand. A process that dies is logged, and its
    result is None. Raises what one of them raised, once all have ended.
    """
    # None of them starts others.
    alone = replace(
        settings,
        smtp=replace(settings.smtp, processes=1),
        ranking=replace(settings.ranking, processes=1),
    )
    pipes: dict[Connection, SpawnProcess] = {}
    found: dict[Connection, Result] = {}
    failed = None
    try:
        for number, share in enumerate(shares, 1):
            pipe, process = _start(alone, share, f"{name}-{number}")
            pipes[pipe] = process
        listening, told = list(pipes), False
        while listening:
            if not told and stopping():
                _stop(pipes)
                told = True
            ready = wait(listening, LOOK_SECONDS)
            for pipe in [each for each in listening if each in ready]:
                match _received(pipe):
                    case int() as count:
                        progress(count)
                    case Exception() as error:
                        failed = failed or error
                    case _Ended():
                        listening.remove(pipe)
                    case said:
                        found[pipe] = cast("Result", said)
    finally:
        _stop(pipes)
        _join(pipes)
    if failed is not None:
        raise failed
    return [found.get(pipe) for pipe in pipes]


def _frozen(content: dict[str, object]) -> MappingProxyType[str, object]:
    return MappingProxyType(content)


# Settings hold read-only mappings, which pickle cannot handle by itself.
copyreg.pickle(MappingProxyType, lambda each: (_frozen, (dict(each),)))


def _start(settings: Settings, share: Share[Result], name: str) -> tuple[Connection, SpawnProcess]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    alike = logging.getLogger().level, gc.get_threshold()
    process = context.Process(target=_work, args=(settings, share, theirs, *alike), name=name)
    resource_tracker.ensure_running()  # else it starts within the block below, and unblocks signals
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # until the process handles them
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
    theirs.close()
    return ours, process


def _work(
    settings: Settings,
    share: Share[object],
    pipe: Connection,
    level: int,
    collecting: tuple[int, int, int],
) -> None:
    """What a process does: its share, with progress, until it is told to stop or is left alone."""
    from digest.app.application import App  # noqa: PLC0415 - which imports this module

    os.nice(NICENESS)
    gc.set_threshold(*collecting)
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGHUP):  # the terminal's; our parent tells us
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    said: object
    try:
        try:
            with App(settings) as app:
                said = share(
                    app, stopping=lambda: asked.is_set() or pipe.poll(), progress=pipe.send
                )
        except MemoryError as error:  # the others may have enough once this process is gone
            raise SystemExit(1) from error
        except DigestError as error:
            said = type(error)(error.message, subject=error.subject)
        except Exception as error:  # noqa: BLE001 - the parent raises it
            said = _sendable(error)
        pipe.send(said)
    except BrokenPipeError:
        log.info("nobody waits for this process any more", extra={"action": "stop"})


def _sendable(error: Exception) -> Exception:
    """An error with its traceback as a note; in words if it cannot be pickled."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - its class may be of anybody's making
        kind = type(error).__name__
        return DigestError(f"Something went wrong inside Digest ({kind}: {error}).")
    return error


def _received(pipe: Connection) -> object:
    try:
        return pipe.recv()
    except (EOFError, ConnectionError):
        return _Ended()


def _stop(pipes: dict[Connection, SpawnProcess]) -> None:
    for pipe in pipes:
        try:
            pipe.send("stop")
        except OSError:
            continue  # it has ended


def _join(pipes: dict[Connection, SpawnProcess]) -> None:
    for pipe, process in pipes.items():
        process.join()
        pipe.close()
        if process.exitcode:
            log.warning(
                "a process ended unexpectedly: %s",
                process.name,
                extra={"action": "share", "exitcode": process.exitcode},
            )
        process.close()
