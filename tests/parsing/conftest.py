"""Small feeds of our own making, one of each kind."""

from __future__ import annotations

import pytest

RSS_20 = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"
 xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/">
<channel><title>Sea &amp;amp; Sky</title><link>https://e.org/</link>
<atom:link rel="self" href="https://e.org/feed"/><atom:link rel="hub" href="https://hub.e.org/"/>
<language>en</language><ttl>90</ttl>
<lastBuildDate>Wed, 10 Jun 2026 01:00:00 -0400</lastBuildDate>
<pubDate>Wed, 10 Jun 2026 00:00:00 -0400</pubDate>
<skipDays><day>Saturday</day><day>Sunday</day></skipDays><skipHours><hour>24</hour><hour>7</hour></skipHours>
<item><media:title>Not this one</media:title><title>Tides &lt;i&gt;below&lt;/i&gt; $x&lt;y$</title>
<link>/papers/1</link><guid isPermaLink="false">oai:1</guid>
<description>A &lt;p&gt;summary&lt;/p&gt;</description><content:encoded><![CDATA[<p>All of it</p>]]></content:encoded>
<dc:creator>Ada Bee, Cy Dee</dc:creator><category>cs.LG</category><category>stat.ML</category>
<pubDate>Tue, 09 Jun 2026 12:00:00 GMT</pubDate>
<arxiv:announce_type>new</arxiv:announce_type><prism:doi>10.1000/1</prism:doi></item>
<item><title>Clouds</title><guid>https://e.org/2</guid><author>cy@e.org (Cy Dee)</author></item>
</channel></rss>"""

RSS_10 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://e.org/"><title>Old</title><link>https://e.org/</link>
<dc:date>2023-11-13T20:30:00-05:00</dc:date><items><rdf:Seq><rdf:li rdf:resource="https://e.org/1"/></rdf:Seq></items></channel>
<item rdf:about="https://e.org/1"><title>Waves</title><link>https://e.org/1</link>
<description>Text</description><dc:creator>Ada Bee</dc:creator></item></rdf:RDF>"""

RSS_091 = """<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://e.org/rss-0.91.dtd">
<rss version="0.91"><channel><title>Older</title><link>https://e.org/</link>
<item><title>Caf&eacute; &hellip;</title><link>https://e.org/1</link></item></channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en" xml:base="https://e.org/base/">
<title type="html">Sea &amp;amp; Sky</title><id>urn:feed</id><updated>2026-06-10T04:00:00Z</updated>
<link rel="self" href="https://e.org/atom"/><link href="https://e.org/"/>
<entry><id>urn:1</id><title>Where a &lt; b</title><link href="papers/1"/>
<link rel="related" type="application/pdf" href="https://e.org/1.pdf"/>
<summary>Short</summary><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Long &amp; wide</p></div></content>
<author><name>Ada Bee</name></author><author><name>Cy Dee</name><email>cy@e.org</email></author>
<category term="cs.AI"/><published>2026-06-09T00:00:00+02:00</published><updated>2026-06-10T00:00:00Z</updated></entry>
</feed>"""

JSON = """{"version": "https://jsonfeed.org/version/1.1", "title": "Sea & Sky", "home_page_url": "https://e.org/",
"feed_url": "https://e.org/feed.json", "language": "en", "hubs": [{"type": "WebSub", "url": "https://hub.e.org/"}],
"items": [{"id": "1", "url": "https://e.org/1", "title": "Tides", "content_html": "<p>All</p>",
"authors": [{"name": "Ada Bee"}, {"name": "Cy Dee"}], "tags": ["cs.LG"], "date_published": "2026-06-09T12:00:00Z"},
{"id": 2, "external_url": "https://e.org/2", "content_text": "p < 0.05"}, "rubbish"]}"""

FEEDS = {"rss20": RSS_20, "rss10": RSS_10, "rss091": RSS_091, "atom10": ATOM, "json11": JSON}


@pytest.fixture
def feeds() -> dict[str, str]:
    """Feeds by version."""
    return dict(FEEDS)
