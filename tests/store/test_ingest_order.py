"""Whatever the order in which sources bring their records, the papers are the same."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import AnnounceType


def arxiv_item(make, number, *, doi, day, type_, version):
    """arXiv's record; some know the publisher's DOI."""
    record = make.paper(number, doi=f"10.1234/{number}" if doi else "", version=version)
    return make.item(
        record,
        type=type_,
        version=version,
        day=date(2026, 6, 10) + timedelta(days=day),
        seen_at=make.day + timedelta(days=day),
    )


def journal_item(make, number, *, named, day):
    """The publisher's record; some name the arXiv paper, others share no more than the DOI."""
    doi = f"doi:10.1234/{number}"
    record = make.paper(
        number,
        id=doi,
        doi=f"10.1234/{number}",
        title=f"The published form of study number {number}",
        identifiers=(doi, f"arxiv:2606.{number:05}") if named else (doi,),
    )
    return make.item(
        record,
        source="journal",
        feed="journal",
        day=date(2026, 6, 10) + timedelta(days=day),
        seen_at=make.day + timedelta(days=day),
        signals=(make.signal(record, value=float(day)),),
    )


@st.composite
def listings(draw, make):
    """Items of two sources about the same four papers; arXiv's list of a day has a paper once."""
    numbers, days = st.integers(1, 4), st.integers(0, 8)
    kinds = st.sampled_from(AnnounceType)
    once_a_day = st.lists(
        st.tuples(numbers, st.booleans(), days, kinds, st.integers(1, 2)),
        max_size=6,
        unique_by=lambda each: (each[0], each[2]),
    )
    from_arxiv = draw(once_a_day)
    from_journal = draw(st.lists(st.tuples(numbers, st.booleans(), days), max_size=4))
    return [
        arxiv_item(make, number, doi=doi, day=day, type_=type_, version=version)
        for number, doi, day, type_, version in from_arxiv
    ] + [journal_item(make, number, named=named, day=day) for number, named, day in from_journal]


def keys(store):
    """The identifiers of every paper, by id."""
    asked = [
        f"{kind}{number}" for number in range(1, 5) for kind in ("arxiv:2606.0000", "doi:10.1234/")
    ]
    return {paper.id: paper.identifiers for paper in store.papers.get(asked).values()}


def everything(store):
    """All that a store tells of its papers."""
    ids = list(keys(store))
    return (
        store.papers.get(ids),
        store.papers.announcements(ids),
        store.papers.signals(ids),
        store.counts(),
    )


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_order_and_grouping_of_items_do_not_change_the_papers(new_store, make, data):
    items = data.draw(listings(make))
    shuffled = data.draw(st.permutations(items))
    whole, single = new_store(), new_store()

    whole.papers.ingest(items)
    for item in shuffled:
        single.papers.ingest([item])

    assert keys(whole) == keys(single)
    assert whole.counts()["papers"] == single.counts()["papers"] == len(keys(whole))


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_ingesting_anything_twice_is_the_same_as_once(new_store, make, data):
    items = data.draw(listings(make))
    store = new_store()
    first = store.papers.ingest(items)
    before = everything(store)

    second = store.papers.ingest(items)

    assert everything(store) == before
    assert (second.papers, second.announced) == (0, 0)
    assert first.read == first.papers + first.merged == len(items)


NAMES = ("arxiv:2606.00001", "arxiv:2606.00002", "doi:10.1234/1", "doi:10.1234/2", "url:a", "url:b")


@st.composite
def tangles(draw, make):
    """Items that name each other in any way, also wrongly."""
    names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)
    days = st.integers(0, 9)
    return [
        make.item(
            make.paper(1, id=found[0], title=f"Title {number}", identifiers=tuple(found)),
            day=date(2026, 6, 10) + timedelta(days=day),
            seen_at=make.day + timedelta(days=day),
        )
        for number, (found, day) in enumerate(draw(st.lists(st.tuples(names, days), max_size=7)))
    ]


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_however_records_name_each_other_every_paper_is_found_by_all_its_names(
    new_store, make, data
):
    items = data.draw(tangles(make))
    store = new_store()

    for at in range(0, len(items), 2):
        store.papers.ingest(items[at : at + 2])

    found = store.papers.get(name for item in items for name in item.paper.identifiers)
    assert set(found) == {name for item in items for name in item.paper.identifiers}
    assert all(name in paper.identifiers for name, paper in found.items())
    assert all(paper.id in paper.identifiers for paper in found.values())
    assert store.counts()["papers"] == len({paper.id for paper in found.values()})
    again = store.papers.ingest(items)
    assert (again.papers, again.announced) == (0, 0)
    assert store.counts()["papers"] == len({paper.id for paper in found.values()})
