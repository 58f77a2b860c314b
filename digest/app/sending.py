"""Sending in several processes: each claims blocks by itself, as workers on several machines would.

They are started anew rather than forked, since the process that asks may have threads, and end
with it however it ends: each watches its end of a pipe, which closes when nobody holds the other.
"""

from __future__ import annotations

import copyreg
import gc
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import MappingProxyType

from digest.config import Settings
from digest.errors import DigestError
from digest.pipeline.delivering import Delivered

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2


def deliver(
    settings: Settings,
    processes: int,
    *,
    stopping: Callable[[], bool],
    progress: Callable[[int], object],
) -> Delivered:
    """Send everything that is due in that many processes, and add up what came of it.

    Asked to stop, each finishes its group. One that dies is told of, and what it had claimed is
    recovered when its lease has run out. Raises what one of them raised, once all have ended.
    """
    alone = replace(settings, smtp=replace(settings.smtp, processes=1))
    pipes: dict[Connection, SpawnProcess] = {}
    total, failed = Delivered(), None
    try:
        for number in range(processes):
            pipe, process = _start(alone, f"digest-sender-{number + 1}")
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
                    case Delivered() as done:
                        total += done
                    case DigestError() as error:
                        failed = failed or error
                    case _:
                        listening.remove(pipe)
    finally:
        _stop(pipes)
        _join(pipes)
    if failed is not None:
        raise failed
    return total


def _frozen(content: dict[str, object]) -> MappingProxyType[str, object]:
    return MappingProxyType(content)


# Settings hold mappings that nobody can change, which pickle does not know how to hand over.
copyreg.pickle(MappingProxyType, lambda each: (_frozen, (dict(each),)))


def _start(settings: Settings, name: str) -> tuple[Connection, SpawnProcess]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    alike = logging.getLogger().level, gc.get_threshold()
    process = context.Process(target=_send, args=(settings, theirs, *alike), name=name)
    process.start()
    theirs.close()
    return ours, process


def _send(
    settings: Settings, pipe: Connection, level: int, collecting: tuple[int, int, int]
) -> None:
    """What a process does: deliver, say how far it has come, and stop when told or left alone."""
    from digest.app.application import App  # noqa: PLC0415 - which imports this module

    gc.set_threshold(*collecting)
    asked = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; our parent tells us
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    said: Delivered | DigestError
    try:
        with App(settings) as app:
            try:
                said = app.deliver(
                    stopping=lambda: asked.is_set() or pipe.poll(), progress=pipe.send
                )
            except DigestError as error:
                said = type(error)(error.message, subject=error.subject)
        pipe.send(said)
    except BrokenPipeError:
        log.info("nobody waits for this process any more", extra={"action": "stop"})


def _received(pipe: Connection) -> object:
    try:
        return pipe.recv()
    except (EOFError, ConnectionError):
        return None


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
                "a sending process ended unexpectedly",
                extra={"action": "deliver", "exitcode": process.exitcode},
            )
        process.close()
