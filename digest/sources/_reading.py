"""What sources share in reading an answer: sorting items from problems, errors, missing ends."""

from __future__ import annotations

import re
from collections.abc import Iterable

from digest.errors import ListingUnreadable
from digest.model import Item, Listing, Problem
from digest.parsing import Feed
from digest.text import clean, html_to_text, latex_to_text, truncate

MAX_SAID = 200
# As Crossref, OUP and Wiley put it before an abstract, perhaps in other elements. A word in bold
# may begin the text, unless a sign or a new line follows.
_HEADING = re.compile(
    r"\A((?:\s|<[^<>]*>)*?)<(jats:title|h[1-6]|div|b|strong)(?:\s[^<>]*)?>\s*(?:abstract|summary)"
    r"(?:[.:]\s*</\2>|\s*</\2>(?:\s*[.:]|(?<!/b>)(?<!/strong>)|(?=\s*</?(?:p|br|div)\b)))",
    re.IGNORECASE,
)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?(rss|rdf|feed|channel)\b", re.IGNORECASE)
_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|channel)\b", re.IGNORECASE)
# In RSS 1.0 the entries follow </channel>, and </rdf:Seq> is not the end either.
_END_OF_RDF = re.compile(rb"</(?:[\w.-]+:)?rdf(?![\w.:-])", re.IGNORECASE)


def abstract_in(markup: str) -> str:
    """An abstract in HTML or JATS, with or without TeX, as plain text without its heading."""
    return latex_to_text(html_to_text(_HEADING.sub(r"\1", markup)))


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


def is_cut_short(feed: Feed, listing: Listing) -> bool:
    """Whether a damaged feed lacks its end, so that the rest may come the next time.

    A feed that is malformed but complete may stay so for years, and is not asked for again.
    """
    is_xml = not feed.version.startswith("json")
    is_damaged = any(place == "feed" for place, _ in feed.problems)
    return is_xml and is_damaged and not _has_end(listing.body)


def _has_end(body: bytes) -> bool:
    text = body.replace(b"\0", b"")  # the zeros of UTF-16
    root = _ROOT.search(text)
    end = _END_OF_RDF if root and root[1].lower() == b"rdf" else _END
    return end.search(text) is not None
