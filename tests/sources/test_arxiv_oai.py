from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import ListingUnreadable
from digest.model import AnnounceType, Listing
from digest.sources.arxiv import Arxiv
from digest.sources.arxiv_oai import ArxivOai

SOURCE = ArxivOai(sets=("cs", "stat"))
FETCHED = datetime(2026, 6, 10, 5, tzinfo=UTC)


def record(
    ident: str = "2606.00001",
    *,
    stamped: str = "2026-06-10",
    created: str = "2026-06-08",
    updated: str = "",
    categories: str = "cs.LG stat.ML",
    status: str = "",
    title: str = "Counting\n  sheep",
) -> str:
    deleted = f' status="{status}"' if status else ""
    changed = f"<updated>{updated}</updated>" if updated else ""
    header = f"""<header{deleted}><identifier>oai:arXiv.org:{ident}</identifier>
      <datestamp>{stamped}</datestamp><setSpec>cs</setSpec></header>"""
    if status:
        return f"<record>{header}</record>"
    return f"""<record>{header}<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/">
      <id>{ident}</id><created>{created}</created>{changed}<authors>
      <author><keyname>Ex\\"ample</keyname><forenames>Ada</forenames><suffix>Jr.</suffix>
        <affiliation>Wool</affiliation></author>
      <author><keyname>Sheep Collaboration</keyname></author></authors>
      <title>{title}</title><categories>{categories}</categories>
      <comments>7 pages</comments><journal-ref>J. Sheep 7</journal-ref>
      <doi>10.1000/Sheep</doi><license>http://arxiv.org/licenses/nonexclusive-distrib/1.0/</license>
      <abstract>  We count
sheep.
</abstract></arXiv></metadata></record>"""


def answer(
    *records: str, token: str | None = None, answered: str = "2026-06-10T05:00:00Z"
) -> bytes:
    resumption = "" if token is None else f"<resumptionToken>{token}</resumptionToken>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>{answered}</responseDate>
    <request verb="ListRecords">http://x</request>
    <ListRecords>{"".join(records)}{resumption}</ListRecords></OAI-PMH>""".encode()


def refusal(code: str, words: str = "no") -> bytes:
    return f"""<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
    <responseDate>2026-06-10T05:00:00Z</responseDate><request>http://x</request>
    <error code="{code}">{words}</error></OAI-PMH>""".encode()


def listing(
    body: bytes,
    *,
    place: str = "cs from 2026-06-09",
    query: str = "verb=ListRecords&set=cs",
    fetched_at: datetime | None = FETCHED,
) -> Listing:
    return Listing(
        source="arxiv-oai",
        url=f"https://oaipmh.arxiv.org/oai?{query}",
        body=body,
        place=place,
        fetched_at=fetched_at,
    )


def query_of(url: str) -> dict[str, str]:
    return {key: value for key, (value,) in parse_qs(urlsplit(url).query).items()}


# --- what it asks for -----------------------------------------------------------------------


def test_the_first_run_asks_every_set_for_what_changed_since_yesterday(now):
    first, second = SOURCE.requests(None, now)

    assert query_of(first.url) == {
        "verb": "ListRecords",
        "metadataPrefix": "arXiv",
        "set": "cs",
        "from": "2026-06-09",
    }
    assert first.place == "cs from 2026-06-09"
    assert second.place == "stat from 2026-06-09"
    assert not first.poll


def test_later_runs_go_on_from_the_day_of_the_last_answer_and_never_say_until(now):
    requests = SOURCE.requests('{"from": "2026-06-05"}', now)

    assert {query_of(each.url)["from"] for each in requests} == {"2026-06-05"}
    assert not any("until" in each.url for each in requests)


def test_without_sets_they_follow_from_the_categories():
    source = ArxivOai(
        categories=["cs.LG", "cs.AI", "math.NA", "hep-th", "astro-ph.CO", "physics.optics"]
    )

    assert source.sets == ("cs", "math", "physics:hep-th", "physics:astro-ph", "physics:physics")


# --- what it reads --------------------------------------------------------------------------


def test_a_record_becomes_a_paper():
    (read,) = SOURCE.parse(listing(answer(record()))).items

    paper = read.paper
    assert paper.id == "arxiv:2606.00001"
    assert paper.title == "Counting sheep"
    assert paper.abstract == "We count sheep."
    assert paper.authors == ("Ada Exämple Jr.", "Sheep Collaboration")
    assert paper.categories == ("cs.LG", "stat.ML")
    assert paper.published == datetime(2026, 6, 8, tzinfo=UTC)
    assert paper.updated is None
    assert paper.version == 1
    assert paper.comment == "7 pages"
    assert paper.journal_ref == "J. Sheep 7"
    assert paper.doi == "10.1000/sheep"
    assert paper.licence == "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"


def test_a_new_record_is_announced_on_the_list_of_its_datestamp():
    announcement = SOURCE.parse(listing(answer(record()))).items[0].announcement

    assert announcement.type is AnnounceType.NEW
    assert announcement.feed == "cs.LG"
    assert announcement.day == date(2026, 6, 10)
    assert announcement.seen_at == datetime(2026, 6, 10, 4, tzinfo=UTC)


def test_nothing_is_seen_later_than_it_is_fetched():
    early = datetime(2026, 6, 10, 2, 45, tzinfo=UTC)

    (read,) = SOURCE.parse(listing(answer(record()), fetched_at=early)).items

    assert read.announcement.seen_at == early


@pytest.mark.parametrize(
    ("created", "expected"),
    [("2026-06-03", AnnounceType.NEW), ("2026-06-02", AnnounceType.REPLACE)],
)
def test_a_record_is_new_when_the_paper_is_at_most_a_week_old(created, expected):
    (read,) = SOURCE.parse(listing(answer(record(created=created)))).items

    assert read.announcement.type is expected


def test_a_record_that_was_updated_has_at_least_its_second_version():
    (read,) = SOURCE.parse(listing(answer(record(updated="2026-06-09")))).items

    assert read.paper.version == 2
    assert read.paper.updated == datetime(2026, 6, 9, tzinfo=UTC)


def test_metadata_that_lost_its_namespace_is_read_all_the_same():
    bare = record().replace(' xmlns="http://arxiv.org/OAI/arXiv/"', "")

    assert len(SOURCE.parse(listing(answer(bare))).items) == 1


@pytest.mark.parametrize("wanted", [("stat.ML",), ("stat",), ("hep-th", "cs")])
def test_papers_of_a_wanted_category_or_archive_are_kept(wanted):
    source = ArxivOai(sets=("cs",), categories=wanted)

    harvest = source.parse(listing(answer(record(), record("2606.00002", categories="eess.SP"))))

    assert [each.paper.id for each in harvest.items] == ["arxiv:2606.00001"]
    assert harvest.problems == ()


def test_a_deleted_record_is_reported():
    harvest = SOURCE.parse(listing(answer(record(status="deleted"), record("2606.00002"))))

    assert [each.paper.id for each in harvest.items] == ["arxiv:2606.00002"]
    assert harvest.problems[0].place == "record 1"
    assert "2606.00001 was withdrawn" in harvest.problems[0].cause


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (record("nonsense"), "a record without an arXiv id"),
        (record(title=""), "2606.00001 has no title"),
        (record(stamped="some day"), "2606.00001 has no datestamp"),
        (record(stamped="9999-12-31"), "2606.00001 has no datestamp"),
        (record().replace("arXiv>", "dc>").replace("<arXiv ", "<dc "), "2606.00001 has no metadata we can read"),
    ],
)  # fmt: skip
def test_a_bad_record_is_a_problem_and_the_others_are_kept(bad, cause):
    harvest = SOURCE.parse(listing(answer(bad, record("2606.00002"))))

    assert [each.paper.id for each in harvest.items] == ["arxiv:2606.00002"]
    assert [each.cause for each in harvest.problems] == [cause]


# --- page after page ------------------------------------------------------------------------


def test_a_resumption_token_leads_to_the_next_page():
    harvest = SOURCE.parse(listing(answer(record(), token="a|b=1&c")))

    (more,) = harvest.more
    assert query_of(more.url) == {"verb": "ListRecords", "resumptionToken": "a|b=1&c"}
    assert more.place == "cs from 2026-06-09, page 2"


def test_an_empty_token_ends_the_list():
    assert SOURCE.parse(listing(answer(record(), token=""))).more == ()


def test_the_day_of_the_first_answer_is_kept_for_the_next_run():
    first = SOURCE.parse(listing(answer(record(), token="t")))
    later = SOURCE.parse(
        listing(
            answer(record(), answered="2026-06-11T00:10:00Z"),
            place="cs from 2026-06-09, page 2",
            query="verb=ListRecords&resumptionToken=t",
        )
    )

    assert first.cursor == '{"from": "2026-06-10"}'
    assert later.cursor is None


def test_a_token_that_leads_to_itself_ends_the_list():
    harvest = SOURCE.parse(
        listing(
            answer(record(), token="t"),
            place="cs from 2026-06-09, page 2",
            query="verb=ListRecords&resumptionToken=t",
        )
    )

    assert harvest.more == ()
    assert "circle" in harvest.problems[0].cause


def test_no_records_is_an_empty_harvest_that_moves_the_cursor_on():
    harvest = SOURCE.parse(listing(refusal("noRecordsMatch")))

    assert harvest.items == ()
    assert harvest.problems == ()
    assert harvest.cursor == '{"from": "2026-06-10"}'


def test_a_refused_token_is_reported_and_the_set_read_again_once():
    expired = listing(refusal("badResumptionToken"), place="cs from 2026-06-09, page 7")

    harvest = SOURCE.parse(expired)

    (more,) = harvest.more
    assert more.place == "cs from 2026-06-09, again"
    assert query_of(more.url)["from"] == "2026-06-09"
    assert "token was refused" in harvest.problems[0].cause
    second = listing(refusal("badResumptionToken"), place="cs from 2026-06-09, page 3, again")
    with pytest.raises(ListingUnreadable, match="badResumptionToken"):
        SOURCE.parse(second)


def test_the_second_reading_remembers_that_it_is_the_second():
    again = listing(answer(record(), token="t"), place="cs from 2026-06-09, again")

    assert SOURCE.parse(again).more[0].place == "cs from 2026-06-09, page 2, again"


# --- what is wrong --------------------------------------------------------------------------


def test_other_errors_are_refused_with_arxivs_words():
    with pytest.raises(ListingUnreadable, match="badArgument Bad set"):
        SOURCE.parse(listing(refusal("badArgument", "Bad set")))


@settings(max_examples=40)
@given(
    at=st.integers(0, 2_500),
    length=st.integers(0, 60),
    instead=st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode)),
)
def test_no_damage_breaks_it(unharmed, at, length, instead):
    whole = answer(record(), record("2606.00002", updated="2026-06-09"), token="t")

    unharmed(SOURCE, listing(whole[:at] + instead + whole[at + length :]))


# --- recorded answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("hepcrawl_ListRecords_hep-ex.xml", ["1706.05371", "1706.09418"]),
        ("hepcrawl_ListRecords_hep-th.xml", ["1412.8323"]),
        ("hepcrawl_sample_arxiv_record.xml", ["1601.03238"]),
    ],
)
def test_recorded_answers_are_read_whole(recorded, path, ids):
    harvest = SOURCE.parse(recorded(f"arxiv_oai/{path}"))

    assert [each.paper.id for each in harvest.items][: len(ids)] == [
        f"arxiv:{each}" for each in ids
    ]
    assert harvest.problems == ()


def test_a_record_in_dublin_core_is_reported(recorded):
    harvest = SOURCE.parse(recorded("arxiv_oai/pyingest_oai_ArXiv.org_hep-th_0408048.xml"))

    assert harvest.items == ()
    assert "no metadata we can read" in harvest.problems[0].cause


def test_the_listing_source_reads_a_recorded_answer_too(recorded):
    harvest = Arxiv().parse(recorded("arxiv_oai/hepcrawl_ListRecords_hep-ex.xml"))

    assert harvest.items
    assert {each.announcement.source for each in harvest.items} == {"arxiv"}
    assert harvest.cursor is None
