"""Splits a person's name into family name and given names."""

from __future__ import annotations

import re

_GROUP = re.compile(r"\b(?:and|collaborations?|consortium|team|group)\b", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv)\.?", re.IGNORECASE)


def split_name(name: str) -> tuple[str, str]:
    """Family name and given names; the latter are "" for one word and for a collaboration.

    The family name of `Ludwig van der Berg` is `van der Berg`, that of `Bo Sample Jr.` is
    `Sample Jr.`; `Sample, Bo` is split at the comma.
    """
    if _GROUP.search(name):
        return " ".join(name.replace(",", " ").split()), ""
    family, comma, given = (part.strip() for part in name.partition(","))
    if comma and given and not _SUFFIX.fullmatch(given):
        return family, given.replace(",", "")
    parts = name.replace(",", " ").split()
    if len(parts) < 2:  # noqa: PLR2004 - one word has no two parts
        return " ".join(parts), ""
    at = len(parts) - 1
    if at > 1 and _SUFFIX.fullmatch(parts[at]):
        at -= 1
    while at > 1 and parts[at - 1].islower():
        at -= 1
    return " ".join(parts[at:]), " ".join(parts[:at])
