"""What was known when an edition was composed: profiles as they stood, and a space without answers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from digest.subscriptions.feedback import settled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from digest.model import Feedback, Interest, Profile
    from digest.ranking.space import Space

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


def space_before(space: Space, shown: Collection[str]) -> Space:
    """A space without what it knows of the answers to the papers (ids) in `shown`.

    Companions are made of all that readers like today, these answers among it; which were given
    before is not kept with them, so that there are none. Nor does a profile get rounded out with
    what was shown: what was wanted is sure to be among the references, what was not is not.
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
        companions=sp.csr_array((len(ids), len(ids)), dtype=np.float32),
    )
    return replace(space, name=f"{space.name}/before", references=before if ids else None)
