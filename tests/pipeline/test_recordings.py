"""Real recorded listings through the whole of ingesting: what went wrong out there goes right here."""

import pytest

from digest.model import AnnounceType, Verdict

pytestmark = pytest.mark.slow


@pytest.fixture
def ingest(application, recordings):
    def run(source, *patterns):
        files = [file for pattern in patterns for file in sorted(recordings.glob(pattern))]
        assert files, patterns
        return {each.place: each for each in application.ingest_files(source, files)}

    return run


def test_six_days_of_four_categories_become_each_paper_once(application, ingest):
    reports = ingest("arxiv", "arxiv_rss/*.xml")
    assert sum(each.read for each in reports.values()) == 6_120
    assert application.store.counts()["papers"] == 3_391
    assert not [problem for each in reports.values() for problem in each.problems]

    again = ingest("arxiv", "arxiv_rss/*.xml")
    assert sum(each.papers + each.announced for each in again.values()) == 0
    assert application.store.counts()["papers"] == 3_391


def test_repeats_sundays_and_holidays_are_told_apart(ingest):
    reports = ingest(
        "arxiv", "arxiv_rss/2026-06-1[1-4]-cs-*.xml", "arxiv_rss_edge/weekday_holiday*.xml"
    )
    assert reports["2026-06-13-cs-ai.xml"].verdict is Verdict.UNCHANGED
    assert reports["2026-06-14-cs-ai.xml"].verdict is Verdict.HOLIDAY
    assert "day of the week" in reports["2026-06-14-cs-ai.xml"].cause
    assert "holiday" in reports["weekday_holiday_2026-07-07-cs-ai.xml"].cause


def test_an_old_list_under_a_new_date_is_stale_and_announces_nothing_again(application, ingest):
    reports = ingest("arxiv", "arxiv_rss/2026-06-1[12]-cs-lg.xml", "arxiv_rss_edge/redated_*.xml")
    assert reports["2026-06-12-cs-lg.xml"].verdict is Verdict.STALE
    assert "2026-06-11 again" in reports["2026-06-12-cs-lg.xml"].cause
    redated = reports["redated_B_fri_same310items_2026-05-09-cs-ai.xml"]
    assert (redated.verdict, redated.announced) == (Verdict.STALE, 0)


def test_a_list_dated_saturday_is_not_lost(ingest):
    reports = ingest("arxiv", "arxiv_rss_edge/redated_*.xml")
    saturday = reports["redated_C_saturday_530items_2026-05-10-cs-ai.xml"]
    assert saturday.verdict is Verdict.NEW
    assert saturday.papers > 500


def test_a_paper_missing_from_one_category_is_found_by_its_own_categories(application, ingest):
    """On 2024-04-10 the cs.AI feed repeated Tuesday's list; cs.LG carried 69 of its papers."""
    ingest("arxiv", "arxiv_rss_edge/lostday_2024-04-1*-cs-lg.xml")
    found = {
        paper.id
        for paper, _ in application.store.papers.in_categories(
            ["cs.AI"], since=application.clock().replace(year=2024, month=1), limit=1_000
        )
    }
    assert len(found) > 69


def test_announce_types_belong_to_the_feed_and_cross_lists_are_one_paper(application, ingest):
    ingest("arxiv", "arxiv_rss/2026-06-10-*.xml")
    ids = [
        paper.id
        for paper, _ in application.store.papers.in_categories(
            ["cs.LG"], since=application.clock().replace(month=1), limit=1_000
        )
    ]
    announced = application.store.papers.announcements(ids)
    mixed = [
        found
        for found in announced.values()
        if {each.type for each in found} >= {AnnounceType.NEW, AnnounceType.CROSS}
    ]
    assert len(mixed) > 100
    assert all(len({each.feed for each in found}) == len(found) for found in mixed)


def test_thousands_of_authors_and_old_style_ids_are_ordinary(application, ingest):
    ingest("arxiv", "arxiv_rss_edge/max_authors*.xml", "arxiv_rss_edge/old_style*.xml")
    found = application.store.papers.get(["arxiv:2507.06261", "arxiv:nlin/0408039"])
    assert len(found["arxiv:2507.06261"].authors) == 3_435
    assert found["arxiv:nlin/0408039"].categories


def test_hugging_face_adds_votes_to_the_papers_arxiv_announced(application, ingest):
    ingest("arxiv", "arxiv_rss/2026-06-1*.xml")
    before = application.store.counts()["papers"]
    reports = ingest("huggingface", "hf_daily_papers/api_default*.json")
    (report,) = reports.values()
    assert report.merged == 23
    assert application.store.counts()["papers"] == before + report.papers
    assert len(application.store.papers.trending(limit=100)) > 25


def test_damaged_hugging_face_files_keep_what_can_be_read(application, ingest):
    reports = ingest("huggingface", "hf_daily_papers/*.json")
    damaged = next(each for place, each in reports.items() if place.startswith("MALFORMED"))
    assert damaged.papers > 0 or damaged.problems
    assert all(each.verdict is not Verdict.FAILED for each in reports.values())
