from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from digest.model import AnnounceType, InterestKind, Link, LinkKind
from digest.ports import Ingested

NEW, CROSS = AnnounceType.NEW, AnnounceType.CROSS
REPLACE = AnnounceType.REPLACE


@pytest.fixture
def full(make):
    """A paper with every field filled."""
    return make.paper(
        1,
        title="Über größere Modelle",
        authors=("Ada Example", "Bo Sample"),
        categories=("cs.LG", "stat.ML"),
        version=2,
        published=datetime(2026, 6, 9, 17, 59, 59, tzinfo=UTC),
        updated=datetime(2026, 6, 10, 0, 0, 0, 250_000, tzinfo=UTC),
        doi="10.1234/example.5",
        journal_ref="J. Ex. 5 (2026)",
        comment="12 pages",
        licence="https://creativecommons.org/licenses/by/4.0/",
        links=(
            Link(kind=LinkKind.PDF, url="https://arxiv.org/pdf/2606.00001"),
            Link(kind=LinkKind.CODE, url="https://example.org/code"),
        ),
    )


def published_doi(make, number, doi, **fields):
    """The same paper as its publisher lists it: another id, another source."""
    known = make.paper(number)
    record = make.paper(
        number,
        id=f"doi:{doi}",
        doi=doi,
        title=known.title,
        url=f"https://doi.org/{doi}",
        identifiers=(f"doi:{doi}",),
        **fields,
    )
    return make.item(record, source="journal", feed="journal")


# --- keeping ----------------------------------------------------------------------------------


def test_a_paper_comes_back_as_it_was(store, make, full):
    store.papers.ingest([make.item(full)])

    found = store.papers.get([full.id])[full.id]

    assert replace(found, identifiers=()) == replace(full, identifiers=())
    assert {full.id, "doi:10.1234/example.5"} <= set(found.identifiers)


def test_a_paper_is_found_by_any_of_its_identifiers_under_the_name_asked(store, make, full):
    store.papers.ingest([make.item(full)])

    found = store.papers.get(["doi:10.1234/example.5", "arxiv:9999.00000"])

    assert {name: paper.id for name, paper in found.items()} == {"doi:10.1234/example.5": full.id}


def test_counts_say_what_is_new_and_what_was_known(store, make):
    first, second = make.item(make.paper(1)), make.item(make.paper(2))
    other_feed = make.item(make.paper(1), feed="cs.AI", type=CROSS)

    counts = store.papers.ingest([first, second, other_feed])

    assert counts == Ingested(read=3, papers=2, merged=1, announced=3)


def test_ingesting_twice_changes_nothing(store, make, full):
    items = [
        make.item(full, signals=(make.signal(full),)),
        make.item(make.paper(2), type=CROSS, feed="cs.AI"),
        published_doi(make, 1, "10.1234/example.5"),
    ]
    store.papers.ingest(items)
    before = snapshot(store, ["arxiv:2606.00001", "arxiv:2606.00002"])

    again = store.papers.ingest(items)

    assert again == Ingested(read=3, papers=0, merged=3, announced=0)
    assert snapshot(store, ["arxiv:2606.00001", "arxiv:2606.00002"]) == before


def test_an_empty_batch_is_fine(store):
    assert store.papers.ingest([]) == Ingested()


def test_a_batch_larger_than_a_transaction_is_stored_whole(store, make, monkeypatch):
    monkeypatch.setattr("digest.store.ingest.MOST_ITEMS", 3)
    items = [make.item(make.paper(number % 5)) for number in range(10)]

    counts = store.papers.ingest(items)

    assert counts == Ingested(read=10, papers=5, merged=5, announced=5)


def test_a_new_version_brings_its_text_to_readers_and_to_the_search(store, make):
    store.papers.ingest([make.item(make.paper(1, title="On the older question of zebras"))])

    store.papers.ingest(
        [make.item(make.paper(1, title="On the newer question of giraffes", version=2))]
    )

    assert [paper.version for paper, _ in store.papers.search("giraffes", limit=9)] == [2]
    assert store.papers.search("zebras", limit=9) == []


# --- identity -------------------------------------------------------------------------------


def test_an_arxiv_record_takes_over_the_id_everywhere(store, make):
    record = make.paper(
        1,
        id="doi:10.1234/example.5",
        doi="10.1234/example.5",
        identifiers=("doi:10.1234/example.5",),
    )
    store.papers.ingest([make.item(record, source="journal", signals=(make.signal(record),))])
    person = make.subscriber()
    store.subscribers.add([(person, [make.interest(record.id, InterestKind.LIKE)])])
    make.queue(store, make.digest(person, papers=[record], rest=(record.id,)))

    store.papers.ingest([make.item(make.paper(1, doi="10.1234/example.5"))])

    known = "arxiv:2606.00001"
    assert {paper.id for paper in store.papers.get([known, record.id]).values()} == {known}
    assert len(store.papers.announcements([known])[known]) == 2
    assert store.papers.signals([known])[known][0].paper_id == known
    assert store.subscribers.profiles([person.id])[0].interests[0].value == known
    assert store.ledger.digest(f"{person.id}.2026-06-10").picks[0].paper_id == known
    assert store.ledger.sent([person.id], [known]) == {person.id: frozenset({known})}
    assert store.counts()["papers"] == 1


def test_a_record_that_names_two_stored_papers_makes_them_one(store, make):
    arxiv = make.paper(1, title="Seen at arXiv under one name")
    journal = make.paper(
        2,
        id="doi:10.1234/example.5",
        doi="10.1234/example.5",
        title="Seen in a journal under another name",
        identifiers=("doi:10.1234/example.5",),
    )
    store.papers.ingest(
        [
            make.item(journal, source="journal", seen_at=make.day - timedelta(days=2)),
            make.item(arxiv),
        ]
    )
    person = make.subscriber()
    opinions = [
        make.interest(arxiv.id, InterestKind.LIKE),
        make.interest(journal.id, InterestKind.DISLIKE, added_at=make.day + timedelta(hours=1)),
    ]
    store.subscribers.add([(person, opinions)])
    make.queue(store, make.digest(person, papers=[journal]))

    counts = store.papers.ingest([make.item(replace(arxiv, doi="10.1234/example.5"))])

    assert counts == Ingested(read=1, papers=0, merged=1, announced=0)
    assert store.counts()["papers"] == 1
    assert {paper.id for paper in store.papers.get([arxiv.id, journal.id]).values()} == {arxiv.id}
    assert [each.source for each in store.papers.announcements([arxiv.id])[arxiv.id]] == [
        "journal",
        "arxiv",
    ]
    assert store.ledger.digest(f"{person.id}.2026-06-10").picks[0].paper_id == arxiv.id
    kept = store.subscribers.profiles([person.id])[0].interests
    assert [(each.kind, each.value) for each in kept] == [(InterestKind.DISLIKE, arxiv.id)]
    assert [paper.id for paper, _ in store.papers.search("name", limit=9)] == [arxiv.id]


def test_three_records_of_one_batch_that_chain_are_one_paper(store, make):
    arxiv = make.paper(1, title="A first title long enough to count")
    journal = make.paper(2, id="doi:10.1234/x", doi="10.1234/x", identifiers=("doi:10.1234/x",))
    both = replace(arxiv, doi="10.1234/x")

    counts = store.papers.ingest([make.item(each) for each in (journal, arxiv, both)])

    assert counts == Ingested(read=3, papers=1, merged=2, announced=1)
    assert set(store.papers.get(["doi:10.1234/x"])["doi:10.1234/x"].identifiers) >= {
        arxiv.id,
        "doi:10.1234/x",
    }


def test_two_arxiv_ids_stay_two_papers_even_with_one_title_and_doi(store, make):
    parts = [
        make.paper(number, title="A series of four words", authors=("Ada",), doi="10.1234/both")
        for number in (1, 2)
    ]

    store.papers.ingest([make.item(each) for each in parts])
    again = store.papers.ingest([make.item(each) for each in parts])

    assert store.counts()["papers"] == 2
    assert again.announced == 0


def from_journal(make, number, **fields):
    """A paper of a journal, by its DOI, under a title that all of them bear."""
    doi = f"10.1234/{number}"
    fields = {"doi": doi, "id": f"doi:{doi}", "identifiers": (f"doi:{doi}",)} | fields
    return make.item(
        make.paper(number, title="Highlights of this month", authors=("Ada",), **fields),
        source="journal",
        feed="journal",
    )


def test_a_title_does_not_join_what_publishers_gave_different_dois(store, make):
    months = [from_journal(make, number) for number in (1, 2)]

    for each in months:
        store.papers.ingest([each])

    assert store.counts()["papers"] == 2
    assert store.papers.ingest(months) == Ingested(read=2, papers=0, merged=2, announced=0)


@pytest.mark.parametrize("doi", ["", "10.1101/2026.06.01.5738", "10.48550/arxiv.2606.00001"])
def test_a_title_joins_a_preprint_to_what_was_published(store, make, doi):
    name = f"doi:{doi}" if doi else "url:1"
    preprint = from_journal(make, 2, id=name, doi=doi, identifiers=(name,))

    store.papers.ingest([from_journal(make, 1), preprint])

    assert store.counts()["papers"] == 1


def test_another_key_joins_different_dois(store, make):
    both = [
        from_journal(make, number, identifiers=(f"doi:10.1234/{number}", "url:1"))
        for number in (1, 2)
    ]

    store.papers.ingest(both)

    assert store.counts()["papers"] == 1


def of_series(make, number, *, days=0, source="lab", **fields):
    """An entry of a lab's feed under a title that all of them bear, so many days later."""
    name = f"url:{number}"
    defaults = {
        "id": name,
        "identifiers": (name,),
        "title": "This week in machine learning",
        "authors": ("Jane Doe",),
        "abstract": f"What happened in week {number}.",
        "published": make.day + timedelta(days=days),
    }
    about = make.paper(number, **defaults | fields)
    return make.item(about, source=source, feed=source)


@pytest.mark.parametrize("days", [1, 7])
def test_pages_of_one_listing_are_papers_of_their_own_under_one_title(store, make, days):
    week, next_week = of_series(make, 1), of_series(make, 2, days=days)

    for listing in ([next_week, week], [week, next_week], [week], [next_week]):
        store.papers.ingest(listing)

        assert store.counts()["papers"] == 2


def test_pages_days_apart_are_papers_of_their_own_under_one_title(store, make):
    weeks = [of_series(make, number, days=7 * number) for number in range(3)]

    for each in (*weeks, *reversed(weeks)):
        store.papers.ingest([each])

    found = store.papers.get(["url:0", "url:1", "url:2"])
    assert [paper.id for paper in found.values()] == ["url:0", "url:1", "url:2"]


@pytest.mark.parametrize("is_dated", [True, False])
def test_every_page_of_a_known_series_is_a_paper_when_the_first_is_listed_no_more(
    store, make, is_dated
):
    dates = {} if is_dated else {"published": None}
    days = [of_series(make, number, days=number, **dates) for number in range(10)]

    for last in range(10):
        store.papers.ingest(days[max(0, last - 2) : last + 1][::-1])

    papers = store.papers.get([f"url:{number}" for number in range(10)])
    assert [each.abstract for each in papers.values()] == [each.paper.abstract for each in days]
    assert store.papers.ingest(days) == Ingested(read=10, papers=0, merged=10, announced=0)


def test_who_lists_one_page_of_a_known_series_does_not_make_the_others_one_with_it(store, make):
    store.papers.ingest([of_series(make, 1), of_series(make, 2, days=1)])
    store.papers.ingest([of_series(make, 2, days=1, source="planet")])

    assert store.counts()["papers"] == 2


@pytest.mark.parametrize("is_dated", [True, False])
def test_a_page_that_moved_is_the_same_paper(store, make, is_dated):
    published = make.day if is_dated else None
    here, there = (of_series(make, number, published=published) for number in (1, 2))

    for each in (here, there, here):
        store.papers.ingest([each])

    assert store.counts()["papers"] == 1


@pytest.mark.parametrize("abstract", ["The same words.", ""])
def test_an_entry_that_a_listing_has_twice_is_one_paper(store, make, abstract):
    twice = [of_series(make, number, abstract=abstract) for number in (1, 2)]

    store.papers.ingest(twice)

    assert store.counts()["papers"] == 1


def test_a_title_joins_what_two_sources_say_however_late(store, make):
    store.papers.ingest([of_series(make, 1)])
    store.papers.ingest([of_series(make, 2, days=30, source="planet")])

    assert store.counts()["papers"] == 1


@pytest.mark.parametrize("name", ["arxiv:2606.00002", "doi:10.1101/2026.06.01.5738"])
def test_a_title_joins_what_has_a_name_beside_its_page(store, make, name):
    named = of_series(make, 1, days=30, identifiers=("url:1", name))

    store.papers.ingest([of_series(make, 2), named])

    assert store.counts()["papers"] == 1


# --- announcements --------------------------------------------------------------------------


def test_a_list_read_again_keeps_the_earliest_sight_the_strongest_type_the_latest_version(
    store, make
):
    later = make.day + timedelta(hours=3)
    store.papers.ingest([make.item(type=REPLACE, version=1, seen_at=later)])

    counts = store.papers.ingest(
        [
            make.item(type=CROSS, version=1, seen_at=make.day),
            make.item(type=NEW, version=2, seen_at=later),
        ]
    )

    (row,) = store.papers.announcements(["arxiv:2606.00001"])["arxiv:2606.00001"]
    assert (row.seen_at, row.type, row.version) == (make.day, NEW, 2)
    assert counts.announced == 0


@pytest.mark.parametrize("days", [-3, -1, 1, 3])
def test_a_list_served_again_under_another_date_is_the_same_list(store, make, days):
    store.papers.ingest([make.item(day=date(2026, 6, 10))])
    again = make.item(day=date(2026, 6, 10) + timedelta(days=days), seen_at=make.day)

    assert store.papers.ingest([again]).announced == 0
    assert store.papers.ingest([again]).announced == 0


@pytest.mark.parametrize("days", [-30, 4, 400])
def test_a_feed_announces_a_paper_as_new_once(store, make, days):
    store.papers.ingest([make.item()])
    again = make.item(day=date(2026, 6, 10) + timedelta(days=days), seen_at=make.day)

    assert store.papers.ingest([again]).announced == 0


@pytest.mark.parametrize("type_", [CROSS, REPLACE])
def test_a_cross_list_or_a_replacement_in_a_later_week_is_another_one(store, make, type_):
    store.papers.ingest([make.item(type=type_)])

    again = {days: make.item(type=type_, day=date(2026, 6, 10 + days)) for days in (3, 4)}

    assert store.papers.ingest([again[3]]).announced == 0
    assert store.papers.ingest([again[4]]).announced == 1


@pytest.mark.parametrize(
    "change",
    [
        {"day": date(2026, 6, 11), "type": REPLACE},
        {"day": date(2026, 6, 11), "feed": "cs.AI"},
        {"day": date(2026, 6, 11), "source": "elsewhere"},
    ],
)
def test_another_feed_or_a_replacement_is_an_announcement_of_its_own(store, make, change):
    store.papers.ingest([make.item()])

    assert store.papers.ingest([make.item(**change)]).announced == 1


def test_announced_takes_the_window_open_at_its_start_and_closed_at_its_end(store, make):
    times = {number: make.day + timedelta(hours=number) for number in (1, 2, 3)}
    store.papers.ingest([make.item(make.paper(n), seen_at=at) for n, at in times.items()])

    found = store.papers.announced(times[1], times[2])

    assert [paper.id for paper, _ in found] == ["arxiv:2606.00002"]


def test_announced_gives_a_paper_once_and_says_new_rather_than_cross(store, make):
    store.papers.ingest(
        [
            make.item(feed="cs.AI", type=CROSS, seen_at=make.day - timedelta(seconds=3)),
            make.item(feed="cs.LG", type=NEW, seen_at=make.day),
            make.item(make.paper(2), type=REPLACE),
        ]
    )

    found = store.papers.announced(make.day - timedelta(hours=1), make.day)

    assert [(paper.id, announcement.type) for paper, announcement in found] == [
        ("arxiv:2606.00001", NEW)
    ]


def test_a_feed_is_known_by_its_announcements(store, make):
    store.papers.ingest([make.item()])

    asked = [("arxiv", "cs.LG"), ("arxiv", "cs.AI"), ("journal", "cs.LG")]

    assert [store.papers.has_feed(*each) for each in asked] == [True, False, False]


def test_announcements_come_oldest_first(store, make):
    store.papers.ingest(
        [
            make.item(type=REPLACE, day=date(2026, 6, 17), seen_at=make.day + timedelta(days=7)),
            make.item(),
        ]
    )

    found = store.papers.announcements(["arxiv:2606.00001"])["arxiv:2606.00001"]

    assert [each.type for each in found] == [NEW, REPLACE]


# --- listings for readers ---------------------------------------------------------------------


def test_in_categories_goes_by_the_union_of_categories_newest_first(store, make):
    store.papers.ingest(
        [
            make.item(make.paper(1, categories=("cs.AI", "cs.LG"))),
            make.item(make.paper(2, categories=("cs.LG",)), seen_at=make.day + timedelta(hours=1)),
            make.item(make.paper(3, categories=("math.CO",))),
            make.item(make.paper(4, categories=("cs.LG",)), type=REPLACE),
        ]
    )

    found = store.papers.in_categories(["cs.LG"], since=make.day, limit=10)

    assert [paper.id for paper, _ in found] == ["arxiv:2606.00002", "arxiv:2606.00001"]


def test_an_archive_stands_for_its_categories_but_not_for_its_namesakes(store, make):
    categories = ("math.CO", "math-ph", "mathematics.X")
    store.papers.ingest(
        [make.item(make.paper(n, categories=(each,))) for n, each in enumerate(categories)]
    )

    found = store.papers.in_categories(["math"], since=make.day, limit=10)

    assert [paper.categories for paper, _ in found] == [("math.CO",)]


def test_a_paper_is_dated_by_its_first_announcement_ties_go_by_id(store, make):
    store.papers.ingest([make.item(make.paper(number)) for number in (3, 1, 2)])
    later = {"day": date(2026, 6, 20), "feed": "cs.AI", "seen_at": make.day + timedelta(days=10)}
    store.papers.ingest([make.item(make.paper(2), type=CROSS, **later)])

    found = store.papers.in_categories([], since=make.day - timedelta(days=1), limit=2)

    assert [(paper.id, announcement.seen_at) for paper, announcement in found] == [
        ("arxiv:2606.00001", make.day),
        ("arxiv:2606.00002", make.day),
    ]


@pytest.mark.parametrize("day", [9, 10])
def test_a_list_read_later_does_not_date_a_paper_anew(store, make, day):
    store.papers.ingest([make.item(feed="cs.AI", type=CROSS)])
    listed = {"source": "huggingface", "day": date(2026, 6, day)}
    store.papers.ingest([make.item(**listed, seen_at=make.day + timedelta(hours=4))])

    ((_, newest),) = store.papers.in_categories([], since=make.day, limit=1)
    ((_, first),) = store.papers.announced_on(make.day.date())

    assert newest == first
    assert (first.source, first.type, first.seen_at) == ("arxiv", CROSS, make.day)


def test_of_two_lists_read_at_once_the_one_that_has_a_paper_as_new_counts(store, make):
    store.papers.ingest([make.item(feed="cs.AI", type=CROSS), make.item(feed="cs.LG")])

    ((_, first),) = store.papers.announced_on(make.day.date())

    assert first.type is NEW


def cross_listed(store, make, **fields):
    """A paper of stat.ML that is cross-listed into cs.LG two days later."""
    store.papers.ingest([make.item(make.paper(1, categories=("stat.ML",)), feed="stat.ML")])
    later = {"day": date(2026, 6, 12), "seen_at": make.day + timedelta(days=2)}
    both = make.paper(1, categories=("stat.ML", "cs.LG"))
    store.papers.ingest([make.item(both, **{"type": CROSS} | later | fields)])
    return later["seen_at"]


def dates(found):
    return [(paper.id[-1], announced.type, announced.seen_at) for paper, announced in found]


def test_in_a_category_a_paper_is_as_old_as_its_cross_list(store, make):
    crossed = cross_listed(store, make)
    store.papers.ingest([make.item(make.paper(2), seen_at=make.day + timedelta(days=1))])

    listed = partial(store.papers.in_categories, limit=10)

    assert dates(listed(["cs.LG"], since=make.day)) == [
        ("1", CROSS, crossed),
        ("2", NEW, make.day + timedelta(days=1)),
    ]
    assert dates(listed(["cs.LG"], since=make.day, until=crossed)) == [
        ("2", NEW, make.day + timedelta(days=1))
    ]
    assert dates(listed(["cs.LG"], since=crossed)) == [("1", CROSS, crossed)]
    assert dates(listed(["cs.LG"], since=make.day)[:1]) == dates(
        store.papers.in_categories(["cs.LG"], since=make.day, limit=1)
    )
    for whole in (["stat.ML"], ["stat.ML", "cs.LG"]):
        assert dates(listed(whole, since=make.day))[-1] == ("1", NEW, make.day)
        assert "1" not in {each[0] for each in dates(listed(whole, since=crossed))}


def test_in_an_archive_a_paper_is_as_old_as_in_the_first_of_its_categories(store, make):
    cross_listed(store, make)
    third = make.paper(1, categories=("stat.ML", "cs.LG", "cs.AI"))
    later = {"day": date(2026, 6, 15), "seen_at": make.day + timedelta(days=5)}
    store.papers.ingest([make.item(third, type=CROSS, **later)])

    found = store.papers.in_categories(["cs"], since=make.day, limit=9)

    assert dates(found) == [("1", CROSS, make.day + timedelta(days=2))]
    assert store.papers.in_categories(["cs"], since=make.day + timedelta(days=3), limit=9) == []


def test_a_paper_that_came_without_categories_enters_them_with_arxivs_list(store, make):
    bare = make.paper(1, categories=())
    store.papers.ingest([make.item(bare, source="huggingface", feed="daily")])
    listed = make.day + timedelta(hours=20)
    store.papers.ingest([make.item(day=date(2026, 6, 11), seen_at=listed)])

    found = store.papers.in_categories(["cs.LG"], since=make.day, limit=9)

    assert dates(found) == [("1", NEW, listed)]
    assert dates(store.papers.in_categories([], since=make.day, limit=9)) == [("1", NEW, make.day)]


def test_a_revision_can_bring_a_category_too(store, make):
    revised = cross_listed(store, make, type=REPLACE, version=2)

    found = store.papers.in_categories(["cs.LG"], since=make.day, limit=9)

    assert dates(found) == [("1", NEW, revised)]


def test_a_list_read_again_or_read_late_brings_no_category_anew(store, make):
    crossed = cross_listed(store, make)
    both = make.paper(1, categories=("stat.ML", "cs.LG"))
    again = {"day": date(2026, 6, 20), "seen_at": make.day + timedelta(days=10)}
    store.papers.ingest([make.item(both, type=CROSS, **again)])
    early = make.paper(1, categories=("stat.ML", "cs.LG", "cs.IR"))
    store.papers.ingest([make.item(early, source="old", seen_at=make.day - timedelta(days=1))])

    since = make.day - timedelta(days=1)
    assert dates(store.papers.in_categories(["cs.LG"], since=since, limit=9))[0][2] == crossed
    assert dates(store.papers.in_categories(["cs.IR"], since=since, limit=9))[0][2] == since


def test_lists_of_two_days_stored_at_once_date_categories_like_lists_stored_in_turn(store, make):
    later = {"day": date(2026, 6, 12), "seen_at": make.day + timedelta(days=2)}
    store.papers.ingest(
        [
            make.item(make.paper(1, categories=("stat.ML",)), feed="stat.ML"),
            make.item(make.paper(1, categories=("stat.ML", "cs.LG")), type=CROSS, **later),
        ]
    )

    found = store.papers.in_categories(["cs.LG"], since=make.day, limit=9)

    assert dates(found) == [("1", CROSS, make.day + timedelta(days=2))]


def test_a_paper_enters_when_it_is_announced_and_again_with_a_later_category(store, make):
    crossed = cross_listed(store, make)

    second, first = store.papers.entered(make.day)

    assert (first.paper.categories, first.before) == (("stat.ML",), None)
    assert (first.announcement.type, first.announcement.seen_at) == (NEW, make.day)
    assert (second.paper.categories, second.before) == (("stat.ML", "cs.LG"), ("stat.ML",))
    assert (second.announcement.type, second.announcement.seen_at) == (CROSS, crossed)
    assert store.papers.entered(make.day, until=crossed) == [first]
    assert store.papers.entered(make.day, limit=1) == [second]


def test_a_later_category_follows_its_paper_to_another_id(store, make):
    record = make.paper(
        1, id="doi:10.1/x", doi="10.1/x", categories=(), identifiers=("doi:10.1/x",)
    )
    store.papers.ingest([make.item(record, source="journal")])
    later = {"day": date(2026, 6, 12), "seen_at": make.day + timedelta(days=2)}
    store.papers.ingest([make.item(replace(record, categories=("cs.LG",)), source="j2", **later)])
    store.papers.ingest([make.item(make.paper(1, doi="10.1/x"), **later)])

    found = store.papers.in_categories(["cs.LG"], since=make.day, limit=9)

    assert dates(found) == [("1", NEW, make.day + timedelta(days=2))]


def test_categories_are_counted_once_a_paper(store, make):
    store.papers.ingest(
        [
            make.item(make.paper(1, categories=("cs.AI", "cs.LG"))),
            make.item(make.paper(1, categories=("cs.AI", "cs.LG")), feed="cs.AI", type=CROSS),
            make.item(make.paper(2, categories=("cs.LG",))),
        ]
    )

    assert store.papers.categories(make.day) == {"cs.AI": 1, "cs.LG": 2}
    assert store.papers.categories(make.day + timedelta(hours=1)) == {}


def test_every_category_of_a_stored_paper_is_known_once(store, make):
    assert store.papers.known_categories() == []
    store.papers.ingest(
        [
            make.item(make.paper(1, categories=("cs.LG", "biorxiv:cell biology"))),
            make.item(make.paper(2, categories=("cs.LG",))),
        ]
    )

    assert store.papers.known_categories() == ["biorxiv:cell biology", "cs.LG"]


def test_daily_counts_tell_categories_and_list_days_apart(store, make):
    before, after = date(2026, 6, 9), date(2026, 6, 11)
    store.papers.ingest(
        [
            make.item(make.paper(1, categories=("cs.AI", "cs.LG")), day=before),
            make.item(make.paper(2, categories=("cs.LG",)), day=before),
            make.item(make.paper(3, categories=("cs.LG",)), day=date(2026, 6, 10)),
            make.item(make.paper(4, categories=("cs.LG",)), day=after),
            make.item(make.paper(5, categories=("cs.LG",)), day=before, type=REPLACE),
        ]
    )

    counts = store.papers.daily_counts(["cs.LG"], since=make.day, before=after)

    assert counts == {"cs.LG": {before: 2, date(2026, 6, 10): 1}}


# --- signals and trending -----------------------------------------------------------------------


def test_the_latest_signal_stays(store, make):
    for value, hours in ((10.0, 0), (30.0, 2), (20.0, 1)):
        at = make.day + timedelta(hours=hours)
        store.papers.ingest([make.item(signals=(make.signal(value=value, by="ada", seen_at=at),))])

    (found,) = store.papers.signals(["arxiv:2606.00001"])["arxiv:2606.00001"]

    assert (found.value, found.by, found.seen_at) == (30.0, "ada", make.day + timedelta(hours=2))
    assert store.papers.signalled(make.day + timedelta(hours=2)) == [found]
    assert store.papers.signalled(make.day + timedelta(hours=3)) == []


def test_trending_scores_are_replaced_as_a_whole(store, make):
    store.papers.ingest([make.item(make.paper(number)) for number in (1, 2, 3)])
    store.papers.set_trending({"arxiv:2606.00001": 1.0, "arxiv:2606.00002": 2.0})
    store.papers.set_trending({"arxiv:2606.00002": 2.5, "arxiv:2606.00003": 3.0, "no:such": 9.0})

    assert list(store.papers.trending().items()) == [
        ("arxiv:2606.00003", 3.0),
        ("arxiv:2606.00002", 2.5),
    ]
    assert store.papers.trending(limit=1) == {"arxiv:2606.00003": 3.0}
    assert store.papers.trending(["arxiv:2606.00001", "arxiv:2606.00002"]) == {
        "arxiv:2606.00002": 2.5
    }


def snapshot(store, ids):
    """All that the store tells of these papers."""
    return (
        store.papers.get(ids),
        store.papers.announcements(ids),
        store.papers.signals(ids),
        store.counts(),
    )


def test_a_list_under_another_name_is_no_news_to_who_had_its_papers_that_day(store, make):
    first, wider = make.item(), make.item()
    wider = replace(
        wider,
        announcement=replace(
            wider.announcement,
            feed=f"{wider.announcement.feed}+math.CO",
            seen_at=wider.announcement.seen_at + timedelta(hours=5),
        ),
    )
    store.papers.ingest([first])
    store.papers.ingest([wider])
    told = store.papers.announcements([first.paper.id])[first.paper.id]
    assert {each.feed for each in told} == {first.announcement.feed, wider.announcement.feed}
    assert {each.seen_at for each in told} == {first.announcement.seen_at}
