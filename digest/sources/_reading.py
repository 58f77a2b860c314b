"""What sources share in reading an answer: items and problems apart, and what a server complains of."""

from __future__ import annotations

from collections.abc import Iterable

from digest.errors import ListingUnreadable
from digest.model import Item, Listing, Problem
from digest.text import clean, truncate

MAX_SAID = 200


def sort_out(
    read: Iterable[Item | str | None], *, source: str, called: str, first: int = 1
) -> tuple[list[Item], list[Problem]]:
    """The items among what was read of the records of an answer, and a problem for each text.

    A text says why a record gave no item; its place is its number, such as `record 3`, counted
    from `first`. None is a record that nobody asked for.
    """
    items: list[Item] = []
    problems: list[Problem] = []
    for number, each in enumerate(read, start=first):
        if isinstance(each, Item):
            items.append(each)
        elif each is not None:
            problems.append(Problem(source=source, place=f"{called} {number}", cause=each))
    return items, problems


def refusal(server: str, said: str, listing: Listing) -> ListingUnreadable:
    """The error for an answer that is a message of the server's in place of a listing."""
    words = truncate(clean(said), MAX_SAID) or "error"
    return ListingUnreadable(f"{server} says: {words}", subject=listing.url)
