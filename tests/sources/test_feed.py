import re
from datetime import UTC, date, datetime

import pytest

from digest.errors import ListingUnreadable
from digest.merging import title_key, url_key
from digest.model import AnnounceType, LinkKind, Listing
from digest.sources.feed import FeedSource

SOURCE = FeedSource(name="lab", url="https://e.org/feed", categories=("cs.LG",))
NS = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"'


def listing(items, *, head="", fetched_at=None):
    body = f"<rss version='2.0' {NS}><channel><title>Lab</title>{head}{items}</channel></rss>"
    return Listing(
        source="lab", url="https://e.org/feed", body=body.encode(), fetched_at=fetched_at
    )


def item(
    *,
    title="Tides below the quiet sea",
    link="https://e.org/1",
    date="Tue, 09 Jun 2026 23:00:00 GMT",
    more="",
):
    return (
        f"<item><title>{title}</title><link>{link}</link><pubDate>{date}</pubDate>"
        f"<description>Short.</description><dc:creator>Ada Bee</dc:creator>{more}</item>"
    )


def only(harvest):
    assert harvest.problems == ()
    assert len(harvest.items) == 1
    return harvest.items[0]


def test_it_polls_its_one_address(now):
    [request] = SOURCE.requests(None, now)

    assert (request.source, request.url, request.poll) == ("lab", "https://e.org/feed", True)


def test_an_entry_becomes_a_paper(now):
    more = "<category>cs.AI</category><category>News</category><category>hep-th</category>"

    found = only(SOURCE.parse(listing(item(more=more), fetched_at=now)))

    assert found.paper.id == url_key("https://e.org/1")
    assert found.paper.title == "Tides below the quiet sea"
    assert found.paper.abstract == "Short."
    assert found.paper.authors == ("Ada Bee",)
    assert found.paper.categories == ("cs.LG", "cs.AI", "hep-th")
    assert found.paper.published == datetime(2026, 6, 9, 23, tzinfo=UTC)
    assert [(each.kind, each.url) for each in found.paper.links] == [
        (LinkKind.ABSTRACT, "https://e.org/1")
    ]
    assert title_key(found.paper.title, ["Ada Bee"]) in found.paper.identifiers


def test_it_is_announced_as_new_on_the_day_it_was_published(now):
    found = only(SOURCE.parse(listing(item(), fetched_at=now))).announcement

    assert (found.paper_id, found.source, found.feed) == (url_key("https://e.org/1"), "lab", "lab")
    assert (found.day, found.type, found.seen_at) == (date(2026, 6, 9), AnnounceType.NEW, now)


@pytest.mark.parametrize(
    ("link", "more", "paper_id"),
    [
        ("https://arxiv.org/abs/2606.00001v2", "", "arxiv:2606.00001"),
        ("https://e.org/1", "<guid>oai:arXiv.org:2606.00001v1</guid>", "arxiv:2606.00001"),
        ("https://e.org/1", "<prism:doi>10.1000/ABC</prism:doi>", "doi:10.1000/abc"),
        ("https://e.org/1", "<dc:identifier>doi:10.1000/abc</dc:identifier>", "doi:10.1000/abc"),
        (
            "https://e.org/1",
            "<dc:identifier>pmid:7</dc:identifier><dc:identifier>doi:10.1000/7</dc:identifier>",
            "doi:10.1000/7",
        ),
        ("https://doi.org/10.1000/abc", "", "doi:10.1000/abc"),
        ("https://e.org/articles/10.1186/s12859-024-01234-5", "", "doi:10.1186/s12859-024-01234-5"),
        ("https://e.org/sea/articles/10.3389/fnins.2024.12/full", "", "doi:10.3389/fnins.2024.12"),
        ("https://e.org/article/10.1088/1361-6633/ad1234", "", "doi:10.1088/1361-6633/ad1234"),
        ("http://link.springer.com/10.1007/s10994-024-1", "", "doi:10.1007/s10994-024-1"),
        ("https://e.org/doi/full/10.1000/abc?af=R", "", "doi:10.1000/abc"),
        ("https://e.org/articles/10.1186/s13059-024-1/comments", "", "doi:10.1186/s13059-024-1"),
        ("https://link.springer.com/article/10.1007/s1-1/fulltext.html", "", "doi:10.1007/s1-1"),
        ("https://link.springer.com/article/10.1007/s1-1/figures/2", "", "doi:10.1007/s1-1"),
        ("https://e.org/bio/article/10.1093/bio/btae001/7577857", "", "doi:10.1093/bio/btae001"),
        ("https://e.org/article/10.1000/bio/abc/7577857", "", "doi:10.1000/bio/abc/7577857"),
        (
            "https://e.org/doi/10.1002/%28SICI%291097-4571%28199806%2949%3A8%3C693%3E3.0.CO%3B2-O",
            "",
            "doi:10.1002/(sici)1097-4571(199806)49:8<693>3.0.co;2-o",
        ),
        (
            "https://e.org/content/10.1101/2026.06.01.5738v2?rss=1",
            "",
            "doi:10.1101/2026.06.01.5738",
        ),
    ],
)
def test_arxiv_ids_and_dois_are_found_wherever_they_stand(link, more, paper_id):
    assert only(SOURCE.parse(listing(item(link=link, more=more)))).paper.id == paper_id


def test_an_entry_without_a_link_is_named_by_its_guid_in_this_feed():
    body = listing(item(link="", more="<guid isPermaLink='false'>7</guid>"))

    here = only(SOURCE.parse(body)).paper
    elsewhere = only(FeedSource(name="lab", url="https://other.org/feed").parse(body)).paper

    assert here.id.startswith("url:")
    assert here.id != elsewhere.id
    assert here.url == ""


def encoded(html):
    return (
        '<content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<![CDATA[{html}]]></content:encoded>"
    )


def described(html, *, link="https://e.org/1", more=""):
    """An entry that has this description and no author elements."""
    entry = item(link=link, more=more).replace("Short.", f"<![CDATA[{html}]]>")
    return entry.replace("<dc:creator>Ada Bee</dc:creator>", "")


def test_the_longer_of_summary_and_content_is_the_abstract_in_plain_text():
    more = encoded("<p>We show that $x&lt;y$ \\emph{always}.</p>")

    assert only(SOURCE.parse(listing(item(more=more)))).paper.abstract == "We show that x<y always."


def test_a_content_that_only_frames_the_summary_is_no_better_abstract():
    said = "Tides are a versatile thing. Here we show that they rise."
    framed = encoded(
        f"<p>Nature. 2026 Nov 20. doi: 10.1000/7.</p><p><b>ABSTRACT</b></p><p>{said}</p>"
        "<p>PMID:7 | DOI:10.1000/7</p>"
    )
    longer = encoded(f"<p>{said}</p><p>And that they fall.</p>")

    entries = [
        described(said, link=f"https://e.org/{number}", more=more)
        for number, more in enumerate((framed, longer))
    ]

    harvest = SOURCE.parse(listing("".join(entries)))

    assert [each.paper.abstract for each in harvest.items] == [said, f"{said} And that they fall."]


@pytest.mark.parametrize(
    ("said", "before"),
    [
        ("Tides are a versatile thing. Here we show that they rise.", "Moons too. " * 40),
        ("Tides rise.", "Moons too. "),
    ],
)
def test_a_content_that_says_much_beside_the_summary_is_the_abstract(said, before):
    whole = f"{before}{said} And that they fall."

    paper = only(SOURCE.parse(listing(described(said, more=encoded(f"<p>{whole}</p>"))))).paper

    assert paper.abstract == whole


@pytest.mark.parametrize("abstract", ["", "<p>We show that tides rise.</p>"])
@pytest.mark.parametrize(
    "preamble",
    [
        "<p>Publication date: July 2026</p><p><b>Source:</b> Sea</p><p>Author(s): Ada Bee, Cy Dee</p>",
        "Publication date: July 2026 <br/><b>Source:</b>Sea <br/> Author(s): Ada Bee, Cy Dee <br/>",
        "<p>Publication date: July 2026</p><p><b>Source:</b> <i>Sea</i>, 3</p><p>Author(s): Ada Bee, Cy Dee</p>",
        "<p>Publication date: July 2026</p><p>Author(s): Ada Bee, Cy Dee</p>",
        "Author(s): Ada Bee and Cy Dee<br/>",
        "<p>Author(s): Ada Bee, Cy Dee <i>et al.</i> (Hive Collaboration)</p>",
    ],
)
def test_authors_that_only_the_description_names_are_not_its_abstract(preamble, abstract):
    paper = only(SOURCE.parse(listing(described(f"{preamble}{abstract}")))).paper

    assert paper.authors == ("Ada Bee", "Cy Dee")
    assert paper.abstract == abstract.removeprefix("<p>").removesuffix("</p>")


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        ("van der Bee, A., Dee, C.", ("A. van der Bee", "C. Dee")),
        ("d'Ada, B., Dee, C.", ("B. d'Ada", "C. Dee")),
        ("&Eacute;va Bee, Cy Dee", ("Éva Bee", "Cy Dee")),
        ("", ()),
    ],
)
def test_authors_in_the_description_may_begin_with_a_particle_or_be_missing(authors, names):
    head = "<p>Publication date: July 2026</p><p><b>Source:</b> Sea</p>"

    paper = only(SOURCE.parse(listing(described(f"{head}<p>Author(s): {authors}</p>")))).paper

    assert (paper.authors, paper.abstract) == (names, "")


@pytest.mark.parametrize(
    "before",
    [
        '<p>Sea, Published online: 03 June 2026; <a href="https://e.org/1">doi:10.1000/1</a></p>',
        '<span class="paragraphSection"><div class="boxTitle">Abstract</div>',
        "<h2>ABSTRACT</h2>\n<p>",
        "<p><b>Summary.</b> ",
        "<STRONG>Abstract</STRONG>: ",
        "<p><b>Abstract</b><br/>",
        "Sea, Volume 9, Issue 2, Page 10-14, June 2026. <br/>",
        "Sea, Ahead of Print. <br/>",
        "<p>by Ada Bee, Cy Dee</p>\n\n",
        (
            "<p><b>Sea, Vol. 9, Pages 12: Tides of <i>it</i></b></p>"
            '<p>Sea <a href="https://e.org/1">doi: 10.1000/1</a></p><p>Authors:\n Ada Bee Cy Dee\n</p><p>'
        ),
    ],
)
def test_what_publishers_put_before_an_abstract_is_dropped(before):
    paper = only(SOURCE.parse(listing(described(f"{before}We show that tides rise.")))).paper

    assert paper.abstract == "We show that tides rise."


@pytest.mark.parametrize(
    "said",
    [
        "Volume 9, Issue 2, June 2026, Page 10-14<br/>. <br/>",
        "Sea, Volume 9, Issue 2, June 2026.",
        "Sea, EarlyView.",
        '<p><img alt="TOC Graphic" src="x.gif" /></p><div><cite>Sea</cite></div><div>DOI: 10.1/a</div>',
    ],
)
def test_a_citation_alone_is_no_abstract(said):
    assert only(SOURCE.parse(listing(described(said)))).paper.abstract == ""


@pytest.mark.parametrize("mark", ["[ASAP] ", "[hal-05123456] ", "Sea, Vol. 9, Pages 12: "])
def test_what_publishers_put_before_a_title_is_dropped(mark):
    paper = only(SOURCE.parse(listing(item(title=f"{mark}Tides below the quiet sea")))).paper

    assert paper.title == "Tides below the quiet sea"


def test_the_citation_that_aps_puts_after_an_abstract_is_dropped():
    said = "<p>We show that tides rise [1].</p><br/>[Phys. Rev. Lett. 136, 1] Published Wed Jun 10, 2026"

    paper = only(SOURCE.parse(listing(described(said)))).paper

    assert paper.abstract == "We show that tides rise [1]."


@pytest.mark.parametrize(
    "abstract",
    [
        "<p>Publication date: the history of an odd field, and why it matters.</p>",
        "<p>Publication date: its <i>history</i>.</p> <p>We study how author(s): write.</p>",
        "<b>Source:</b> of the tides. We show that it is the moon.<br/>",
        "<p>Author(s): we study how authors write. Our corpus has 5 parts.<br/></p>",
        "<b>Abstract</b> <i>interpretation</i> is a theory.",
        "Volume 3, Issue 2 of our journal is about tides. We say why.",
        "<p>by the sea, tides rise.</p>",
        "<p><strong>Summary</strong> statistics of GWAS.</p>",
    ],
)
def test_an_abstract_that_begins_like_a_publishers_preamble_is_whole(abstract):
    paper = only(SOURCE.parse(listing(described(abstract)))).paper

    assert paper.authors == ()
    assert paper.abstract == re.sub("<.*?>", "", abstract)


@pytest.mark.parametrize(
    ("creators", "names"),
    [
        (["Ada Bee, Cy Dee"], ("Ada Bee", "Cy Dee")),
        (["Bee, A.; Dee, C."], ("A. Bee", "C. Dee")),
        (["Bee, Ada", "Dee, Cy"], ("Ada Bee", "Cy Dee")),
        (["Bee, Ada"], ("Ada Bee",)),
        (["Bee, Ada C."], ("Ada C. Bee",)),
        (["van der Bee, Ada"], ("Ada van der Bee",)),
        (["Ada Bee, Jr.", "Cy Dee"], ("Ada Bee Jr.", "Cy Dee")),
        (["Bee, Ada, Jr.", "Dee, Cy"], ("Ada Bee Jr.", "Cy Dee")),
        (["Ada Bee and Cy Dee"], ("Ada Bee", "Cy Dee")),
        (["Bee, A., Dee, C. D., Hive Consortium"], ("A. Bee", "C. D. Dee", "Hive Consortium")),
    ],
)
def test_authors_come_in_every_form(creators, names):
    entry = item().replace(
        "<dc:creator>Ada Bee</dc:creator>",
        "".join(f"<dc:creator>{each}</dc:creator>" for each in creators),
    )

    assert only(SOURCE.parse(listing(entry))).paper.authors == names


def test_the_feeds_own_dates_stand_in_where_nobody_fetched():
    built = "<lastBuildDate>Wed, 10 Jun 2026 05:00:00 GMT</lastBuildDate><ttl>60</ttl>"

    harvest = SOURCE.parse(listing(item(), head=built))

    assert (
        only(harvest).announcement.seen_at
        == harvest.built_at
        == datetime(2026, 6, 10, 5, tzinfo=UTC)
    )
    assert harvest.ttl == 3600


def test_old_entries_are_seen_when_fetched_and_said_to_be_a_backlog(now):
    harvest = SOURCE.parse(listing(item(date="Tue, 09 Jun 2020 23:00:00 GMT"), fetched_at=now))

    assert only(harvest).announcement.seen_at == now
    assert harvest.has_backlog


def test_the_newest_entry_dates_a_feed_that_has_no_date():
    undated = item(link="https://e.org/2", date="")

    harvest = SOURCE.parse(listing(item() + undated))

    assert {each.announcement.seen_at for each in harvest.items} == {
        datetime(2026, 6, 9, 23, tzinfo=UTC)
    }


def test_entries_that_cannot_be_used_become_problems():
    harvest = SOURCE.parse(listing(item(title="") + item(link="", date="")))

    assert [(each.source, each.place, each.cause) for each in harvest.problems] == [
        ("lab", "entry 1", "no title"),
        ("lab", "entry 2", "neither link nor id"),
    ]


def test_no_date_anywhere_is_a_problem_with_its_cure():
    [problem] = SOURCE.parse(listing(item(date=""))).problems

    assert problem.cause == "no date anywhere; say with --at when the file was fetched"


def test_a_date_that_cannot_be_read_is_a_problem_though_the_entry_is_taken_in(now):
    harvest = SOURCE.parse(listing(item(date="10 Foo 2019"), fetched_at=now))

    assert [each.paper.published for each in harvest.items] == [None]
    assert [(each.place, each.cause) for each in harvest.problems] == [
        ("entry 1", "a date that cannot be read: 10 Foo 2019")
    ]


def test_one_paper_twice_in_a_feed_is_announced_once():
    assert len(SOURCE.parse(listing(item() + item())).items) == 1


@pytest.mark.parametrize(
    "places",
    [
        ("https://e.org/papers.html#a", "https://e.org/papers.html#b"),
        ("https://e.org/volume/7", "https://e.org/volume/7"),
    ],
)
def test_papers_that_share_a_page_are_told_apart_by_their_guids(places):
    entries = [
        item(title=f"{number} tides below the sea", link=link, more=f"<guid>{number}</guid>")
        for number, link in enumerate(places)
    ]

    both, other_way = SOURCE.parse(listing("".join(entries))), SOURCE.parse(listing(entries[1]))

    assert both.problems == ()
    assert len({each.paper.id for each in both.items}) == 2
    assert url_key(places[0]) not in {key for each in both.items for key in each.paper.identifiers}
    assert [each.paper.url for each in both.items] == list(places)
    assert only(other_way).paper.id == url_key(places[1])


def test_a_paper_whose_page_moves_is_known_by_its_guid():
    guid = "<guid isPermaLink='false'>https://e.org/?p=7</guid>"
    before = only(SOURCE.parse(listing(item(link="https://e.org/draft", more=guid)))).paper
    after = only(SOURCE.parse(listing(item(title="Tides above", more=guid)))).paper

    assert (before.id, after.id) == (url_key("https://e.org/draft"), url_key("https://e.org/1"))
    assert set(before.identifiers) & set(after.identifiers)


def test_a_place_on_a_page_names_no_paper_since_another_stands_there_tomorrow():
    def read(*titles):
        entries = [
            item(title=title, link=f"https://e.org/papers.html#p{place}")
            for place, title in enumerate(titles)
        ]
        return [each.paper for each in SOURCE.parse(listing("".join(entries))).items]

    tides, moons = read("Tides below the sea", "Moons above it")
    new, again, _ = read("A new paper about salt", "Tides below the sea", "Moons above it")

    assert not set(new.identifiers) & {*tides.identifiers, *moons.identifiers}
    assert again.id == tides.id


def test_a_guid_that_stands_on_several_pages_names_none_of_them():
    entries = [
        item(title=each, link=f"https://e.org/{each}", more="<guid>e</guid>") for each in "ab"
    ]

    first, second = SOURCE.parse(listing("".join(entries))).items

    assert not set(first.paper.identifiers) & set(second.paper.identifiers)


def test_papers_at_anchors_of_a_page_are_told_apart():
    entries = [item(title=each, link=f"https://e.org/papers.html#{each}") for each in "ab"]

    assert len(SOURCE.parse(listing("".join(entries))).items) == 2


def test_a_paper_that_stands_twice_with_other_words_is_reported():
    harvest = SOURCE.parse(listing(item() + item(title="Tides above") + item()))

    assert [each.paper.title for each in harvest.items] == ["Tides below the quiet sea"]
    assert [(each.place, each.cause) for each in harvest.problems] == [
        ("entry 2", "names the same paper as entry 1")
    ]


def test_a_web_page_is_refused(now):
    with pytest.raises(ListingUnreadable, match="a web page"):
        SOURCE.parse(Listing(source="lab", url="https://e.org", body=b"<html></html>"))
