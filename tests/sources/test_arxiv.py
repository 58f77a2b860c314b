from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import ListingUnreadable
from digest.model import AnnounceType, Link, LinkKind, Listing
from digest.sources.arxiv import Arxiv

SOURCE = Arxiv(categories=("cs.AI", "cs.LG"))
FETCHED = datetime(2026, 6, 9, 6, 30, tzinfo=UTC)


def item(
    guid: str = "oai:arXiv.org:2606.00001v1",
    *,
    title: str = "Counting sheep at scale",
    abstract: str = "We count sheep.",
    announced: str = "new",
    creator: str = "Ada Example, Bo Sample",
    categories: tuple[str, ...] = ("cs.LG", "cs.AI"),
    published: str = "Tue, 09 Jun 2026 00:00:00 -0400",
    extra: str = "",
) -> str:
    ident = guid.rpartition(":")[2]
    terms = "".join(f"<category>{each}</category>" for each in categories)
    dated = f"<pubDate>{published}</pubDate>" if published else ""
    description = f"arXiv:{ident} Announce Type: {announced} \nAbstract: {abstract}"
    return f"""<item><title>{escape(title)}</title>
      <link>https://arxiv.org/abs/{ident.partition("v")[0]}</link>
      <description>{escape(description)}</description>
      <guid isPermaLink="false">{guid}</guid>{terms}{dated}
      <arxiv:announce_type>{announced}</arxiv:announce_type>
      <dc:rights>http://creativecommons.org/licenses/by/4.0/</dc:rights>
      <dc:creator>{escape(creator)}</dc:creator>{extra}</item>"""


def rss(
    *items: str,
    title: str = "cs.AI, cs.LG updates on arXiv.org",
    built: str = "Tue, 09 Jun 2026 04:00:07 +0000",
    published: str = "Tue, 09 Jun 2026 00:00:00 -0400",
) -> bytes:
    dates = f"<lastBuildDate>{built}</lastBuildDate>" if built else ""
    dates += f"<pubDate>{published}</pubDate>" if published else ""
    return f"""<?xml version='1.0' encoding='UTF-8'?>
    <rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
         version="2.0"><channel><title>{title}</title>
      <link>http://rss.arxiv.org/rss/cs.AI+cs.LG</link><description>d</description>{dates}
      <skipDays><day>Sunday</day><day>Saturday</day></skipDays>{"".join(items)}
    </channel></rss>""".encode()


def listing(body: bytes, *, fetched_at: datetime | None = FETCHED) -> Listing:
    return Listing(
        source="arxiv",
        url="https://rss.arxiv.org/rss/cs.AI+cs.LG",
        body=body,
        place="cs.AI+cs.LG",
        fetched_at=fetched_at,
    )


def only_item(body: bytes, **options):
    (read,) = SOURCE.parse(listing(body, **options)).items
    return read


# --- what it asks for -----------------------------------------------------------------------


def test_all_categories_are_asked_for_in_one_poll(now):
    (request,) = SOURCE.requests(None, now)

    assert request.url == "https://rss.arxiv.org/rss/cs.AI+cs.LG"
    assert request.place == "cs.AI+cs.LG"
    assert request.poll


def test_more_than_thirty_categories_are_asked_for_in_blocks(now):
    names = [f"cs.A{chr(65 + at // 26)}{chr(65 + at % 26)}" for at in range(31)]

    first, second = Arxiv(categories=names).requests(None, now)

    assert first.place.count("+") == 29
    assert second.place == names[30]


def test_a_caller_may_ask_for_fewer_categories_at_a_time(now):
    source = Arxiv(categories=["cs.AI", "cs.LG"], per_request=1, url="http://localhost:1/rss")

    assert [each.url for each in source.requests(None, now)] == [
        "http://localhost:1/rss/cs.AI",
        "http://localhost:1/rss/cs.LG",
    ]


def test_without_categories_nothing_is_asked_for(now):
    assert Arxiv().requests(None, now) == []


def test_a_category_given_twice_is_asked_for_once():
    assert Arxiv(categories=["cs.LG", "cs.AI", "cs.LG"]).categories == ("cs.LG", "cs.AI")


# --- what it reads --------------------------------------------------------------------------


def test_an_item_becomes_a_paper_and_its_announcement():
    extra = (
        "<arxiv:DOI>10.1000/Sheep.1</arxiv:DOI>"
        "<arxiv:journal_reference>J. Sheep 7 (2026)</arxiv:journal_reference>"
    )

    read = only_item(rss(item("oai:arXiv.org:2606.00001v1", extra=extra)))

    paper = read.paper
    assert paper.id == "arxiv:2606.00001"
    assert paper.title == "Counting sheep at scale"
    assert paper.abstract == "We count sheep."
    assert paper.authors == ("Ada Example", "Bo Sample")
    assert paper.categories == ("cs.LG", "cs.AI")
    assert paper.published == datetime(2026, 6, 9, 4, tzinfo=UTC)
    assert paper.url == "https://arxiv.org/abs/2606.00001"
    assert paper.doi == "10.1000/sheep.1"
    assert paper.journal_ref == "J. Sheep 7 (2026)"
    assert paper.licence == "http://creativecommons.org/licenses/by/4.0/"
    assert paper.identifiers == (
        "arxiv:2606.00001",
        "doi:10.1000/sheep.1",
        "doi:10.48550/arxiv.2606.00001",
    )
    announcement = read.announcement
    assert announcement.paper_id == "arxiv:2606.00001"
    assert announcement.source == "arxiv"
    assert announcement.feed == "cs.AI+cs.LG"
    assert announcement.day == date(2026, 6, 9)
    assert announcement.type is AnnounceType.NEW
    assert announcement.version == 1
    assert announcement.seen_at == FETCHED


def test_the_paper_links_to_its_pages_and_to_what_the_abstract_names():
    abstract = "Code is at https://github.com/example/sheep."

    read = only_item(rss(item(abstract=abstract)))

    assert read.paper.links == (
        Link(kind=LinkKind.ABSTRACT, url="https://arxiv.org/abs/2606.00001"),
        Link(kind=LinkKind.PDF, url="https://arxiv.org/pdf/2606.00001"),
        Link(kind=LinkKind.CODE, url="https://github.com/example/sheep"),
    )


def test_tex_becomes_text_everywhere():
    read = only_item(
        rss(
            item(
                title=r"Gr\"obner bases in $O(n^2)$",
                abstract=r"An $\alpha$-dense \emph{flock}.",
                creator=r"Esther Puyol-Ant\'on, J\"urgen M\"uller",
            )
        )
    )

    assert read.paper.title == "Gröbner bases in O(n²)"
    assert read.paper.abstract == "An α-dense flock."
    assert read.paper.authors == ("Esther Puyol-Antón", "Jürgen Müller")


def test_affiliations_with_commas_inside_are_not_authors():
    read = only_item(rss(item(creator="Ada Example (Dept. of Sheep, Wool (North), UK), Bo Sample")))

    assert read.paper.authors == ("Ada Example", "Bo Sample")


def test_an_old_style_id_keeps_its_archive():
    read = only_item(rss(item("oai:arXiv.org:nlin/0408039v2", announced="replace")))

    assert read.paper.id == "arxiv:nlin/0408039"
    assert read.paper.url == "https://arxiv.org/abs/nlin/0408039"
    assert read.paper.version == 2


def test_the_version_is_kept_beside_the_id():
    read = only_item(rss(item("oai:arXiv.org:2606.00001v3", announced="replace-cross")))

    assert read.paper.id == "arxiv:2606.00001"
    assert read.paper.version == 3
    assert read.paper.published is None
    assert read.announcement.type is AnnounceType.REPLACE_CROSS


def test_a_second_version_listed_as_new_is_still_new():
    read = only_item(rss(item("oai:arXiv.org:2606.00001v2", announced="new")))

    assert read.announcement.type is AnnounceType.NEW
    assert read.announcement.version == 2


def test_a_list_rebuilt_with_later_versions_announces_the_same_again():
    morning = only_item(rss(item("oai:arXiv.org:2606.00001v1"))).announcement
    evening = only_item(rss(item("oai:arXiv.org:2606.00001v2"))).announcement

    assert (morning.paper_id, morning.feed, morning.day) == (
        evening.paper_id,
        evening.feed,
        evening.day,
    )


def test_several_dois_in_one_field_are_all_names_of_the_paper():
    extra = "<arxiv:DOI>10.1000/a 10.1000/b 10.1000/a</arxiv:DOI>"

    paper = only_item(rss(item(extra=extra))).paper

    assert paper.doi == "10.1000/a"
    assert {"doi:10.1000/a", "doi:10.1000/b"} <= set(paper.identifiers)


def test_an_atom_listing_reads_the_same():
    body = b"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"
      xmlns:dc="http://purl.org/dc/elements/1.1/"><id>http://rss.arxiv.org/atom/cs.LG</id>
      <title>cs.LG updates on arXiv.org</title><updated>2026-06-09T04:00:19.8+00:00</updated>
      <entry><id>oai:arXiv.org:2606.00001v1</id><title>Counting sheep at scale</title>
      <updated>2026-06-09T04:00:19.8+00:00</updated>
      <link href="https://arxiv.org/abs/2606.00001" rel="alternate"/>
      <summary>arXiv:2606.00001v1 Announce Type: cross
Abstract: We count sheep.</summary><category term="cs.CL"/><category term="cs.LG"/>
      <published>2026-06-09T00:00:00-04:00</published>
      <arxiv:announce_type>cross</arxiv:announce_type>
      <dc:creator>Ada Example, Bo Sample</dc:creator></entry></feed>"""

    read = only_item(body)

    assert read.paper.abstract == "We count sheep."
    assert read.paper.authors == ("Ada Example", "Bo Sample")
    assert read.paper.categories == ("cs.CL", "cs.LG")
    assert read.announcement.feed == "cs.LG"
    assert read.announcement.day == date(2026, 6, 9)
    assert read.announcement.type is AnnounceType.CROSS


def rdf(*titles: str) -> bytes:
    items = "".join(
        f"""<item rdf:about="http://arxiv.org/abs/2311.0000{at}"><title>{title}</title>
        <link>http://arxiv.org/abs/2311.0000{at}</link>
        <description rdf:parseType="Literal">&lt;p&gt;We count
sheep.&lt;/p&gt;</description>
        <dc:creator>&lt;a href="http://arxiv.org/x"&gt;Ada Example&lt;/a&gt;, &lt;a
        href="http://arxiv.org/y"&gt;Bo Sample&lt;/a&gt;</dc:creator></item>"""
        for at, title in enumerate(titles, start=1)
    )
    return f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
      <channel rdf:about="http://arxiv.org/"><title>cs.CL updates on arXiv.org</title>
      <link>http://arxiv.org/</link><description>d</description>
      <dc:date>2023-11-13T20:30:00-05:00</dc:date></channel>{items}</rdf:RDF>""".encode()


def test_rss_1_of_the_past_is_read_with_what_its_titles_hold():
    body = rdf(
        "Sheep. (arXiv:2311.00001v1 [cs.CL])",
        "Goats. (arXiv:2311.00002v1 [cs.LG])",
        "Cows. (arXiv:2311.00003v4 [cs.CL] UPDATED)",
        "Hens. (arXiv:2311.00004v2 [cs.IR] UPDATED)",
        "Pigs. (arXiv:2311.00005v2 [cs.IR] CROSS LISTED)",
    )

    items = SOURCE.parse(listing(body, fetched_at=None)).items

    assert [(each.paper.title, each.paper.version) for each in items] == [
        ("Sheep.", 1), ("Goats.", 1), ("Cows.", 4), ("Hens.", 2), ("Pigs.", 2)
    ]  # fmt: skip
    assert [each.announcement.type.value for each in items] == [
        "new", "cross", "replace", "replace-cross", "cross"
    ]  # fmt: skip
    assert items[0].paper.abstract == "We count sheep."
    assert items[0].paper.authors == ("Ada Example", "Bo Sample")
    assert items[1].paper.categories == ("cs.LG", "cs.CL")


def test_the_list_announced_in_the_evening_is_that_of_the_next_day_in_rss_1():
    read = only_item(rdf("Sheep. (arXiv:2311.00001v1 [cs.CL])"), fetched_at=None)

    assert read.announcement.day == date(2023, 11, 14)
    assert read.announcement.seen_at == datetime(2023, 11, 14, 1, 30, tzinfo=UTC)


# --- days and times -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "day"),
    [
        (rss(item(published="Tue, 06 Jan 2026 00:00:00 -0500")), date(2026, 1, 6)),
        (rss(item(published="Sat, 09 May 2026 00:00:00 -0400")), date(2026, 5, 9)),
        (rss(item(published="")), date(2026, 6, 9)),
        (
            rss(item(published=""), published="", built="Wed, 10 Jun 2026 03:59:59 +0000"),
            date(2026, 6, 9),
        ),
    ],
    ids=["in winter", "on a Saturday", "of the channel", "of the build"],
)
def test_the_day_is_the_one_at_arxiv_of_the_item_or_else_of_its_channel_or_build(body, day):
    assert only_item(body).announcement.day == day


def test_a_recorded_list_was_seen_when_it_was_built_or_else_at_its_date():
    built = only_item(rss(item()), fetched_at=None)
    dated = only_item(rss(item(), built=""), fetched_at=None)

    assert built.announcement.seen_at == datetime(2026, 6, 9, 4, 0, 7, tzinfo=UTC)
    assert dated.announcement.seen_at == datetime(2026, 6, 9, 4, tzinfo=UTC)


def test_a_recorded_item_without_any_date_is_a_problem():
    harvest = SOURCE.parse(
        listing(rss(item(published=""), built="", published=""), fetched_at=None)
    )

    assert harvest.items == ()
    assert "no date" in harvest.problems[0].cause


def test_an_empty_list_gives_no_items_but_says_when_it_was_built():
    harvest = SOURCE.parse(listing(rss()))

    assert harvest.items == ()
    assert harvest.problems == ()
    assert harvest.built_at == datetime(2026, 6, 9, 4, 0, 7, tzinfo=UTC)


# --- what is wrong --------------------------------------------------------------------------


def test_an_item_without_an_id_or_a_title_is_a_problem_and_the_others_are_kept():
    untitled = item("oai:arXiv.org:2606.00003v1", title="{}")
    body = rss(item(), item("nonsense"), untitled, item("oai:arXiv.org:2606.00004v1"))

    harvest = SOURCE.parse(listing(body))

    assert [each.paper.id for each in harvest.items] == ["arxiv:2606.00001", "arxiv:2606.00004"]
    assert [(each.place, each.cause) for each in harvest.problems] == [
        ("item 2", "an item without an arXiv id"),
        ("item 3", "2606.00003 has no title"),
    ]


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("replace-withdrawn", AnnounceType.REPLACE), ("fresh", AnnounceType.NEW)],
)
def test_an_unknown_announce_type_is_reported_and_the_paper_kept(word, meaning):
    harvest = SOURCE.parse(listing(rss(item(announced=word))))

    assert harvest.items[0].announcement.type is meaning
    assert word in harvest.problems[0].cause


def test_a_listing_as_long_as_arxiv_allows_was_cut_off(monkeypatch):
    monkeypatch.setattr("digest.sources.arxiv.MOST_ITEMS", 20)
    line = "<item><guid>oai:arXiv.org:2606.{:05}v1</guid><title>Sheep</title></item>"
    whole = [line.format(at) for at in range(20)]

    full, shorter = (SOURCE.parse(listing(rss(*items))) for items in (whole, whole[1:]))

    assert "set a smaller per_request" in full.problems[-1].cause
    assert len(full.items) == 20
    assert "per_request" not in shorter.problems[-1].cause


def test_an_error_feed_is_refused_with_its_own_words():
    body = rss(title="Feed error for query: http://rss.arxiv.org/rss/cs.XX", built="")

    with pytest.raises(ListingUnreadable, match="Feed error for query") as caught:
        SOURCE.parse(listing(body))

    assert caught.value.subject == "https://rss.arxiv.org/rss/cs.AI+cs.LG"


@settings(max_examples=40)
@given(
    at=st.integers(0, 2_000),
    length=st.integers(0, 60),
    instead=st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode)),
    fetched=st.booleans(),
)
def test_no_damage_to_a_listing_breaks_it(unharmed, at, length, instead, fetched):
    whole = rss(item(), item("oai:arXiv.org:2606.00002v1"))

    unharmed(
        SOURCE,
        listing(
            whole[:at] + instead + whole[at + length :], fetched_at=FETCHED if fetched else None
        ),
    )


@pytest.mark.parametrize("year", ["1900", "9999", "99999"])
def test_an_absurd_year_is_no_date(unharmed, year):
    body = rss(item(published=f"Tue, 09 Jun {year} 00:00:00 -0400"), published="")

    harvest = unharmed(SOURCE, listing(body))

    assert harvest is not None
    assert [each.announcement.day for each in harvest.items] == [date(2026, 6, 9)]


# --- recorded listings ----------------------------------------------------------------------


def days_of(harvest) -> set[date]:
    return {each.announcement.day for each in harvest.items}


def ids_of(harvest) -> list[str]:
    return [each.paper.id for each in harvest.items]


@pytest.mark.parametrize(
    ("path", "count", "first", "last", "day"),
    [
        ("arxiv_rss/2026-06-10-cs-ai.xml", 768, "2606.07549", "2606.07379", date(2026, 6, 9)),
        ("arxiv_rss/2026-06-15-cs-cv.xml", 131, "2606.13714", "2606.12910", date(2026, 6, 15)),
        (
            "arxiv_rss_edge/biggest_1101items_2026-05-13-cs-lg.xml",
            1101, "2605.08098", "2605.07964", date(2026, 5, 12),
        ),
        (
            "arxiv_rss_edge/no_item_pubDate_2024-03-08-cs-cl.xml",
            85, "2403.03304", "2403.02371", date(2024, 3, 7),
        ),
        (
            "arxiv_atom_feed/rss.arxiv.org_atom_cs.AI_2025-08-20_zotero-arxiv-daily.xml",
            7, "2508.13426", "2508.14002", date(2025, 8, 20),
        ),
        (
            "arxiv_rss_legacy/rss1.0_2023-11-15-cs-cl.xml",
            100, "2311.06303", "2308.08493", date(2023, 11, 14),
        ),
        (
            "arxiv_rss_legacy/rss1.0_last_2024-01-31-cs-lg.xml",
            196, "2401.15088", "2401.14521", date(2024, 1, 30),
        ),
    ],
)  # fmt: skip
def test_recorded_listings_of_every_form_are_read_whole(recorded, path, count, first, last, day):
    harvest = SOURCE.parse(recorded(path))

    assert harvest.problems == ()
    assert len(harvest.items) == count
    assert ids_of(harvest)[0] == f"arxiv:{first}"
    assert ids_of(harvest)[-1] == f"arxiv:{last}"
    assert days_of(harvest) == {day}
    assert all(each.paper.abstract and each.paper.authors for each in harvest.items)


def test_a_recorded_listing_has_all_four_announce_types(recorded):
    harvest = SOURCE.parse(recorded("arxiv_rss/2026-06-11-cs-lg.xml"))

    assert Counter(each.announcement.type.value for each in harvest.items) == {
        "new": 106, "cross": 93, "replace": 81, "replace-cross": 59
    }  # fmt: skip
    assert {each.announcement.feed for each in harvest.items} == {"cs.LG"}


def test_one_list_under_two_dates_is_the_same_papers_on_two_days(recorded):
    thursday = SOURCE.parse(recorded("arxiv_rss_edge/redated_A_thu_2026-05-08-cs-ai.xml"))
    friday = SOURCE.parse(
        recorded("arxiv_rss_edge/redated_B_fri_same310items_2026-05-09-cs-ai.xml")
    )

    assert ids_of(thursday) == ids_of(friday)
    assert days_of(thursday) == {date(2026, 5, 7)}
    assert days_of(friday) == {date(2026, 5, 8)}
    assert thursday.built_at == datetime(2026, 5, 8, 2, 4, 49, tzinfo=UTC)


def test_a_list_of_a_saturday_is_read_and_so_is_the_empty_one_of_sunday(recorded):
    saturday = SOURCE.parse(
        recorded("arxiv_rss_edge/redated_C_saturday_530items_2026-05-10-cs-ai.xml")
    )
    sunday = SOURCE.parse(recorded("arxiv_rss_edge/redated_D_sunday_empty_2026-05-11-cs-ai.xml"))

    assert len(saturday.items) == 530
    assert days_of(saturday) == {date(2026, 5, 9)}
    assert sunday.items == ()
    assert sunday.built_at is not None


def test_a_list_of_yesterday_built_today_keeps_the_day_it_states(recorded):
    stale = SOURCE.parse(recorded("arxiv_rss_edge/lostday_2024-04-11-cs-ai.xml"))
    fresh = SOURCE.parse(recorded("arxiv_rss_edge/lostday_2024-04-11-cs-lg.xml"))

    assert days_of(stale) == {date(2024, 4, 9)}
    assert days_of(fresh) == {date(2024, 4, 10)}


def test_a_holiday_is_an_empty_list_of_a_weekday(recorded):
    harvest = SOURCE.parse(recorded("arxiv_rss_edge/weekday_holiday_2026-07-07-cs-ai.xml"))

    assert harvest.items == ()
    assert harvest.problems == ()
    assert harvest.built_at == datetime(2026, 7, 6, 4, tzinfo=UTC)


def test_the_recorded_old_style_id_keeps_its_archive(recorded):
    harvest = SOURCE.parse(recorded("arxiv_rss_edge/old_style_id_2024-05-16-cs-lg.xml"))

    assert [each for each in ids_of(harvest) if "/" in each] == ["arxiv:nlin/0408039"]


def test_three_thousand_authors_are_kept_by_name(recorded):
    harvest = SOURCE.parse(recorded("arxiv_rss_edge/max_authors_3435_2025-10-18-cs-ai.xml"))

    assert max(len(each.paper.authors) for each in harvest.items) == 3435


@pytest.mark.slow
def test_no_recorded_listing_leaves_tex_or_affiliations_in_names_nor_any_problem(
    recordings, recorded
):
    paths = sorted(each.relative_to(recordings) for each in recordings.glob("arxiv_rss*/*.xml"))

    harvests = [SOURCE.parse(recorded(str(path))) for path in paths]

    names = {name for each in harvests for item in each.items for name in item.paper.authors}
    assert not [name for name in names if set(name) & set("()\\{}$")]
    assert not [problem for each in harvests for problem in each.problems]
    assert sum(len(each.items) for each in harvests) == 10_745
