"""A silent category is told from a quiet one by its siblings and its past."""

from datetime import UTC, date, datetime, timedelta

from digest import freshness
from digest.model import Announcement, AnnounceType, Harvest, Item, Paper

TODAY = date(2026, 6, 10)


def harvest(day: date) -> Harvest:
    paper = Paper(id="arxiv:2606.00001", title="A paper")
    announcement = Announcement(
        paper_id=paper.id,
        source="arxiv",
        feed="cs.AI",
        day=day,
        type=AnnounceType.NEW,
        seen_at=datetime(2026, 6, 10, 4, tzinfo=UTC),
    )
    return Harvest(items=(Item(paper=paper, announcement=announcement),))


def past(count: int) -> dict[date, int]:
    return {TODAY - timedelta(days=back): count for back in range(1, 8)}


def test_a_place_with_yesterdays_list_is_behind_its_siblings():
    found = freshness.behind(
        {"cs.AI": harvest(TODAY - timedelta(days=1)), "cs.LG": harvest(TODAY), "cs.CL": Harvest()}
    )
    assert list(found) == ["cs.AI"]
    assert "2026-06-09" in found["cs.AI"]


def test_nothing_is_behind_when_all_lists_are_empty():
    assert freshness.behind({"cs.AI": Harvest(), "cs.LG": Harvest()}) == {}


def test_a_category_that_always_has_papers_and_today_has_none_is_silent():
    found = freshness.silent(
        {"cs.LG": 300}, {"cs.AI": past(240), "cs.LG": past(300)}, of=["cs.AI", "cs.LG"]
    )
    assert list(found) == ["cs.AI"]
    assert "usually about 240" in found["cs.AI"]


def test_a_list_with_most_of_its_papers_missing_is_silent_too():
    found = freshness.silent(
        {"cs.LG": 300, "cs.AI": 16}, {"cs.AI": past(239)}, of=["cs.AI", "cs.LG"]
    )
    assert list(found) == ["cs.AI"]


def test_a_small_category_may_have_nothing_to_say():
    assert freshness.silent({"cs.LG": 300}, {"cs.OH": past(2)}, of=["cs.OH", "cs.LG"]) == {}


def test_a_day_on_which_everything_is_silent_is_a_holiday_and_not_staleness():
    assert (
        freshness.silent({}, {"cs.AI": past(240), "cs.LG": past(300)}, of=["cs.AI", "cs.LG"]) == {}
    )
