"""Troubles: the last failure of each part of the work that has not succeeded since.

They are stored beside the worker's sign of life, so that they can be seen when the process that
logged them is gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from digest.delivery import scrub
from digest.errors import DigestError, StoreBusy, sentence_of
from digest.pipeline.delivering import Delivered
from digest.ports import Store

# The parts of the work, in the order of a tick, and what each is about.
PARTS: Mapping[str, str] = {
    "alive": "giving a sign of life",
    "resume": "ending pauses",
    "mail": "taking in mail",
    "poll": "fetching lists",
    "look up": "looking up submissions",
    "place": "placing new papers",
    "compose": "composing digests",
    "post": "sending letters",
    "deliver": "sending digests",
    "publish": "publishing feeds",
    "night": "the nightly work",
    "learn": "learning",
    "keep": "learning readers anew",
}

# A placeholder in our own hints, such as `smtp://user:password@host:587`, that looks like an address.
HINT = re.compile(r"(?<![\w.+-])user:password@host(?![\w.-])")
KEPT = "user:password⌂host"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The last failure of a part of the work; `cause` holds no email address."""

    part: str
    at: datetime
    cause: str

    @property
    def doing(self) -> str:
        """What failed, in words."""
        return PARTS[self.part]


def watched(
    store: Store,
    part: str,
    work: Callable[[], Result],
    *,
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> Result:
    """Do a part of the work; an error is stored as its trouble until that part succeeds.

    So is the reason why a round of sending was cut short, unless we are `stopping`. The part
    succeeds only if it did something: if it was not due (False), or sent nothing while something
    waits, the trouble stays. A busy database is no trouble, since it passes.
    """
    try:
        result = work()
    except StoreBusy:
        raise
    except Exception as error:
        inside = f"Something went wrong inside Digest ({type(error).__name__}); its log says more."
        _keep(store, part, clock(), sentence_of(error) or inside)
        raise
    if isinstance(result, Delivered) and result.cut_short:
        if result.causes and not stopping():
            _keep(store, part, clock(), "; ".join(result.causes))
    elif result is not False and not (
        isinstance(result, Delivered) and _is_stuck(store, part, result)
    ):
        _forget(store, part)
    return result


def troubles(store: Store) -> list[Trouble]:
    """What has failed and not succeeded since, in the order of the work."""
    found = []
    for part in PARTS:
        at, _, cause = (store.sources.cursor(_name(part)) or "").partition(" ")
        if at:
            found.append(Trouble(part=part, at=datetime.fromisoformat(at), cause=cause))
    return found


def _is_stuck(store: Store, part: str, result: Delivered) -> bool:
    """Whether a round sent nothing although something waits, and so proves nothing."""
    if result.accepted:
        return False
    with suppress(StoreBusy):
        if part == "post":
            return store.post.waiting() > 0
        return store.ledger.has_waiting()
    return True


def _said(cause: str) -> str:
    """One line without anybody's address; the placeholders in our own hints are kept."""
    return scrub(HINT.sub(KEPT, cause)).replace(KEPT, "user:password@host")


def _keep(store: Store, part: str, at: datetime, cause: str) -> None:
    with suppress(DigestError):  # a database in trouble must not hide the trouble itself
        store.sources.set_cursor(_name(part), f"{at.isoformat()} {_said(cause)}")


def _forget(store: Store, part: str) -> None:
    with suppress(DigestError):  # then the next success forgets it
        if store.sources.cursor(_name(part)):
            store.sources.set_cursor(_name(part), "")


def _name(part: str) -> str:
    return f"trouble:{part}"
