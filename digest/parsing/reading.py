"""The feed in some bytes, in any format."""

from __future__ import annotations

import re

from lxml import etree

from digest.errors import ListingUnreadable
from digest.parsing.feed import Feed
from digest.parsing.jsonfeed import read_json
from digest.parsing.salvage import quoted, salvage
from digest.parsing.strict import mended, parsed, well_formed
from digest.parsing.tree import read_tree

_HEAD = 2_048
_HTML = re.compile(
    rb"(?:<\?xml[^>]*>\s*)?(?:<!--(?:[^-]|-(?!->))*+-->\s*)*<(?:!doctype\s+html|html)\b",
    re.IGNORECASE,
)


def parse_feed(body: bytes, *, media_type: str = "", url: str = "") -> Feed:
    """The feed in these bytes: RSS 0.9x to 2.0, RSS 1.0, Atom 0.3 and 1.0, JSON Feed 1 and 1.1.

    Well-formed XML is read in one strict pass, damaged XML entry by entry. `media_type` is the
    HTTP Content-Type, `url` the feed's address, to which relative links are joined. Raises
    ListingUnreadable when nothing can be read.
    """
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n\x00")[:_HEAD]
    if not start:
        raise ListingUnreadable("the answer is empty", subject=url)
    if start.startswith((b"{", b"[")):
        return read_json(body, url=url)
    if _HTML.match(start):
        said = quoted(start.decode("utf-8", "replace"))
        raise ListingUnreadable(f"a web page, not a feed{said}", subject=url)
    root = well_formed(body, media_type=media_type)
    if root is None:
        text = mended(body, media_type=media_type)
        try:
            root = parsed(text)
        except (etree.XMLSyntaxError, ValueError) as error:
            return salvage(text, cause=str(error).partition(" (<string>")[0], url=url)
    feed = read_tree(root, url=url)
    if feed is None:
        name = root.tag.rpartition("}")[2]
        raise ListingUnreadable(f"not a feed: the document is <{name}>", subject=url)
    return feed
