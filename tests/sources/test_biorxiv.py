from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import ListingUnreadable
from digest.model import AnnounceType, Link, LinkKind, Listing
from digest.sources.biorxiv import Biorxiv, Medrxiv

SOURCE = Biorxiv()
FETCHED = datetime(2026, 6, 10, 9, tzinfo=UTC)
SPAN = "2026-06-09..2026-06-10"


def record(doi: str = "10.1101/2026.06.01.000001", **changes: object) -> dict:
    return {
        "title": "Counting <i>Ovis</i> cells",
        "authors": "Example, A. B.; Sample, B.; Wool Consortium",
        "author_corresponding": "Ada Example",
        "doi": doi,
        "date": "2026-06-09",
        "version": "1",
        "type": "new results",
        "license": "cc_by",
        "category": "cell biology",
        "abstract": "We count cells (p < 0.05). Code: https://github.com/example/ovis.",
        "published": "NA",
        "server": "bioRxiv",
    } | changes


def page(*records: object, total: object = None, position: object = 0) -> dict:
    message = {
        "status": "ok",
        "interval": "2026-06-09:2026-06-10",
        "cursor": position,
        "count": len(records),
        "total": str(len(records)) if total is None else total,
    }
    return {"messages": [message], "collection": list(records)}


def listing(
    content: object, *, place: str = SPAN, fetched_at: datetime | None = FETCHED, url: str = ""
) -> Listing:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Listing(
        source="biorxiv",
        url=url or "https://api.biorxiv.org/details/biorxiv/2026-06-09/2026-06-10/0/json",
        body=body,
        place=place,
        fetched_at=fetched_at,
    )


def only_item(content: dict, **options):
    (read,) = SOURCE.parse(listing(page(content), **options)).items
    return read


# --- what it asks for -----------------------------------------------------------------------


def test_the_last_two_days_are_asked_for(now):
    (request,) = SOURCE.requests(None, now)

    assert request.url == "https://api.biorxiv.org/details/biorxiv/2026-06-09/2026-06-10/0/json"
    assert request.place == "2026-06-09..2026-06-10"
    assert not request.poll


def test_medrxiv_is_another_server_of_the_same_kind(now):
    (request,) = Medrxiv(url="http://localhost:1/details").requests(None, now)

    assert request.url == "http://localhost:1/details/medrxiv/2026-06-09/2026-06-10/0/json"
    assert request.source == "medrxiv"


@pytest.mark.parametrize(
    ("kept", "first"),
    [("2026-06-05", "2026-06-05"), ("2026-06-10", "2026-06-09"), ("2025-01-01", "2026-05-10")],
)
def test_days_since_the_last_complete_run_are_made_up_but_at_most_a_month(now, kept, first):
    (request,) = SOURCE.requests(json.dumps({"to": kept}), now)

    assert request.place == f"{first}..2026-06-10"


# --- what it reads --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("AO_SCPLOWBSTRACTC_SCPLOWWe present MO_SCPLOWUSEC_SCPLOW.", "We present MUSE."),
        ("O_ST_ABSBackground:C_ST_ABSCells.\nO_ST_ABSMethodsC_ST_ABSWe", "Background: Cells. Methods: We"),
        ("HighlightsO_LIOne.\nC_LIO_LITwo.\nC_LI", "Highlights • One. • Two."),
        ("All. O_FIG O_LINKSMALLFIG WIDTH=200>\nView larger version:\nC_FIG O_TBLxC_TBLEnd", "All. End"),
        ("amyloid-{beta} (A{beta}), 5{+/-}1 {micro}m at 37{degrees}C", "amyloid-β (Aβ), 5±1 µm at 37°C"),
        ("R [&ge;] 4, [~]5, a[-&gt;]b [1] [a]", "R ≥ 4, ~5, a→b [1] [a]"),
        *((text, text) for text in (
            "24~48 h of ~80%, p~0.05, y ~ x",
            r"\textbf{not} $k_{in}$ $V_{sim}$",
            "{tag} {ref} {or} O_LINE C_LIPID",
        )),
    ],
)  # fmt: skip
def test_the_export_markup_of_the_servers_is_read(written, text):
    paper = only_item(record(abstract=written, title=written)).paper

    assert (paper.abstract, paper.title) == (text, text)


def test_a_record_becomes_a_paper():
    read = only_item(record())

    paper = read.paper
    assert paper.id == "doi:10.1101/2026.06.01.000001"
    assert paper.title == "Counting Ovis cells"
    assert paper.abstract.startswith("We count cells (p < 0.05).")
    assert paper.authors == ("A. B. Example", "B. Sample", "Wool Consortium")
    assert paper.categories == ("biorxiv:cell-biology",)
    assert paper.published == datetime(2026, 6, 9, tzinfo=UTC)
    assert paper.doi == "10.1101/2026.06.01.000001"
    assert paper.licence == "cc_by"
    assert paper.url == "https://www.biorxiv.org/content/10.1101/2026.06.01.000001v1"
    assert paper.links == (
        Link(kind=LinkKind.ABSTRACT, url=paper.url),
        Link(kind=LinkKind.PDF, url=f"{paper.url}.full.pdf"),
        Link(kind=LinkKind.CODE, url="https://github.com/example/ovis"),
    )
    assert paper.identifiers == ("doi:10.1101/2026.06.01.000001",)
    announcement = read.announcement
    assert announcement.feed == "biorxiv"
    assert announcement.day == date(2026, 6, 9)
    assert announcement.type is AnnounceType.NEW
    assert announcement.seen_at == FETCHED


def test_a_later_version_replaces():
    read = only_item(record(version="3"))

    assert read.announcement.type is AnnounceType.REPLACE
    assert read.announcement.version == 3
    assert read.paper.url.endswith("v3")
    assert read.paper.published is None
    assert read.paper.updated == datetime(2026, 6, 9, tzinfo=UTC)


def test_the_journals_doi_is_another_name_of_the_paper():
    read = only_item(record(published="10.1000/Sheep.7"))

    assert read.paper.identifiers == ("doi:10.1101/2026.06.01.000001", "doi:10.1000/sheep.7")


def test_the_prefix_of_2026_is_as_good_as_the_old_one():
    assert only_item(record("10.64898/2026.06.01.000002")).paper.id.startswith("doi:10.64898/")


def test_dates_need_no_leading_zeros():
    assert only_item(record(date="2026-6-9")).announcement.day == date(2026, 6, 9)


def test_a_recorded_page_was_seen_on_its_day():
    read = only_item(record(), fetched_at=None)

    assert read.announcement.seen_at == datetime(2026, 6, 9, tzinfo=UTC)


def test_their_rss_is_read_too():
    body = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
      <channel rdf:about="https://www.biorxiv.org"><title>bioRxiv Subject Collection</title>
      <link>https://www.biorxiv.org</link><description>d</description></channel>
      <item rdf:about="http://biorxiv.org/cgi/content/short/2026.06.01.000001v2?rss=1">
      <title>Counting Ovis cells</title>
      <link>http://biorxiv.org/cgi/content/short/2026.06.01.000001v2?rss=1</link>
      <description>We count cells.</description>
      <dc:creator><![CDATA[Example, A. B., Sample, B., Wool Consortium]]></dc:creator><dc:date>2026-06-09</dc:date>
      <dc:identifier>doi:10.1101/2026.06.01.000001</dc:identifier></item></rdf:RDF>"""

    (read,) = SOURCE.parse(listing(body)).items

    assert read.paper.id == "doi:10.1101/2026.06.01.000001"
    assert read.paper.authors == ("A. B. Example", "B. Sample", "Wool Consortium")
    assert read.paper.version == 2
    assert read.announcement.day == date(2026, 6, 9)


# --- page after page ------------------------------------------------------------------------


@pytest.mark.parametrize(("total", "position"), [("70", 30), (70, "30")])
def test_the_next_page_begins_after_what_came(total, position):
    content = page(record(), record("10.1101/2"), total=total, position=position)

    (more,) = SOURCE.parse(listing(content, place=f"{SPAN} from 30")).more

    assert more.url == "https://api.biorxiv.org/details/biorxiv/2026-06-09/2026-06-10/32/json"
    assert more.place == f"{SPAN} from 32"


def test_the_last_page_asks_for_no_more_and_the_day_is_kept():
    harvest = SOURCE.parse(listing(page(record())))

    assert harvest.more == ()
    assert harvest.cursor == '{"to": "2026-06-10"}'


def test_an_empty_page_before_the_end_is_refused_so_that_the_days_are_asked_for_again():
    with pytest.raises(ListingUnreadable, match="An empty page at 30 of 70"):
        SOURCE.parse(listing(page(total="70", position=30)))


def test_no_posts_is_no_fault():
    harvest = SOURCE.parse(listing({"messages": [{"status": "no posts found"}], "collection": []}))

    assert harvest.items == ()
    assert harvest.problems == ()


# --- what is wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (7, "not a record"),
        (record(doi="NA"), "a record without a DOI"),
        (record(title=None), "10.1101/2026.06.01.000001 has no title"),
        (record(date="2026-13-40"), "10.1101/2026.06.01.000001 has no date"),
        (record(date=7), "10.1101/2026.06.01.000001 has no date"),
    ],
)
def test_a_bad_record_is_a_problem_and_the_others_are_kept(bad, cause):
    harvest = SOURCE.parse(listing(page(bad, record("10.1101/2"), position=30)))

    assert [each.paper.id for each in harvest.items] == ["doi:10.1101/2"]
    assert [(each.place, each.cause) for each in harvest.problems] == [("record 31", cause)]


def test_an_empty_answer_is_refused():
    with pytest.raises(ListingUnreadable, match="empty"):
        SOURCE.parse(listing(b""))


def test_an_error_is_refused_with_its_own_words():
    with pytest.raises(ListingUnreadable, match="The server says: Database down"):
        SOURCE.parse(listing({"messages": [{"status": "Database down"}]}))


@settings(max_examples=40)
@given(
    field=st.sampled_from([*record()]),
    message=st.sampled_from(["status", "cursor", "count", "total"]),
    data=st.data(),
)
def test_no_value_in_any_field_breaks_it(unharmed, any_json, field, message, data):
    value = data.draw(any_json)
    content = page(record() | {field: value}, record())
    content["messages"][0][message] = value

    unharmed(SOURCE, listing(content))
    unharmed(SOURCE, listing({"messages": value, "collection": [value]}, fetched_at=None))
