"""What went wrong in each part of the work and has not gone well since.

It is kept beside the worker's sign of life, so that whoever looks later sees it: the process that
said so may be gone, and its words with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from digest.delivery import scrub
from digest.errors import DigestError, sentence_of
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

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """The last failure of a part of the work; `cause` holds nobody's address."""

    part: str
    at: datetime
    cause: str

    @property
    def doing(self) -> str:
        """What failed, in words."""
        return PARTS[self.part]


def watched(
    store: Store, part: str, work: Callable[[], Result], *, clock: Callable[[], datetime]
) -> Result:
    """Do a part of the work; what it raises is kept as its trouble, and forgotten once it goes well.

    It has gone well if it did something: one that had nothing to do returns False, or delivered
    nothing, and its trouble stays.
    """
    try:
        result = work()
    except Exception as error:
        _keep(store, part, f"{clock().isoformat()} {scrub(_cause(error))}")
        raise
    if result is not False and not (isinstance(result, Delivered) and not result.accepted):
        _keep(store, part, "")
    return result


def troubles(store: Store) -> list[Trouble]:
    """What has gone wrong and not well since, in the order of the work."""
    found = []
    for part in PARTS:
        at, _, cause = (store.sources.cursor(_name(part)) or "").partition(" ")
        if at:
            found.append(Trouble(part=part, at=datetime.fromisoformat(at), cause=cause))
    return found


def _cause(error: Exception) -> str:
    if isinstance(error, DigestError):
        return error.message
    if isinstance(error, OSError):
        return sentence_of(error)
    return f"Something went wrong inside Digest ({type(error).__name__}); its log says more."


def _keep(store: Store, part: str, said: str) -> None:
    with suppress(DigestError):  # a database in trouble must not hide the trouble itself
        if said or store.sources.cursor(_name(part)):
            store.sources.set_cursor(_name(part), said)


def _name(part: str) -> str:
    return f"trouble:{part}"
