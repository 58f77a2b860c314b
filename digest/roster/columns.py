"""The columns of a table of subscribers."""

from __future__ import annotations

from collections.abc import Mapping

from digest.model import InterestKind, Status

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
STATUSES: Mapping[str, Status] = {
    **{str(each): each for each in Status},
    **dict.fromkeys(("subscribed", "confirmed"), Status.ACTIVE),
    # In listmonk also those who have left all its lists are enabled: they are asked.
    **dict.fromkeys(("enabled", "unconfirmed"), Status.PENDING),
    **dict.fromkeys(
        ("blocklisted", "blacklisted", "disabled", "cleaned", "bounced", "complained"),
        Status.SUPPRESSED,
    ),
}
"""Our own words and those of listmonk and Mailchimp, so that who left there gets no mail here."""

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
