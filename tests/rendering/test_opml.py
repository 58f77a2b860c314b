"""The list of feeds."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from digest.model import Site
from digest.rendering.feeds import FeedInfo
from digest.rendering.opml import opml

SITE = Site(name="Papers", url="https://papers.example")


def outlines(body: bytes) -> list[dict[str, str]]:
    return [dict(each.attrib) for each in ET.fromstring(body).iter("outline")]


def test_every_feed_is_listed_with_its_address_and_its_page():
    feed = FeedInfo(
        slug="cs.LG",
        title="Machine Learning",
        description="All of cs.LG",
        home_page="https://papers.example/topics/cs.LG",
    )
    assert outlines(opml([feed], SITE)) == [
        {
            "type": "rss",
            "text": "Machine Learning",
            "title": "Machine Learning",
            "description": "All of cs.LG",
            "xmlUrl": "https://papers.example/feeds/cs.LG.atom",
            "htmlUrl": "https://papers.example/topics/cs.LG",
        }
    ]


def test_order_is_kept_and_private_feeds_are_not_listed():
    feeds = [
        FeedInfo(slug="b", title="B"),
        FeedInfo(slug="mine/s_1..abc", title="Mine", private=True),
        FeedInfo(slug="a", title="A"),
    ]
    assert [each["text"] for each in outlines(opml(feeds, SITE))] == ["B", "A"]


def test_names_mean_the_same_whether_a_reader_takes_them_for_text_or_html():
    feed = FeedInfo(slug="x", title='Q&A: x<y, "R&D" </outline>')
    assert outlines(opml([feed], SITE))[0]["text"] == 'Q & A: x ‹ y, "R & D" ‹ /outline›'


def test_without_an_address_there_is_nothing_to_subscribe_to():
    assert outlines(opml([FeedInfo(slug="x", title="X")], Site())) == [{"text": "No feeds"}]


def test_the_version_is_two():
    root = ET.fromstring(opml([], SITE))
    assert root.tag == "opml"
    assert root.get("version") == "2.0"
    assert root.findtext("head/title") == "Papers feeds"
