"""The columns of a table of subscribers, by the names people write them with."""

from __future__ import annotations

from collections.abc import Mapping

from digest.model import InterestKind

LISTS: Mapping[str, InterestKind] = {
    "topics": InterestKind.TOPIC,
    "keywords": InterestKind.KEYWORD,
    "authors": InterestKind.AUTHOR,
    "queries": InterestKind.QUERY,
    "likes": InterestKind.LIKE,
    "dislikes": InterestKind.DISLIKE,
    "known": InterestKind.KNOWN,
    "mutes": InterestKind.MUTE,
    "mute_authors": InterestKind.MUTE_AUTHOR,
    "mute_topics": InterestKind.MUTE_TOPIC,
}
NAMES = {kind: name for name, kind in LISTS.items()}
COLUMNS = (
    "email",
    "name",
    "shows_name",
    "status",
    "paused_until",
    "at",
    "tz",
    "cadence",
    "limit",
    "quiet",
    "floor",
    *LISTS,
    "weights",
)
