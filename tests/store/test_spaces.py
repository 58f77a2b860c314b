"""The learned space, and vectors of papers in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from digest.model import AnnounceType, InterestKind, Profile

LSA, MODEL = "lsa:01", "embedder:small"


@pytest.fixture
def papers(store, make):
    """Five stored papers; the third is of the day before, the last was only ever revised."""
    items = [make.item(make.paper(number)) for number in (1, 2, 4)]
    items.append(
        make.item(make.paper(3), day=date(2026, 6, 9), seen_at=make.day - timedelta(days=1))
    )
    items.append(make.item(make.paper(5), type=AnnounceType.REPLACE))
    store.papers.ingest(items)
    stored = store.papers.get(make.paper(number).id for number in range(1, 6))
    return dict(enumerate(stored.values(), start=1))


def ids(papers):
    return [int(each.id[-5:]) for each in papers]


# --- the space ------------------------------------------------------------------------------------


def test_there_is_no_space_before_one_is_kept(store):
    assert store.spaces.name() == ""
    assert store.spaces.load() is None
    assert store.spaces.learned() is None
    assert store.spaces.size() == 0


def test_the_space_that_is_kept_says_what_it_was_learned_from(store, papers, make):
    store.spaces.keep(LSA, b"axes", make.day, papers=4, dimensions=3)

    learned = store.spaces.learned()
    assert (store.spaces.name(), store.spaces.load()) == (LSA, b"axes")
    assert (learned.name, learned.papers, learned.dimensions) == (LSA, 4, 3)
    assert (learned.archive, learned.at) == (5, make.day)
    assert store.spaces.size() == 5


def test_another_space_takes_the_place_of_the_last_and_of_its_vectors(
    store, papers, make, monkeypatch
):
    monkeypatch.setattr("digest.store.spaces.MOST_ROWS", 2)
    every = [each.id for each in papers.values()]
    store.spaces.keep(LSA, b"axes", make.day)
    for name in (LSA, MODEL, "lsa:02"):
        store.spaces.put(name, dict.fromkeys(every, name.encode()))

    store.spaces.keep("lsa:02", b"others", make.day)

    assert (store.spaces.name(), store.spaces.load()) == ("lsa:02", b"others")
    assert store.spaces.vectors(LSA, every) == {}
    assert store.spaces.vectors("lsa:02", every) == dict.fromkeys(every, b"lsa:02")
    assert store.spaces.vectors(MODEL, every) == dict.fromkeys(every, MODEL.encode())


def test_the_token_follows_the_space_that_is_kept_and_its_vectors_alone(store, papers, make):
    tokens = [store.spaces.changed()]

    def is_another():
        tokens.append(store.spaces.changed())
        return tokens[-1] not in tokens[:-1]

    store.spaces.put("lsa:next", {papers[1].id: b"one"})
    store.spaces.put(MODEL, {papers[1].id: b"one"})
    assert not is_another(), "those are not asked for yet"
    store.spaces.keep("lsa:next", b"axes", make.day)
    assert is_another()
    assert store.spaces.changed() == tokens[-1]
    store.spaces.put("lsa:next", {papers[2].id: b"two"})
    assert is_another()
    store.spaces.put(MODEL, {papers[2].id: b"two"})
    assert store.spaces.changed() == tokens[-1]


# --- vectors --------------------------------------------------------------------------------------


def test_vectors_are_kept_by_space_and_replaced(store, papers):
    one, two = papers[1].id, papers[2].id
    store.spaces.put(LSA, {one: b"old", two: b"two"})
    store.spaces.put(LSA, {one: b"new"})
    store.spaces.put(MODEL, {one: b"of the model"})

    assert store.spaces.vectors(LSA, [one, two, papers[3].id]) == {one: b"new", two: b"two"}
    assert store.spaces.vectors(MODEL, [one, two]) == {one: b"of the model"}


def test_vectors_of_papers_that_are_gone_are_passed_over(store, papers):
    store.spaces.put(LSA, {"arxiv:gone": b"?", papers[1].id: b"here"})

    assert list(store.spaces.newest(LSA, limit=9)) == [(papers[1].id, b"here")]


@pytest.mark.parametrize("block", [2, 1_000])
def test_the_newest_vectors_come_first_by_the_day_of_first_news(store, papers, monkeypatch, block):
    monkeypatch.setattr("digest.store.spaces.BLOCK", block)
    store.spaces.put(LSA, {papers[number].id: b"%d" % number for number in (5, 3, 2, 1)})

    found = [vector for _, vector in store.spaces.newest(LSA, limit=9)]

    assert found == [b"2", b"1", b"3", b"5"]
    assert [vector for _, vector in store.spaces.newest(LSA, limit=3)] == found[:3]


def test_papers_without_a_vector_are_found_newest_first(store, papers):
    store.spaces.put(LSA, {papers[4].id: b"four"})

    assert ids(store.spaces.lacking(LSA, limit=9)) == [2, 1, 3, 5]
    assert ids(store.spaces.lacking(LSA, limit=2)) == [2, 1]
    assert ids(store.spaces.lacking(LSA, limit=9, among=3)) == [2, 1]
    assert ids(store.spaces.lacking(MODEL, limit=9)) == [4, 2, 1, 3, 5]
    assert store.spaces.lacking(LSA, limit=1) == [papers[2]]


def test_how_many_papers_wait_for_a_vector_is_counted(store, papers):
    store.spaces.put(LSA, {papers[4].id: b"four"})

    assert store.spaces.waiting(LSA, among=9) == (4, 5)
    assert store.spaces.waiting(LSA, among=3) == (2, 3)
    assert store.spaces.waiting(MODEL, among=9) == (5, 5)


def test_a_paper_whose_text_changes_lacks_its_vectors_again(store, papers, make):
    store.spaces.put(LSA, {papers[number].id: b"here" for number in (1, 2)})
    revised = replace(papers[1], abstract="We say it differently, at some more length.", version=2)
    moved = replace(papers[2], comment="Accepted.", categories=("cs.LG", "cs.IR"), version=2)

    store.papers.ingest(
        [make.item(each, type=AnnounceType.REPLACE, version=2) for each in (revised, moved)]
    )

    assert store.spaces.vectors(LSA, [revised.id, moved.id]) == {moved.id: b"here"}


def test_vectors_follow_a_paper_to_another_id_and_go_with_one_that_is_joined(store, make):
    preprint = make.paper(1, id="doi:10.1000/1", identifiers=("doi:10.1000/1",))
    store.papers.ingest([make.item(preprint)])
    store.spaces.put(LSA, {preprint.id: b"here"})
    both = make.paper(
        1, title=preprint.title, identifiers=("arxiv:2606.00001", "doi:10.1000/1"), doi="10.1000/1"
    )

    store.papers.ingest([make.item(both)])

    (stored,) = set(store.papers.get(["doi:10.1000/1", "arxiv:2606.00001"]).values())
    assert stored.id != preprint.id, "the paper has got a new id"
    assert list(store.spaces.newest(LSA, limit=9)) == [(stored.id, b"here")]


def test_vectors_of_pruned_papers_go_with_them(store, papers, make):
    store.spaces.put(LSA, {each.id: b"here" for each in papers.values()})

    make.prune(store, papers_before=date(2026, 6, 10))

    left = [paper_id for paper_id, _ in store.spaces.newest(LSA, limit=9)]
    assert sorted(left) == [papers[number].id for number in (1, 2, 4, 5)]


# --- what is learned from -------------------------------------------------------------------------


@pytest.mark.parametrize("block", [2, 1_000])
def test_the_archive_is_read_newest_first(store, papers, monkeypatch, block):
    monkeypatch.setattr("digest.store.spaces.BLOCK", block)

    assert ids(store.spaces.archive(limit=9)) == [4, 2, 1, 3, 5]
    assert ids(store.spaces.archive(limit=3)) == [4, 2, 1]
    assert next(store.spaces.archive(limit=1)) == papers[4]


def test_others_may_write_while_the_archive_is_read(store, papers, make, monkeypatch):
    monkeypatch.setattr("digest.store.spaces.BLOCK", 2)
    reading = store.spaces.archive(limit=9)
    first = next(reading)

    make.prune(store, papers_before=date(2026, 6, 10))
    store.papers.ingest([make.item(make.paper(6))])

    assert ids([first, *reading]) == [4, 2, 1, 5]


# --- tastes ---------------------------------------------------------------------------------------

MINE, THEIRS = "lsa:01/a", "lsa:02/a"


@pytest.fixture
def readers(store, papers, make):
    """Two who like a paper each, with what is kept of both under two names."""
    profiles = []
    for number in (1, 2):
        like = make.interest(papers[number].id, InterestKind.LIKE)
        person = make.subscriber(number)
        store.subscribers.add([(person, [like])])
        profiles.append(Profile(subscriber_id=person.id, interests=(like,)))
    made = {each.subscriber_id: (b"liking", b"disliking") for each in profiles}
    for name in (MINE, THEIRS):
        store.spaces.keep_tastes(name, made, profiles)
    return [each.subscriber_id for each in profiles]


def test_tastes_are_kept_by_reader_and_name(store, readers):
    kept = (b"liking", b"disliking")

    assert store.spaces.tastes(MINE, readers) == dict.fromkeys(readers, kept)
    assert store.spaces.tastes(MINE, readers[:1]) == {readers[0]: kept}
    assert store.spaces.tastes("lsa:03/a", readers) == {}


def test_a_taste_is_forgotten_with_the_next_word(store, readers, papers, make):
    dislike = make.interest(papers[3].id, InterestKind.DISLIKE)

    store.subscribers.add_interests(readers[0], [dislike])

    assert store.spaces.tastes(MINE, readers).keys() == {readers[1]}


@pytest.mark.parametrize("change", ["another like", "a stronger like"])
def test_a_taste_of_opinions_that_have_changed_since_is_not_kept(
    store, readers, papers, make, change
):
    before = store.subscribers.profiles(readers[:1])
    (like,) = before[0].interests
    another = make.interest(papers[3].id, InterestKind.LIKE)
    changed = another if change == "another like" else replace(like, weight=1.5)
    store.subscribers.add_interests(readers[0], [changed])

    store.spaces.keep_tastes(MINE, {readers[0]: (b"old", b"")}, before)

    assert store.spaces.tastes(MINE, readers[:1]) == {}


def test_tastes_under_other_names_are_forgotten(store, readers, monkeypatch):
    monkeypatch.setattr("digest.store.pruning.MOST_ROWS", 1)

    assert store.spaces.forget_tastes([MINE]) == 2
    assert store.spaces.forget_tastes([MINE]) == 0

    assert store.spaces.tastes(THEIRS, readers) == {}
    assert store.spaces.tastes(MINE, readers).keys() == set(readers)

    assert store.spaces.forget_tastes([]) == 2
