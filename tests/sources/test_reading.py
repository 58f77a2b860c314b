"""A feed that broke off is told from one that is merely not well-formed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.model import Listing
from digest.sources.arxiv import Arxiv
from digest.sources.feed import FeedSource

WHOLE = """<?xml version="1.0" encoding="{encoding}"?>
<rss version="2.0"><channel><title>J</title>
<item><title>One</title><link>https://arxiv.org/abs/2606.00001</link></item>
<item><title>Two</title><link>https://arxiv.org/abs/2606.00002</link></item>
</channel></rss>"""
WHOLE_RDF = """<?xml version="1.0" encoding="{encoding}"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">
<channel rdf:about="https://j.example/"><title>J</title><items><rdf:Seq>
<rdf:li rdf:resource="https://arxiv.org/abs/2606.00001"/></rdf:Seq></items></channel>
<item><title>One</title><link>https://arxiv.org/abs/2606.00001</link></item>
<item><title>Two</title><link>https://arxiv.org/abs/2606.00002</link></item>
</rdf:RDF>"""
SOURCES = (
    Arxiv(categories=("cs.LG",)),
    FeedSource(url="https://j.example/feed"),
)


def is_cut_short(source, text, encoding="utf-8"):
    listing = Listing(
        source=source.name,
        url="https://j.example/feed",
        body=text.format(encoding=encoding).encode(encoding),
        fetched_at=datetime(2026, 6, 10, 7, tzinfo=UTC),
    )
    harvest = source.parse(listing)
    assert harvest.items
    return harvest.cut_short


@pytest.mark.parametrize("source", SOURCES, ids=lambda each: each.name)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("whole", [WHOLE, WHOLE_RDF], ids=["rss", "rdf"])
def test_only_what_lost_its_end_is_cut_short(source, encoding, whole):
    assert not is_cut_short(source, whole, encoding)
    assert not is_cut_short(source, whole.replace("<title>J</title>", "<title>J&nbsp;"), encoding)
    assert is_cut_short(source, whole[: whole.rindex("</link>")], encoding)
    assert is_cut_short(source, whole[: whole.rindex("<item>")], encoding)


def test_a_json_feed_has_no_end_to_lose():
    entry = '{{"id": "https://j.example/1", "title": "One"}}'
    text = f'{{{{"version": "https://jsonfeed.org/version/1.1", "items": [{entry}, 7]}}}}'

    assert not is_cut_short(SOURCES[1], text)
