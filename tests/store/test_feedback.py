from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import NotFound
from digest.model import FeedbackKind, InterestKind

LIKE, DISLIKE, KNOWN = InterestKind.LIKE, InterestKind.DISLIKE, InterestKind.KNOWN
TOPIC, MUTE_TOPIC = InterestKind.TOPIC, InterestKind.MUTE_TOPIC


@pytest.fixture
def person(store, make):
    """A reader who follows a topic, in a store with three papers."""
    store.papers.ingest([make.item(make.paper(number)) for number in (1, 2, 3)])
    person = make.subscriber()
    store.subscribers.add([(person, [make.interest("cs.LG")])])
    return person


def profile(store, person):
    """What stands in the profile, as (kind, value, weight)."""
    (found,) = store.subscribers.profiles([person.id])
    return {(each.kind, each.value, each.weight) for each in found.interests}


FOLLOWS = (TOPIC, "cs.LG", 1.0)


def test_feedback_comes_back_as_it_was_said(store, make, person):
    paper = make.paper(1)
    said = make.feedback(
        about=paper,
        value="cs.LG",
        edition="2026-06-10",
        rank=3,
        reason="in cs.LG",
        added=(make.interest(paper.id, LIKE, weight=1.5),),
    )

    store.feedback.add(said)

    assert store.feedback.get(said.id) == said
    assert store.feedback.get("f_unknown") is None
    assert profile(store, person) == {FOLLOWS, (LIKE, paper.id, 1.5)}


def test_the_same_feedback_twice_changes_nothing(store, make, person):
    paper = make.paper(1)
    said = make.feedback(about=paper, added=(make.interest(paper.id, LIKE),))
    store.feedback.add(said)
    store.subscribers.add_interests(person.id, [make.interest(paper.id, LIKE, weight=4.0)])

    store.feedback.add(said)

    assert profile(store, person) == {FOLLOWS, (LIKE, paper.id, 4.0)}
    assert len(store.feedback.of(person.id)) == 1


def test_feedback_of_a_stranger_is_refused_and_leaves_nothing(store, make):
    with pytest.raises(NotFound):
        store.feedback.add(make.feedback(added=(make.interest("cs.LG"),)))

    assert store.feedback.get("f_1") is None


def test_what_really_stood_there_is_what_comes_back(store, make, person):
    paper = make.paper(1)
    store.subscribers.add_interests(person.id, [make.interest(paper.id, DISLIKE, weight=2.0)])
    # Whoever made this read the profile before the dislike was there.
    store.feedback.add(make.feedback(about=paper, added=(make.interest(paper.id, LIKE),)))
    assert profile(store, person) == {FOLLOWS, (LIKE, paper.id, 1.0)}

    undone = store.feedback.undo("f_1", make.day)

    assert [each.kind for each in undone.replaced] == [DISLIKE]
    assert profile(store, person) == {FOLLOWS, (DISLIKE, paper.id, 2.0)}


def test_a_hidden_topic_is_followed_again_when_undone(store, make, person):
    followed = make.interest("cs.LG")
    hides = make.feedback(
        kind=FeedbackKind.HIDE_TOPIC,
        value="cs.LG",
        added=(make.interest("cs.LG", MUTE_TOPIC),),
        replaced=(followed,),
    )
    store.feedback.add(hides)
    assert profile(store, person) == {(MUTE_TOPIC, "cs.LG", 1.0)}

    store.feedback.undo(hides.id, make.day)

    assert profile(store, person) == {FOLLOWS}
    assert store.subscribers.profiles([person.id])[0].interests == (followed,)


def test_known_stands_beside_an_opinion(store, make, person):
    paper = make.paper(1)
    store.feedback.add(make.feedback(1, about=paper, added=(make.interest(paper.id, LIKE),)))
    store.feedback.add(make.feedback(2, about=paper, added=(make.interest(paper.id, KNOWN),)))
    assert profile(store, person) == {FOLLOWS, (LIKE, paper.id, 1.0), (KNOWN, paper.id, 1.0)}

    store.feedback.undo("f_1", make.day)

    assert profile(store, person) == {FOLLOWS, (KNOWN, paper.id, 1.0)}


def test_undoing_happens_once_and_only_to_what_was_said(store, make, person):
    store.feedback.add(make.feedback())
    later = make.day + timedelta(days=1)

    assert store.feedback.undo("f_1", later).undone_at == later
    assert store.feedback.undo("f_1", later) is None
    assert store.feedback.undo("f_unknown", later) is None


# --- undoing out of order -------------------------------------------------------------------------


def saves_after_liking(store, make):
    """ "More like this", then "save", of one paper."""
    paper = make.paper(1)
    store.feedback.add(make.feedback(1, about=paper, added=(make.interest(paper.id, LIKE),)))
    store.feedback.add(
        make.feedback(
            2,
            about=paper,
            kind=FeedbackKind.SAVE,
            added=(make.interest(paper.id, LIKE, weight=1.5),),
        )
    )
    return paper


@pytest.mark.parametrize(("order", "weight"), [(("f_1", "f_2"), 1.5), (("f_2", "f_1"), 1.0)])
def test_undoing_one_of_two_leaves_what_the_other_put_there(store, make, person, order, weight):
    paper = saves_after_liking(store, make)

    store.feedback.undo(order[0], make.day)
    assert profile(store, person) == {FOLLOWS, (LIKE, paper.id, weight)}

    store.feedback.undo(order[1], make.day)
    assert profile(store, person) == {FOLLOWS}


def test_what_stands_is_settled_by_the_statements_on_it_newest_first(store, make, person):
    paper = saves_after_liking(store, make)
    store.feedback.add(make.feedback(3, about=paper, added=(make.interest(paper.id, KNOWN),)))
    heard = []

    def settled(interest, standing):
        heard.append((interest.kind, [each.id for each in standing]))
        return replace(interest, weight=3.0)

    store.feedback.undo("f_2", make.day, settled=settled)

    assert heard == [(LIKE, ["f_1"])]
    assert profile(store, person) == {FOLLOWS, (LIKE, paper.id, 3.0), (KNOWN, paper.id, 1.0)}


def test_an_undo_that_breaks_off_while_it_settles_has_not_happened(store, make, person):
    paper = saves_after_liking(store, make)

    def settled(_interest, _standing):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        store.feedback.undo("f_2", make.day, settled=settled)

    assert store.feedback.get("f_2").undone_at is None
    assert profile(store, person) == {FOLLOWS, (LIKE, paper.id, 1.5)}


def test_an_opinion_that_the_reader_changed_by_hand_stays(store, make, person):
    paper = make.paper(1)
    store.feedback.add(make.feedback(about=paper, added=(make.interest(paper.id, LIKE),)))
    store.subscribers.add_interests(person.id, [make.interest(paper.id, DISLIKE)])

    store.feedback.undo("f_1", make.day)

    assert profile(store, person) == {FOLLOWS, (DISLIKE, paper.id, 1.0)}


@given(
    weights=st.lists(st.sampled_from([-1.0, 0.5, 1.0, 1.5]), min_size=1, max_size=6),
    order=st.randoms(use_true_random=False),
    begins=st.sampled_from([None, -2.0, 2.0]),
)
def test_undone_in_any_order_the_profile_is_what_the_standing_ones_make_it(
    new_store_once, make, weights, order, begins
):
    store, paper = new_store_once, make.paper(1)
    person = make.subscriber(1 + store.counts()["subscribers"])

    def opinion(weight):
        return make.interest(paper.id, DISLIKE if weight < 0 else LIKE, weight=abs(weight))

    start = [] if begins is None else [opinion(begins)]
    store.subscribers.add([(person, start)])
    standing = dict(enumerate(weights))
    for number, weight in standing.items():
        said = make.feedback(number, person=person, about=paper, added=(opinion(weight),))
        store.feedback.add(replace(said, id=f"{person.id}.{number}"))

    for number in order.sample(list(standing), len(standing)):
        del standing[number]
        store.feedback.undo(f"{person.id}.{number}", make.day)

        expected = [opinion(list(standing.values())[-1])] if standing else start
        assert list(store.subscribers.profiles([person.id])[0].interests) == expected


@pytest.fixture(scope="module")
def new_store_once(new_store, make):
    """One store for all examples of a property."""
    store = new_store()
    store.papers.ingest([make.item(make.paper(1))])
    return store


# --- what a reader said ---------------------------------------------------------------------------


def test_what_a_reader_said_is_newest_first_and_can_be_narrowed(store, make, person):
    one, two = make.paper(1), make.paper(2)
    store.subscribers.add([(make.subscriber(2), [])])
    for said in (
        make.feedback(1, about=one),
        make.feedback(2, about=two, kind=FeedbackKind.SAVE),
        make.feedback(3, about=one, kind=FeedbackKind.KNOWN),
        make.feedback(4, person=make.subscriber(2), about=one),
    ):
        store.feedback.add(said)
    store.feedback.undo("f_1", make.day)

    def numbers(**narrowed):
        return [each.id for each in store.feedback.of(person.id, **narrowed)]

    assert numbers() == ["f_3", "f_2"]
    assert numbers(standing=False) == ["f_3", "f_2", "f_1"]
    assert numbers(limit=1) == ["f_3"]
    assert numbers(kinds=[FeedbackKind.SAVE, FeedbackKind.MORE]) == ["f_2"]
    assert numbers(paper_ids=[one.id]) == ["f_3"]
    assert numbers(paper_ids=[one.id, "arxiv:unknown"]) == ["f_3"]
    assert numbers(paper_ids=["arxiv:unknown"]) == []
    assert numbers(paper_ids=()) == []


def test_answers_come_by_edition_and_reader_and_only_what_stands(store, make, person, monkeypatch):
    monkeypatch.setattr("digest.store.feedback.BLOCK", 2)
    other = make.subscriber(2)
    store.subscribers.add([(other, [])])
    for said in (
        make.feedback(1, edition="2026-06-10", person=other),
        make.feedback(2, edition="2026-06-10"),
        make.feedback(3, edition="2026-06-10", kind=FeedbackKind.LESS),
        make.feedback(4, edition="2026-06-09"),
        make.feedback(5, edition="2026-06-08"),
        make.feedback(6),
        make.feedback(7, edition="2026-06-11", kind=FeedbackKind.KNOWN),
        make.feedback(8, edition="2026-06-11"),
        make.feedback(9, edition="2026-06-10"),
    ):
        store.feedback.add(said)
    store.feedback.undo("f_8", make.day)

    kinds = [FeedbackKind.MORE, FeedbackKind.LESS]
    found = store.feedback.answers("2026-06-09", kinds=kinds)

    assert [each.id for each in found] == ["f_4", "f_2", "f_3", "f_9", "f_1"]
    assert not list(store.feedback.answers("2026-06-12", kinds=kinds))


def test_an_answer_counts_as_its_readers_last_word_wherever_they_gave_it(store, make, person):
    paper, other = make.paper(1), make.paper(2)
    store.feedback.add(make.feedback(1, about=paper, edition="2026-06-10"))
    store.feedback.add(make.feedback(2, about=other, edition="2026-06-10"))
    store.feedback.add(make.feedback(3, about=paper, kind=FeedbackKind.LESS))
    store.feedback.add(make.feedback(4, about=paper, kind=FeedbackKind.KNOWN))

    def answers():
        found = store.feedback.answers("2026-06-10", kinds=[FeedbackKind.MORE, FeedbackKind.LESS])
        return [(each.id, each.kind) for each in found]

    assert answers() == [("f_1", FeedbackKind.LESS), ("f_2", FeedbackKind.MORE)]
    store.feedback.undo("f_3", make.day)
    assert answers() == [("f_1", FeedbackKind.MORE), ("f_2", FeedbackKind.MORE)]


def test_an_answer_is_its_readers_own_and_the_one_said_last_whichever_came_in_last(store, make):
    store.subscribers.add((make.subscriber(n), []) for n in (1, 2))
    papers = [make.paper(n) for n in (1, 2)]
    store.papers.ingest([make.item(each) for each in papers])
    hour = timedelta(hours=1)
    for number, (reader, paper, kind, at, edition) in enumerate(
        [
            (1, papers[0], FeedbackKind.MORE, make.day, "2026-06-10"),
            (2, papers[0], FeedbackKind.MORE, make.day, "2026-06-10"),
            (1, papers[0], FeedbackKind.LESS, make.day + hour, ""),
            (1, papers[1], FeedbackKind.MORE, make.day, "2026-06-10"),
            (1, papers[1], FeedbackKind.LESS, make.day, ""),
            (2, papers[1], FeedbackKind.MORE, make.day, "2026-06-10"),
            (2, papers[1], FeedbackKind.LESS, make.day + 2 * hour, ""),
            (2, papers[1], FeedbackKind.MORE, make.day + hour, ""),
        ]
    ):
        said = make.feedback(number, about=paper, kind=kind, edition=edition)
        store.feedback.add(replace(said, subscriber_id=f"s_{reader:06}", at=at))

    found = store.feedback.answers("2026-06-10", kinds=[FeedbackKind.MORE, FeedbackKind.LESS])

    assert [(each.subscriber_id, each.paper_id, each.kind) for each in found] == [
        ("s_000001", papers[0].id, FeedbackKind.LESS),
        ("s_000001", papers[1].id, FeedbackKind.LESS),
        ("s_000002", papers[0].id, FeedbackKind.MORE),
        ("s_000002", papers[1].id, FeedbackKind.LESS),
    ]


# --- papers that get another name -----------------------------------------------------------------


def test_feedback_follows_a_paper_that_turns_out_to_be_another(store, make, person):
    preprint = make.paper(9, id="doi:10.1101/1", identifiers=("doi:10.1101/1",), doi="10.1101/1")
    store.papers.ingest([make.item(preprint)])
    store.feedback.add(make.feedback(about=preprint, added=(make.interest(preprint.id, LIKE),)))
    same = make.paper(9, doi="10.1101/1", identifiers=("arxiv:2606.00009", "doi:10.1101/1"))

    store.papers.ingest([make.item(same)])

    assert store.feedback.get("f_1").paper_id == same.id
    said = store.feedback.of(person.id, paper_ids=["doi:10.1101/1"])
    assert [each.id for each in said] == ["f_1"]
    assert profile(store, person) == {FOLLOWS, (LIKE, same.id, 1.0)}
    store.feedback.undo("f_1", make.day)
    assert profile(store, person) == {FOLLOWS}
