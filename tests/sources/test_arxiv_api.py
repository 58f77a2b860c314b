from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.editions import LIST_ZONE, is_list_day
from digest.errors import InvalidInput, ListingUnreadable
from digest.model import AnnounceType, Listing
from digest.sources._arxiv import listed_at
from digest.sources.arxiv import Arxiv
from digest.sources.arxiv_api import ArxivApi

SOURCE = ArxivApi(categories=("cs.LG", "stat.ML"), page_size=2)
FETCHED = datetime(2026, 6, 20, 9, tzinfo=UTC)
SPAN = "2026-06-01..2026-06-03"


def entry(
    ident: str = "2606.00001v1",
    *,
    title: str = "Counting sheep",
    published: str = "2026-06-02T17:00:00Z",
    updated: str = "2026-06-02T17:00:00Z",
) -> str:
    return f"""<entry><id>http://arxiv.org/abs/{ident}</id><title>{escape(title)}</title>
      <updated>{updated}</updated><published>{published}</published>
      <link href="https://arxiv.org/abs/{ident}" rel="alternate"/>
      <summary>  We count
  sheep with $\\alpha$.</summary>
      <category term="stat.ML"/><category term="cs.LG"/><category term="68T05"/>
      <arxiv:primary_category term="cs.LG"/><arxiv:comment>7 pages, v. small</arxiv:comment>
      <arxiv:journal_ref>J. Sheep 7</arxiv:journal_ref><arxiv:doi>10.1000/Sheep</arxiv:doi>
      <author><name>Ada Ex\\'ample</name><arxiv:affiliation>Wool</arxiv:affiliation></author>
      <author><name>Bo Sample</name></author></entry>"""


def feed(*entries: str, total: int | None = None, start: int = 0) -> bytes:
    return f"""<?xml version='1.0' encoding='UTF-8'?>
    <feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"
      xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
      <id>https://arxiv.org/api/x</id><title>arXiv Query: x</title>
      <updated>2026-06-20T08:59:00Z</updated>
      <opensearch:totalResults>{len(entries) if total is None else total}</opensearch:totalResults>
      <opensearch:startIndex>{start}</opensearch:startIndex>{"".join(entries)}</feed>""".encode()


def listing(
    body: bytes, *, place: str = f"{SPAN} from 0", fetched_at: datetime | None = FETCHED
) -> Listing:
    return Listing(
        source="arxiv-api",
        url="https://export.arxiv.org/api/query?start=0",
        body=body,
        place=place,
        fetched_at=fetched_at,
    )


def query_of(url: str) -> dict[str, str]:
    return {key: value for key, (value,) in parse_qs(urlsplit(url).query).items()}


# --- what it asks for -----------------------------------------------------------------------


def test_a_back_fill_asks_by_submission_date_oldest_first():
    request = SOURCE.backfill(date(2026, 6, 1), date(2026, 6, 3))

    assert request.place == "2026-06-01..2026-06-03 from 0"
    assert not request.poll
    assert query_of(request.url) == {
        "search_query": "(cat:cs.LG OR cat:stat.ML)"
        " AND submittedDate:[202606010000 TO 202606032359]",
        "start": "0",
        "max_results": "2",
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
    }


def test_a_whole_archive_is_asked_for_by_a_wildcard_only_if_it_is_divided():
    request = ArxivApi(categories=("cs", "hep-th")).backfill(date(2026, 6, 1), date(2026, 6, 1))

    assert query_of(request.url)["search_query"].startswith("(cat:cs.* OR cat:hep-th) AND ")


def test_a_query_narrows_the_categories():
    source = ArxivApi(categories=("cs.LG",), query='abs:"sheep" OR ti:wool')

    request = source.backfill(date(2026, 6, 1), date(2026, 6, 1))

    assert query_of(request.url)["search_query"].startswith(
        '(cat:cs.LG) AND (abs:"sheep" OR ti:wool) AND submittedDate:'
    )


def test_the_first_run_asks_for_yesterday(now):
    (request,) = SOURCE.requests(None, now)

    assert request.place == "2026-06-09..2026-06-09 from 0"


def test_a_cursor_names_the_days(now):
    (request,) = SOURCE.requests('{"from": "2026-06-01", "to": "2026-06-03"}', now)

    assert request.place == "2026-06-01..2026-06-03 from 0"


def test_days_that_end_before_they_begin_count_as_none(now):
    backwards = '{"from": "2026-06-03", "to": "2026-06-01"}'

    assert SOURCE.requests(backwards, now) == SOURCE.requests(None, now)


def test_without_categories_or_query_nothing_is_asked_for(now):
    assert ArxivApi().requests(None, now) == ()


def test_days_in_the_wrong_order_are_refused():
    with pytest.raises(InvalidInput, match="2026-06-01 is before 2026-06-03"):
        SOURCE.backfill(date(2026, 6, 3), date(2026, 6, 1))


def test_days_before_the_first_list_and_far_ahead_are_left_out():
    request = SOURCE.backfill(date(1, 1, 1), date(9999, 12, 31))

    assert request.place == "1991-01-01..2199-12-31 from 0"
    (more,) = SOURCE.parse(listing(feed(entry(), total=2), place=request.place)).more
    assert more.place == "1991-01-01..2199-12-31 from 1"
    with pytest.raises(InvalidInput, match="1990-12-31 is before 1991-01-01"):
        SOURCE.backfill(date(1980, 1, 1), date(1990, 12, 31))


# --- what it reads --------------------------------------------------------------------------


def test_an_entry_becomes_a_paper():
    body = feed(entry("2606.00001v3", updated="2026-06-10T01:00:00Z"))

    (read,) = SOURCE.parse(listing(body)).items

    paper = read.paper
    assert paper.id == "arxiv:2606.00001"
    assert paper.version == 3
    assert paper.abstract == "We count sheep with α."
    assert paper.authors == ("Ada Exámple", "Bo Sample")
    assert paper.categories == ("cs.LG", "stat.ML")
    assert paper.published == datetime(2026, 6, 2, 17, tzinfo=UTC)
    assert paper.updated == datetime(2026, 6, 10, 1, tzinfo=UTC)
    assert paper.comment == "7 pages, v. small"
    assert paper.journal_ref == "J. Sheep 7"
    assert paper.doi == "10.1000/sheep"
    assert "doi:10.48550/arxiv.2606.00001" in paper.identifiers


def test_a_paper_is_announced_as_new_on_the_list_of_its_submission_whatever_its_version():
    body = feed(entry("2606.00001v3", published="2026-06-02T17:00:00Z"))

    announcement = SOURCE.parse(listing(body)).items[0].announcement

    assert announcement.type is AnnounceType.NEW
    assert announcement.version == 1
    assert announcement.feed == "cs.LG"
    assert announcement.day == date(2026, 6, 3)
    assert announcement.seen_at == datetime(2026, 6, 3, 4, tzinfo=UTC)


def test_nothing_is_seen_before_it_is_fetched_nor_later():
    fetched = datetime(2026, 6, 2, 20, tzinfo=UTC)

    (read,) = SOURCE.parse(listing(feed(entry()), fetched_at=fetched)).items

    assert read.announcement.seen_at == fetched


def test_an_old_style_id_keeps_its_archive():
    (read,) = SOURCE.parse(listing(feed(entry("astro-ph/0601001v1")))).items

    assert read.paper.id == "arxiv:astro-ph/0601001"


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (entry("nonsense"), "no|without an arXiv id"),
        (entry(title=""), "has no title"),
        (entry(published="soon"), "no date of submission"),
        (entry(published="9999-12-31T23:59:59Z"), "no date of submission"),
    ],
)
def test_a_bad_entry_is_a_problem_and_the_others_are_kept(bad, cause):
    harvest = SOURCE.parse(listing(feed(bad, entry())))

    assert [each.paper.id for each in harvest.items] == ["arxiv:2606.00001"]
    assert harvest.problems[0].place == "entry 1"
    assert harvest.problems[0].cause.endswith(cause.rpartition("|")[2])


# --- page after page ------------------------------------------------------------------------


def test_the_next_page_begins_after_what_came():
    body = feed(entry("2606.00003v1"), start=2, total=7)

    (more,) = SOURCE.parse(listing(body, place=f"{SPAN} from 2")).more

    assert more.place == f"{SPAN} from 3"
    assert query_of(more.url)["start"] == "3"
    assert "[202606010000 TO 202606032359]" in query_of(more.url)["search_query"]


def test_the_last_page_asks_for_no_more():
    harvest = SOURCE.parse(listing(feed(entry(), start=6, total=7), place=f"{SPAN} from 6"))

    assert harvest.more == ()
    assert harvest.problems == ()


def test_an_empty_page_is_asked_for_once_more_and_only_once():
    body = feed(start=2, total=7)

    first = SOURCE.parse(listing(body, place=f"{SPAN} from 2"))
    second = SOURCE.parse(listing(body, place=first.more[0].place))

    assert first.more[0].place == f"{SPAN} from 2, again"
    assert "empty page at 2 of 7" in first.problems[0].cause
    assert second.more == ()
    assert "rest is missing" in second.problems[0].cause


def test_after_a_repeated_page_reading_goes_on():
    body = feed(entry(), start=2, total=7)

    (more,) = SOURCE.parse(listing(body, place=f"{SPAN} from 2, again")).more

    assert more.place == f"{SPAN} from 3"


def test_more_results_than_arxiv_gives_are_reported_and_not_chased():
    start = SOURCE.parse(listing(feed(entry(), total=40_000)))
    end = SOURCE.parse(listing(feed(entry(), start=29_999, total=40_000)))

    assert "ask for fewer days" in start.problems[0].cause
    assert len(start.more) == 1
    assert end.more == ()


def test_a_recorded_answer_has_no_further_pages():
    harvest = SOURCE.parse(listing(feed(entry(), total=9), place="", fetched_at=None))

    assert harvest.more == ()
    assert harvest.problems == ()


# --- what is wrong --------------------------------------------------------------------------


def test_an_error_is_refused_with_arxivs_words():
    body = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>arXiv Search Results</title><entry>
      <id>https://arxiv.org/api/errors#bad_id</id><title>Error</title>
      <summary>bad id</summary></entry></feed>"""

    with pytest.raises(ListingUnreadable, match="arXiv says: bad id"):
        SOURCE.parse(listing(body))


@settings(max_examples=40)
@given(
    at=st.integers(0, 2_500),
    length=st.integers(0, 60),
    instead=st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode)),
)
def test_no_damage_breaks_it(unharmed, at, length, instead):
    whole = feed(entry(), entry("2606.00002v2"), total=9)

    unharmed(SOURCE, listing(whole[:at] + instead + whole[at + length :]))


# --- when a paper is listed -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("submitted", "listed"),
    [
        ("Mon 2026-06-08 13:59", "Tue 2026-06-09"),
        ("Mon 2026-06-08 14:00", "Wed 2026-06-10"),
        ("Tue 2026-06-09 13:59", "Wed 2026-06-10"),
        ("Thu 2026-06-11 13:59", "Fri 2026-06-12"),
        ("Thu 2026-06-11 14:00", "Mon 2026-06-15"),
        ("Fri 2026-06-12 13:59", "Mon 2026-06-15"),
        ("Fri 2026-06-12 14:00", "Tue 2026-06-16"),
        ("Sat 2026-06-13 12:00", "Tue 2026-06-16"),
        ("Sun 2026-06-14 23:00", "Tue 2026-06-16"),
        ("Mon 2026-06-15 13:59", "Tue 2026-06-16"),
        ("Fri 2026-03-06 15:00", "Tue 2026-03-10"),
    ],
)
def test_a_paper_is_listed_by_arxivs_weekly_schedule(submitted, listed):
    moment = datetime.strptime(submitted, "%a %Y-%m-%d %H:%M").replace(tzinfo=LIST_ZONE)
    expected = datetime.strptime(listed, "%a %Y-%m-%d").replace(tzinfo=LIST_ZONE)

    assert listed_at(moment) == expected
    assert listed_at(moment).tzinfo is UTC


@given(st.integers(0, 5_000_000).map(lambda minutes: FETCHED + timedelta(minutes=minutes)))
def test_a_paper_is_listed_within_five_days_on_a_list_day_and_never_before_its_submission(moment):
    listed = listed_at(moment)

    assert timedelta(hours=9) <= listed - moment <= timedelta(days=4, hours=11)
    assert is_list_day(listed.astimezone(LIST_ZONE).date())


# --- recorded answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "count", "first", "version"),
    [
        ("q_testing_s0_m100_cfe7536492ca.xml", 100, "arxiv:2202.12139", 1),
        ("q_testing_s0_m10_bc5a6c384fe9.xml", 10, "arxiv:2202.12139", 1),
        ("id_astro-ph_0601001_s0_m100_3150dca9dc76.xml", 1, "arxiv:astro-ph/0601001", 1),
    ],
)
def test_recorded_answers_are_read_whole(recorded, path, count, first, version):
    harvest = SOURCE.parse(recorded(f"arxiv_api/{path}"))

    assert len(harvest.items) == count
    assert harvest.problems == ()
    assert harvest.more == ()
    assert harvest.items[0].paper.id == first
    assert harvest.items[0].paper.version == version


def test_an_unknown_id_gives_an_empty_answer(recorded):
    assert SOURCE.parse(recorded("arxiv_api/id_0000.0000_s0_m100_8b51d9633a68.xml")).items == ()


def test_a_recorded_error_is_refused(recorded):
    with pytest.raises(ListingUnreadable, match="incorrect id format for abc"):
        SOURCE.parse(recorded("arxiv_api/id_abc_s0_m100_b79c8dcf6bc3.xml"))


def test_the_listing_source_reads_a_recorded_answer_too(recorded):
    harvest = Arxiv().parse(recorded("arxiv_api/q_testing_s0_m100_cfe7536492ca.xml"))

    assert len(harvest.items) == 100
    assert {each.announcement.source for each in harvest.items} == {"arxiv"}
    assert harvest.more == ()
