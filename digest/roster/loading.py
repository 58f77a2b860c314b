"""Load rows into the store in large blocks; one is read while the one before is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from digest import subscriptions
from digest.errors import InvalidInput
from digest.model import Interest, Status, Subscriber, Topic
from digest.ports import Newcomer, Store
from digest.roster.checking import Checker
from digest.roster.reading import Row

# Each block touches every page of the index on addresses, so fewer and larger ones write less.
BLOCK = 25_000
MOST_PROBLEMS = 100
# The statuses that a row can give to somebody known: an import never makes anyone get more mail.
ENDS = (Status.UNSUBSCRIBED, Status.SUPPRESSED)

Entered = tuple[int, str, str, Subscriber, Sequence[Interest]]


class Block(NamedTuple):
    """People to add if they are new, and the statuses of the addresses whose subscriptions end."""

    people: Sequence[Newcomer]
    ends: Mapping[str, Status]


@dataclass(kw_only=True)
class Loaded:
    """The result of an import; `problems` holds the first (line, cause) pairs.

    `ended` counts subscriptions that a line ended.
    """

    added: int = 0
    known: int = 0
    ended: int = 0
    rejected: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)

    def reject(self, line: int, cause: str) -> None:
        """Count a line that cannot be used."""
        self.rejected += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append((line, cause))


def load(
    store: Store,
    rows: Iterable[Row],
    *,
    topics: Mapping[str, Topic],
    defaults: Subscriber,
    confirmed: bool,
    now: datetime,
    progress: Callable[[int], object] = lambda _: None,
    entered: Callable[[Iterable[str]], object] = lambda _: None,
) -> Loaded:
    """Add rows block by block, leaving known addresses as they are and reporting bad lines.

    A `status` of unsubscribed or suppressed ends the subscription of a known address, also if the
    rest of its line is rejected. Other statuses only count with `confirmed`; without it, new people
    are pending, and addresses on the suppression list are rejected. With it, those who are added
    to get mail come off that list.

    `entered` gets the addresses of each block, new and known, once they are stored. An import that
    was cut short can be run again. InvalidInput from `rows` is raised after the rows before it are
    stored.
    """
    result = Loaded()
    checker = Checker(topics=topics, defaults=defaults, confirmed=confirmed, now=now)
    with ThreadPoolExecutor(1, thread_name_prefix="import") as writer:
        writing: Future[tuple[int, int]] | None = None
        last = Block((), {})
        for block in _blocks(rows, checker, result, store, confirmed=confirmed):
            if writing is not None:
                _settle(writing, last, result)
                entered(each.email for each in last.people)
                progress(len(last.people))
            wanted = any(block)
            writing = writer.submit(_add, store, block, confirmed, now) if wanted else None
            last = block
    return result


def _blocks(
    rows: Iterable[Row], checker: Checker, result: Loaded, store: Store, *, confirmed: bool
) -> Iterator[Block]:
    for lines in _portions(rows):
        bad: list[tuple[int, str]] = []
        people: list[Entered] = []
        statuses: list[tuple[str, Status]] = []
        for line, row in lines:
            if isinstance(row, str):
                bad.append((line, row))
                continue
            try:
                people.append((line, *checker.entry(row)))
            except InvalidInput as error:
                bad.append((line, error.message))
                # Who has left gets no more mail, whatever else is wrong in their line.
                if known := checker.ended(row):
                    statuses.append(known)
        statuses += [(address, like.status) for _, address, _, like, _ in people]
        ends = _ends(statuses)
        addresses = [address for _, address, *_ in people]
        refused = {} if confirmed else subscriptions.refusals(store, addresses)
        if refused:
            bad += [(line, refused[each]) for line, each, *_ in people if each in refused]
            people = [each for each in people if each[1] not in refused]
        for line, cause in sorted(bad):
            result.reject(line, cause)
        ids = subscriptions.new_ids(len(people))
        newcomers = [
            Newcomer(own, address, subscriptions.new_key(), name, like, interests)
            for own, (_, address, name, like, interests) in zip(ids, people, strict=True)
        ]
        yield Block(newcomers, ends)


def _ends(rows: Iterable[tuple[str, Status]]) -> dict[str, Status]:
    """Return the addresses whose subscription ends; `unsubscribed` in any line counts."""
    found: dict[str, Status] = {}
    for address, status in rows:
        if status in ENDS and found.get(address) is not Status.UNSUBSCRIBED:
            found[address] = status
    return found


def _portions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield BLOCK rows at a time, and an empty list at the end, before any InvalidInput is raised."""
    source = iter(rows)
    while True:
        lines: list[Row] = []
        try:
            lines.extend(islice(source, BLOCK))  # keeps what came before an error
        except InvalidInput:
            yield from (lines, [])
            raise
        yield lines
        if not lines:
            return


def _add(store: Store, block: Block, confirmed: bool, now: datetime) -> tuple[int, int]:
    """Write a block; return how many people were new, and how many subscriptions it ended."""
    if confirmed:
        subscriptions.vouch(store, _vouched_for(store, block.people))
    added = store.subscribers.add_alike(block.people)
    return added, sum(
        subscriptions.end(
            store, [each for each, to in block.ends.items() if to is status], status, now=now
        )
        for status in ENDS
    )


def _vouched_for(store: Store, block: Sequence[Newcomer]) -> list[str]:
    """Return the addresses on the suppression list that are new and to get mail.

    If an address comes twice its first line counts, as in the store.
    """
    listed = subscriptions.suppressed(store, (each.email for each in block))
    first = {each.email: each for each in reversed(block) if each.email in listed}
    return [
        address
        for address, each in first.items()
        if each.like.status in subscriptions.CONFIRMED
        and store.subscribers.by_email(address) is None
    ]


def _settle(writing: Future[tuple[int, int]], block: Block, result: Loaded) -> None:
    """Wait for a block to be written, and count it."""
    added, ended = writing.result()
    result.added += added
    result.known += len(block.people) - added
    result.ended += ended
