"""What rankers learned of readers' opinions (tastes): loaded by block, and learned where missing.

A new space makes all of it useless overnight; learning it ahead of the morning saves time then.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import cast

from digest.model import OPINIONS, InterestKind, Paper, Profile
from digest.pipeline import learning
from digest.ports import Keeper, Ranker, Store

CURSOR = "tastes"
MOST_AHEAD = 10_000
BLOCK = 500

Kept = Mapping[str, Mapping[str, tuple[bytes, ...]]]
Strangers = Mapping[str, Sequence[Profile]]


def keepers(rankers: Iterable[Ranker]) -> dict[str, Keeper]:
    """Those rankers by the names under which they keep tastes; none unless all of them do."""
    found = {getattr(each, "keeps", ""): cast("Keeper", each) for each in rankers}
    return {} if "" in found else found


def look_up(
    store: Store, keeping: Mapping[str, Keeper], profiles: Sequence[Profile]
) -> tuple[Kept, Strangers]:
    """What is kept of these readers, and those of whom it is missing, both by the keeper's name."""
    ids = [each.subscriber_id for each in profiles]
    kept = {name: store.spaces.tastes(name, ids) for name in keeping}
    strangers = {
        name: [
            each
            for each in profiles
            if each.subscriber_id not in kept[name]
            and any(interest.kind in OPINIONS for interest in each.interests)
        ]
        for name in keeping
    }
    return kept, strangers


def learn(
    store: Store,
    keeping: Mapping[str, Keeper],
    strangers: Strangers,
    *,
    liked: Mapping[str, Paper],
    vectors: Mapping[str, bytes],
) -> Kept:
    """Learn and keep what is missing; `liked` and `vectors` are as `ports.Candidates` has them."""
    made = {}
    for name, ranker in keeping.items():
        made[name] = ranker.learned(strangers[name], liked, vectors)
        if made[name]:
            store.spaces.keep_tastes(name, made[name], strangers[name])
    return made


def keep_ahead(
    store: Store,
    rankers: Sequence[Ranker],
    *,
    most: int = MOST_AHEAD,
    block: int = BLOCK,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Learn the tastes of up to `most` readers who have none for the current space.

    Returns how many readers were looked at. A cursor in the store says where to go on; once
    everybody is done, a call costs one look-up.
    """
    keeping = keepers(rankers)
    if not keeping:
        return 0
    about = " ".join(sorted(keeping))
    told, _, after = (store.sources.cursor(CURSOR) or "").rpartition("|")
    if told != about:
        after = ""
    looked = 0
    while looked < most and not stopping():
        people = store.subscribers.page(after, limit=block)
        if not people:
            break
        profiles = store.subscribers.profiles([each.id for each in people])
        _, strangers = look_up(store, keeping, profiles)
        liked = store.papers.get(named(unlearned(strangers), OPINIONS))
        if not learning.embed(store, rankers, liked.values(), stopping=stopping):
            break
        vectors = learning.vectors_for(store, rankers, liked.values())
        learn(store, keeping, strangers, liked=liked, vectors=vectors)
        after = people[-1].id
        looked += len(people)
        store.sources.set_cursor(CURSOR, f"{about}|{after}")
    return looked


def unlearned(strangers: Strangers) -> Iterable[Profile]:
    """Everybody of whom anything is missing, once."""
    return {each.subscriber_id: each for found in strangers.values() for each in found}.values()


def named(profiles: Iterable[Profile], kinds: Container[InterestKind]) -> set[str]:
    """The values of the interests of some kinds."""
    return {each.value for profile in profiles for each in profile.interests if each.kind in kinds}
