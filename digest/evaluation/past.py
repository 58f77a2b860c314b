"""Profiles as they stood: what an operator's readers cared about when an edition was composed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from digest.subscriptions.feedback import settled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from digest.model import Feedback, Interest, Profile

Slot = tuple[str, str]


def profile_at(profile: Profile, said: Sequence[Feedback], moment: datetime) -> Profile:
    """A profile as of a moment, from the one of today and all that its reader ever said.

    `said` is newest first, undone statements among it, as `FeedbackStore.of` gives them. Interests
    added since are left out. What a statement put in or pushed out since is put back: what stood
    before is kept with the first statement after the moment, or, where one that stood then was
    taken back since, with the last that stood then. What was deleted by hand is not known any more.
    """
    stood = {each.slot: each for each in profile.interests}
    for slot, chain in _chains(said).items():
        before = _before(chain, moment)
        if before is not None:
            stood.pop(slot, None)
            stood.update((slot, each) for each in before if each.slot == slot)
    known = [each for each in stood.values() if each.added_at <= moment]
    return replace(profile, interests=tuple(sorted(known, key=lambda each: each.added_at)))


def _chains(said: Iterable[Feedback]) -> dict[Slot, list[Feedback]]:
    """The statements that moved each slot, newest first."""
    chains: defaultdict[Slot, list[Feedback]] = defaultdict(list)
    for each in said:
        for slot in {interest.slot for interest in (*each.added, *each.replaced)}:
            chains[slot].append(each)
    return chains


def _before(chain: Sequence[Feedback], moment: datetime) -> tuple[Interest, ...] | None:
    """What stood in a slot at a moment; None if nothing said since has moved it."""
    stood = [
        each
        for each in chain
        if each.at <= moment and (each.undone_at is None or each.undone_at > moment)
    ]
    if any(each.undone_at is not None for each in stood):
        return tuple(settled(each, stood) for each in stood[0].added)
    # Statements keep what they replaced even when they are taken back themselves.
    later = [each for each in chain if each.at > moment]
    return later[-1].replaced if later else None
