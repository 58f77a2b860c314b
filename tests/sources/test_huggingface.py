from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import ListingUnreadable
from digest.model import AnnounceType, Link, LinkKind, Listing
from digest.sources.huggingface import HuggingFace

SOURCE = HuggingFace()
FETCHED = datetime(2026, 6, 10, 9, tzinfo=UTC)
URL = "https://huggingface.co/api/daily_papers?date=2026-06-10"


def record(ident: str = "2606.00001", *, drop: tuple[str, ...] = (), **paper: object) -> dict:
    whole = {
        "id": ident,
        "authors": [{"_id": "1", "name": "Ada Example", "hidden": False}],
        "publishedAt": "2026-06-08T17:00:00.000Z",
        "submittedOnDailyAt": "2026-06-10T00:00:00.000Z",
        "submittedOnDailyBy": {"fullname": "Cy Curator", "user": "cy", "name": "cy"},
        "title": "Counting\n  sheep",
        "summary": "We count\nsheep.",
        "upvotes": 12,
        "githubStars": 3,
        "ai_summary": "Sheep are counted.",
        "ai_keywords": ["sheep"],
    } | paper
    return {
        "paper": {key: value for key, value in whole.items() if key not in drop},
        "publishedAt": "2026-06-08T20:00:00.000Z",
        "title": "Counting sheep",
        "numComments": 2,
        "submittedBy": {"fullname": "Di Outer"},
    }


def listing(
    content: object,
    *,
    url: str = URL,
    place: str = "2026-06-10",
    fetched_at: datetime | None = FETCHED,
) -> Listing:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Listing(source="huggingface", url=url, body=body, place=place, fetched_at=fetched_at)


def only_item(content: dict, **options):
    (read,) = SOURCE.parse(listing([content], **options)).items
    return read


# --- what it asks for -----------------------------------------------------------------------


def test_today_and_yesterday_are_polled(now):
    requests = SOURCE.requests(None, now)

    assert [each.url for each in requests] == [
        "https://huggingface.co/api/daily_papers?date=2026-06-10",
        "https://huggingface.co/api/daily_papers?date=2026-06-09",
    ]
    assert [each.place for each in requests] == ["2026-06-10", "2026-06-09"]
    assert all(each.poll for each in requests)


@pytest.mark.parametrize(
    ("day", "places"),
    [(13, ["2026-06-12"]), (14, []), (15, ["2026-06-15"]), (16, ["2026-06-16", "2026-06-15"])],
)
def test_weekends_have_no_list(day, places):
    requests = SOURCE.requests(None, datetime(2026, 6, day, 12, tzinfo=UTC))

    assert [each.place for each in requests] == places


def test_a_full_page_leads_to_the_next_one():
    full = [record(f"2606.{at:05}") for at in range(50)]

    (more,) = SOURCE.parse(listing(full)).more

    assert more.url == f"{URL}&p=1"
    assert more.place == "2026-06-10, page 2"


def test_pages_end_with_one_that_is_not_full_or_after_the_fourth():
    full = [record(f"2606.{at:05}") for at in range(50)]

    assert SOURCE.parse(listing(full[:49])).more == ()
    assert SOURCE.parse(listing(full, place="2026-06-10, page 3")).more[0].url == f"{URL}&p=3"
    assert SOURCE.parse(listing(full, place="2026-06-10, page 4")).more == ()


def test_a_recorded_list_has_no_further_pages():
    full = [record(f"2606.{at:05}") for at in range(50)]

    assert SOURCE.parse(listing(full, place="2026-06-10.json", fetched_at=None)).more == ()


# --- what it reads --------------------------------------------------------------------------


def test_a_record_becomes_a_paper_of_arxiv():
    read = only_item(record())

    paper = read.paper
    assert paper.id == "arxiv:2606.00001"
    assert paper.title == "Counting sheep"
    assert paper.abstract == "We count sheep."
    assert paper.authors == ("Ada Example",)
    assert paper.categories == ()
    assert paper.published == datetime(2026, 6, 8, 17, tzinfo=UTC)
    assert paper.url == "https://arxiv.org/abs/2606.00001"
    announcement = read.announcement
    assert announcement.source == "huggingface"
    assert announcement.feed == "daily"
    assert announcement.day == date(2026, 6, 10)
    assert announcement.type is AnnounceType.NEW
    assert announcement.seen_at == FETCHED


def test_votes_comments_and_stars_are_signals_by_the_submitter():
    signals = only_item(record()).signals

    assert [(each.kind, each.value) for each in signals] == [
        ("upvotes", 12.0), ("comments", 2.0), ("stars", 3.0)
    ]  # fmt: skip
    assert {each.by for each in signals} == {"Cy Curator"}
    assert {each.seen_at for each in signals} == {FETCHED}


def test_the_submitter_of_older_records_stands_outside():
    signals = only_item(record(drop=("submittedOnDailyBy",))).signals

    assert {each.by for each in signals} == {"Di Outer"}


@pytest.mark.parametrize("wrong", [True, -1, "12", None, float("nan"), float("inf"), 10**400, [1]])
def test_a_count_that_is_none_gives_no_signal(wrong):
    signals = only_item(record(upvotes=wrong)).signals

    assert [each.kind for each in signals] == ["comments", "stars"]


def test_the_submitters_links_are_kept_if_they_are_safe():
    read = only_item(
        record(githubRepo="https://github.com/example/sheep", projectPage="javascript:alert(1)")
    )

    assert read.paper.links[2:] == (
        Link(kind=LinkKind.CODE, url="https://github.com/example/sheep"),
        Link(kind=LinkKind.DISCUSSION, url="https://huggingface.co/papers/2606.00001"),
    )


def test_a_link_that_the_abstract_repeats_keeps_its_place():
    repo = "https://github.com/example/sheep"
    links = only_item(record(githubRepo=repo, summary=f"See {repo}.")).paper.links

    assert [each.kind for each in links[2:]] == [LinkKind.CODE, LinkKind.DISCUSSION]


def test_words_of_a_machine_are_not_kept():
    assert "Sheep are counted" not in str(only_item(record()))


def test_a_hidden_author_is_an_author_and_one_without_a_name_is_not():
    authors = [{"name": "Ada Example", "hidden": True}, {"hidden": True}, {"name": ""}, "x"]

    assert only_item(record(authors=authors)).paper.authors == ("Ada Example",)


# --- days and times -------------------------------------------------------------------------


def test_a_record_that_does_not_say_is_of_the_list_that_was_asked_for():
    read = only_item(record(drop=("submittedOnDailyAt",)))

    assert read.announcement.day == date(2026, 6, 10)


def test_where_nothing_else_is_known_the_day_is_that_of_its_publication_there():
    read = only_item(record(drop=("submittedOnDailyAt",)), url="file:x", place="", fetched_at=None)

    assert read.announcement.day == date(2026, 6, 8)
    assert read.announcement.seen_at == datetime(2026, 6, 8, 20, tzinfo=UTC)


def test_a_recorded_list_was_seen_when_its_papers_were_submitted():
    read = only_item(record(), fetched_at=None)

    assert read.announcement.seen_at == datetime(2026, 6, 10, tzinfo=UTC)


def test_a_recorded_record_without_any_date_is_a_problem():
    bare = {"paper": {"id": "2606.00001", "title": "Sheep"}}

    harvest = SOURCE.parse(listing([bare], url="file:x", place="", fetched_at=None))

    assert harvest.items == ()
    assert "no date" in harvest.problems[0].cause


# --- what is wrong --------------------------------------------------------------------------


def test_records_kept_as_python_text_are_read_back():
    harvest = SOURCE.parse(listing([repr(record()), repr(record("2606.00002"))]))

    assert [each.paper.id for each in harvest.items] == ["arxiv:2606.00001", "arxiv:2606.00002"]
    assert harvest.problems == ()


def test_a_list_inside_a_recorders_envelope_is_read():
    harvest = SOURCE.parse(listing({"status": "success", "data": [repr(record())]}))

    assert len(harvest.items) == 1


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (7, "not a record"),
        ("rubbish", "not a record"),
        ("{'paper': {__import__('os')}}", "not a record"),
        ("{[]: 1}", "not a record"),
        ("{" + "[" * 5_000, "not a record"),
        ("{" + " " * 200_000 + "}", "not a record"),
        ({}, "a record without a paper"),
        ({"paper": {"id": "x"}}, "a paper without an arXiv id"),
        ({"paper": {"id": "2606.00009"}}, "paper 2606.00009 has no title"),
        ({"paper": {"id": "2606.00009", "title": "\u200b"}}, "paper 2606.00009 has no title"),
    ],
)
def test_a_bad_record_is_a_problem_and_the_others_are_kept(bad, cause):
    harvest = SOURCE.parse(listing([bad, record()]))

    assert [each.paper.id for each in harvest.items] == ["arxiv:2606.00001"]
    assert [(each.place, each.cause) for each in harvest.problems] == [("record 1", cause)]


def test_an_error_is_refused_with_its_own_words():
    with pytest.raises(ListingUnreadable, match="Hugging Face says: Invalid date"):
        SOURCE.parse(listing({"error": "Invalid\n date"}))


def test_an_empty_list_is_no_fault():
    harvest = SOURCE.parse(listing([]))

    assert harvest.items == ()
    assert harvest.problems == ()


@settings(max_examples=40)
@given(
    field=st.sampled_from([*record()["paper"], "githubRepo", "projectPage"]),
    outer=st.sampled_from([*record()]),
    data=st.data(),
    fetched=st.booleans(),
)
def test_no_value_in_any_field_breaks_it(unharmed, any_json, field, outer, data, fetched):
    value = data.draw(any_json)
    contents = [record(**({} if field == "id" else {field: value})), record() | {outer: value}]

    unharmed(SOURCE, listing(contents, fetched_at=FETCHED if fetched else None))


# --- recorded answers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "count", "first", "day"),
    [
        ("2024-05-27.json", 13, "2405.15738", date(2024, 5, 27)),
        ("2024-06-13.json", 21, "2406.06523", date(2024, 6, 13)),
        ("2025-09-30.json", 50, "2509.24006", date(2025, 9, 30)),
        ("2026-08-21.json", 17, "2608.19880", date(2026, 8, 21)),
        ("api_default_30items_2026-06-12_sotawhat.json", 30, "2606.00467", date(2026, 6, 12)),
        (
            "MALFORMED_list_of_python_repr_strings_2024-12-11.json",
            26,
            "2412.07730",
            date(2024, 12, 11),
        ),
    ],
)
def test_recorded_answers_of_every_schema_are_read_whole(recorded, path, count, first, day):
    harvest = SOURCE.parse(recorded(f"hf_daily_papers/{path}"))

    assert harvest.problems == ()
    assert len(harvest.items) == count
    assert harvest.items[0].paper.id == f"arxiv:{first}"
    assert {each.announcement.day for each in harvest.items} == {day}
    assert all("upvotes" in {signal.kind for signal in each.signals} for each in harvest.items)
