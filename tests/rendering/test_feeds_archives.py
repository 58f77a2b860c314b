"""The documents of a feed: what is current, and an archive for every day that is over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from digest.model import Paper, Site
from digest.rendering.archives import MAX_BYTES, documents
from digest.rendering.feeds import FeedEntry, FeedInfo

SITE = Site(url="https://papers.example")
INFO = FeedInfo(slug="cs.LG", title="cs.LG")
TODAY = date(2026, 6, 11)


def entry(number: int, day: date, *, abstract: str = "Short.") -> FeedEntry:
    seen = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    paper = Paper(id=f"arxiv:2606.9{number:04}", title=f"Paper {number}", abstract=abstract)
    return FeedEntry(paper=paper, seen_at=seen, updated=seen)


def ids(body: bytes) -> list[str]:
    return [item["_digest"]["id"] for item in json.loads(body)["items"]]


def test_a_feed_has_three_formats_and_an_archive_of_each_complete_day():
    entries = [entry(3, TODAY), entry(2, date(2026, 6, 10)), entry(1, date(2026, 6, 8))]
    found = documents(INFO, entries, SITE, today=TODAY)
    assert sorted(found) == sorted(
        f"feeds/cs.LG{day}.{kind}"
        for day in ("", "/2026-06-10", "/2026-06-08")
        for kind in ("rss", "atom", "json")
    )


def test_following_the_archives_back_gives_every_entry():
    entries = [entry(n, TODAY - timedelta(days=n % 5)) for n in range(40)]
    found = documents(INFO, entries, SITE, today=TODAY, limit=3)
    url = "https://papers.example/feeds/cs.LG.json"
    read: set[str] = set()
    while url:
        body = found[url.removeprefix("https://papers.example/")]
        read.update(ids(body))
        url = json.loads(body).get("next_url", "")
    today = {each.paper.id for each in entries if each.seen_at.date() == TODAY}
    assert read >= {each.paper.id for each in entries} - today


def test_the_oldest_archive_leads_on_to_one_made_before():
    found = documents(
        INFO, [entry(1, date(2026, 6, 10))], SITE, today=TODAY, earlier=date(2026, 5, 29)
    )
    oldest = json.loads(found["feeds/cs.LG/2026-06-10.json"])
    assert oldest["next_url"] == "https://papers.example/feeds/cs.LG/2026-05-29.json"


def test_only_an_archive_that_leads_to_another_is_marked_as_one():
    entries = [entry(2, date(2026, 6, 10)), entry(1, date(2026, 6, 9))]
    found = documents(INFO, entries, SITE, today=TODAY)
    assert b"<fh:archive/>" in found["feeds/cs.LG/2026-06-10.atom"]
    assert b"<fh:archive/>" not in found["feeds/cs.LG/2026-06-09.atom"]
    assert b"<fh:archive/>" not in found["feeds/cs.LG.atom"]


def test_an_archive_stays_as_it_is_when_the_next_day_comes():
    monday = [entry(1, date(2026, 6, 8)), entry(2, date(2026, 6, 8))]
    tuesday = [entry(3, date(2026, 6, 9)), *monday]
    before = documents(INFO, monday, SITE, today=date(2026, 6, 9))
    after = documents(INFO, tuesday, SITE, today=date(2026, 6, 10))
    for kind in ("rss", "atom", "json"):
        path = f"feeds/cs.LG/2026-06-08.{kind}"
        assert before[path] == after[path]


def test_an_archive_that_is_written_is_not_made_again():
    entries = [entry(2, date(2026, 6, 10)), entry(1, date(2026, 6, 9))]
    found = documents(INFO, entries, SITE, today=TODAY, written={date(2026, 6, 9)})
    assert "feeds/cs.LG/2026-06-09.atom" not in found
    later = json.loads(found["feeds/cs.LG/2026-06-10.json"])
    assert later["next_url"].endswith("/2026-06-09.json")


def test_an_entry_has_the_same_date_in_the_current_feed_and_in_the_archive():
    day = date(2026, 6, 10)
    found = documents(INFO, [entry(n, day) for n in range(20)], SITE, today=TODAY, limit=5)
    current, archived = (
        {item["id"]: item["date_modified"] for item in json.loads(found[path])["items"]}
        for path in ("feeds/cs.LG.json", "feeds/cs.LG/2026-06-10.json")
    )
    assert len(current) == 5
    assert current.items() <= archived.items()


def test_the_current_feed_holds_the_newest_up_to_a_count_and_an_age():
    entries = [entry(n, TODAY - timedelta(days=n)) for n in range(30)]
    by_age = documents(INFO, entries, SITE, today=TODAY)["feeds/cs.LG.json"]
    by_count = documents(INFO, entries, SITE, today=TODAY, limit=4)["feeds/cs.LG.json"]
    assert ids(by_age) == [f"arxiv:2606.9{n:04}" for n in range(14)]
    assert ids(by_count) == [f"arxiv:2606.9{n:04}" for n in range(4)]


def test_a_private_feed_has_neither_archive_nor_hub():
    mine = FeedInfo(slug="mine/s_1..abc", title="Mine", private=True)
    entries = [entry(1, date(2026, 6, 9))]
    found = documents(mine, entries, SITE, today=TODAY, hub="https://hub.example/")
    assert sorted(found) == [f"feeds/mine/s_1..abc.{kind}" for kind in ("atom", "json", "rss")]
    assert not any(b"hub" in body or b"archive" in body.lower() for body in found.values())


def test_a_document_too_large_for_readers_gives_up_abstracts_not_entries():
    day = date(2026, 6, 10)
    entries = [entry(n, day, abstract="word " * 2_400) for n in range(500)]
    found = documents(INFO, entries, SITE, today=TODAY, limit=10)
    assert max(map(len, found.values())) <= MAX_BYTES
    assert len(ids(found["feeds/cs.LG/2026-06-10.json"])) == 500


def test_entries_may_come_in_any_order():
    entries = [entry(n, TODAY - timedelta(days=n)) for n in range(6)]
    shuffled = [entries[n] for n in (3, 0, 5, 1, 4, 2)]
    assert documents(INFO, shuffled, SITE, today=TODAY) == documents(
        INFO, entries, SITE, today=TODAY
    )


def test_a_revised_paper_stays_in_the_archive_of_the_day_it_was_announced():
    revised = replace(entry(1, date(2026, 6, 9)), updated=datetime(2026, 6, 11, 4, tzinfo=UTC))
    found = documents(INFO, [revised], SITE, today=TODAY)
    assert ids(found["feeds/cs.LG/2026-06-09.json"]) == ["arxiv:2606.90001"]
