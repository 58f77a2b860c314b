"""Restores what was known when an edition was composed: profiles, and a space without its answers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from digest.subscriptions.feedback import settled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from digest.model import Feedback, Interest, Profile
    from digest.ranking.space import Space

Slot = tuple[str, str]


def profile_at(profile: Profile, said: Sequence[Feedback], moment: datetime) -> Profile:
    """A profile as it was at a moment, from today's and all feedback of its reader.

    `said` is newest first and includes undone feedback, as `FeedbackStore.of` returns it. Interests
    added after the moment are left out. What feedback has added or replaced since is put back: the
    first feedback after the moment keeps what it replaced; but if feedback from before the moment was
    undone after it, what that added is put back. Interests deleted by hand are lost.
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
    """The feedback that changed each slot, newest first."""
    chains: defaultdict[Slot, list[Feedback]] = defaultdict(list)
    for each in said:
        for slot in {interest.slot for interest in (*each.added, *each.replaced)}:
            chains[slot].append(each)
    return chains


def _before(chain: Sequence[Feedback], moment: datetime) -> tuple[Interest, ...] | None:
    """What was in a slot at a moment; None if no later feedback has changed it."""
    stood = [
        each
        for each in chain
        if each.at <= moment and (each.undone_at is None or each.undone_at > moment)
    ]
    if any(each.undone_at is not None for each in stood):
        return tuple(settled(each, stood) for each in stood[0].added)
    # Feedback keeps what it replaced even when it is undone itself.
    later = [each for each in chain if each.at > moment]
    return later[-1].replaced if later else None


def space_before(space: Space, shown: Collection[str]) -> Space:
    """A space whose references leave out the papers (ids) in `shown`.

    They were not in the archive when they were ranked, and a paper among the references of its own
    ranking would raise its score.
    """
    references = space.references
    if references is None:
        return space
    rows = np.array([at for at, each in enumerate(references.ids) if each not in shown], int)
    ids = [references.ids[at] for at in rows]
    before = replace(
        references,
        ids=ids,
        categories=[references.categories[at] for at in rows],
        tfidf=references.tfidf[rows],
        near=references.near[rows],
    )
    return replace(space, name=f"{space.name}/before", references=before if ids else None)
