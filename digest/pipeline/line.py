"""What a round of delivering works with, and what it comes to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digest.model import Digest, Evidence, Paper, Subscriber, Voice
from digest.pipeline.making import Render, Signing
from digest.pipeline.pacing import Pacer
from digest.ports import Acceptances, Store, Transport

LEASE = timedelta(minutes=15)

Bounced = Callable[[Evidence], Subscriber | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What rendering needs beside the digests themselves, loaded once a block."""

    papers: Mapping[str, Paper]
    upvotes: Mapping[str, int]
    titles: Mapping[str, str]
    voices: Mapping[str, Sequence[Voice]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a round of delivering came to, by outcome.

    `deferred` will be tried again; `expired` will not, being too late or perhaps delivered.
    `cut_short` says that the rest waits for later: the server took nothing, or our claim was lost.
    """

    accepted: int = 0
    deferred: int = 0
    expired: int = 0
    refused: int = 0
    suppressed: int = 0
    causes: tuple[str, ...] = field(default=())
    cut_short: bool = False

    def __add__(self, other: Delivered) -> Delivered:
        return Delivered(
            accepted=self.accepted + other.accepted,
            deferred=self.deferred + other.deferred,
            expired=self.expired + other.expired,
            refused=self.refused + other.refused,
            suppressed=self.suppressed + other.suppressed,
            causes=tuple(dict.fromkeys((*self.causes, *other.causes)))[:10],
            cut_short=self.cut_short or other.cut_short,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a round of delivering works with; `renderer` takes the digests of a block.

    Without `signing`, messages go out as they are rendered.
    """

    store: Store
    transport: Transport
    renderer: Callable[[Iterable[Digest]], Render]
    clock: Callable[[], datetime]
    rng: random.Random
    bounced: Bounced
    acceptances: Acceptances | None
    pacer: Pacer
    signing: Signing | None
