"""What readers say, what it does to their profiles, and how it is taken back."""

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import FeedbackKind, Interest, InterestKind, Via

PAPERS_KINDS = ("more", "less", "save", "known", "upvote")


@pytest.fixture
def ada(subscribe):
    return subscribe(topics=["cs.IR"])


@pytest.fixture
def say(store, paper, now):
    """Says something of paper 1; each time is a minute later."""
    minutes = count(1)
    shown = paper(1)

    def speak(person, kind, *, of=shown, value="", **where):
        return subscriptions.give(
            store,
            person,
            FeedbackKind(kind),
            paper=of,
            value=value,
            via=Via.WEB,
            now=now + timedelta(minutes=next(minutes)),
            **where,
        )

    return speak


@pytest.fixture
def take_back(store, now):
    minutes = count(10_000)

    def undo(person, feedback):
        return subscriptions.undo(
            store, person, feedback.id, now=now + timedelta(minutes=next(minutes))
        )

    return undo


def opinions(profile, person):
    return {
        (str(each.kind), each.weight)
        for each in profile(person)
        if each.value == "arxiv:2606.00001"
    }


@pytest.mark.parametrize(
    ("kind", "interest"),
    [
        ("more", ("like", 1.0)),
        ("save", ("like", 1.5)),
        ("upvote", ("like", 0.5)),
        ("less", ("dislike", 1.0)),
        ("known", ("known", 1.0)),
    ],
)
def test_each_answer_shapes_the_profile_and_can_be_taken_back(
    ada, say, take_back, profile, kind, interest
):
    before = profile(ada)
    said = say(ada, kind)
    assert opinions(profile, ada) == {interest}
    assert take_back(ada, said).undone_at is not None
    assert profile(ada) == before


def test_an_answer_is_kept_with_where_and_why(store, ada, say):
    said = say(ada, "more", edition="2026-06-10", rank=2, reason="In cs.IR, \x07which you follow")
    kept = store.feedback.get(said.id)
    assert (kept.subscriber_id, kept.paper_id, kept.via) == (ada.id, "arxiv:2606.00001", Via.WEB)
    assert (kept.edition, kept.rank, kept.reason) == (
        "2026-06-10",
        2,
        "In cs.IR, which you follow",
    )


def test_saying_the_same_again_returns_what_stands(store, ada, say):
    said = say(ada, "more")
    assert say(ada, "more") == said
    assert len(store.feedback.of(ada.id)) == 1


def test_the_last_opinion_of_a_paper_counts(ada, say, profile):
    say(ada, "more")
    say(ada, "less")
    assert opinions(profile, ada) == {("dislike", 1.0)}
    say(ada, "more")
    assert opinions(profile, ada) == {("like", 1.0)}


def test_taking_back_the_second_thought_leaves_the_first(ada, say, take_back, profile):
    say(ada, "more")
    take_back(ada, say(ada, "less"))
    assert opinions(profile, ada) == {("like", 1.0)}


def test_a_weaker_word_of_praise_does_not_lessen_a_stronger_one(ada, say, take_back, profile):
    say(ada, "save")
    upvote = say(ada, "upvote")
    assert opinions(profile, ada) == {("like", 1.5)}
    take_back(ada, upvote)
    assert opinions(profile, ada) == {("like", 1.5)}


@pytest.mark.parametrize(
    ("said", "undone", "weight"),
    [
        (["save", "more"], ["save"], 1.0),
        (["save", "upvote", "more"], ["save"], 1.0),
        (["save", "upvote", "more"], ["save", "more"], 0.5),
        (["save", "more", "less"], ["save", "less"], 1.0),
        (["save", "less", "more"], ["less"], 1.5),
        (["less", "save", "more"], ["save"], 1.0),
    ],
)
def test_a_like_weighs_what_the_praise_that_stands_makes_of_it(
    ada, say, take_back, profile, said, undone, weight
):
    answers = {kind: say(ada, kind) for kind in said}
    for kind in undone:
        take_back(ada, answers[kind])
    assert opinions(profile, ada) == {("like", weight)}


@pytest.mark.parametrize(("first", "left"), [(4, 4), (0.7, 0.7)])
def test_what_a_like_weighed_before_any_praise_it_weighs_at_least(
    store, ada, say, take_back, profile, now, first, left
):
    like = Interest(kind=InterestKind.LIKE, value="arxiv:2606.00001", weight=first, added_at=now)
    store.subscribers.add_interests(ada.id, [like])
    save = say(ada, "save")
    say(ada, "upvote")
    take_back(ada, save)
    assert opinions(profile, ada) == {("like", left)}


def test_a_weight_set_by_hand_outlives_an_answer_that_is_taken_back(
    store, ada, say, take_back, profile, now
):
    like = Interest(
        kind=InterestKind.LIKE, value="arxiv:2606.00001", weight=4, added_at=now - timedelta(days=9)
    )
    store.subscribers.add_interests(ada.id, [like])
    take_back(ada, say(ada, "less"))
    assert like in profile(ada)


def test_a_weight_set_by_hand_stands_beside_praise_also_after_a_later_word_is_taken_back(
    store, ada, say, take_back, profile, now
):
    say(ada, "save")
    subscriptions.weigh(store, ada, InterestKind.LIKE, "arxiv:2606.00001", 0.7)
    take_back(ada, say(ada, "more"))
    assert opinions(profile, ada) == {("like", 0.7)}


def test_an_interest_dropped_by_hand_comes_back_when_it_is_said_again(
    store, ada, say, profile, now
):
    say(ada, "more")
    subscriptions.drop(store, ada, InterestKind.LIKE, "arxiv:2606.00001")
    assert opinions(profile, ada) == set()
    say(ada, "more")
    assert opinions(profile, ada) == {("like", 1.0)}


def test_an_upvote_counts_for_everyone_until_it_is_taken_back(
    store, ada, subscribe, say, take_back
):
    bo = subscribe("bo@example.org")

    def votes():
        signals = store.papers.signals(["arxiv:2606.00001"]).get("arxiv:2606.00001", [])
        return sum(each.value for each in signals)

    mine, theirs = say(ada, "upvote"), say(bo, "upvote")
    say(ada, "upvote")
    assert votes() == 2
    assert store.community.votes_of(ada.id, ["arxiv:2606.00001"])
    take_back(ada, mine)
    assert votes() == 1
    take_back(bo, theirs)
    assert votes() == 0


def test_an_upvote_of_preprint_and_published_version_is_one_until_both_are_taken_back(
    store, ada, say, take_back, paper
):
    preprint, published = paper(1), paper(2)
    first, second = say(ada, "upvote", of=preprint), say(ada, "upvote", of=published)
    paper(1, published.id)

    take_back(ada, second)
    assert store.community.votes_of(ada.id, [preprint.id]) == {preprint.id}
    take_back(ada, first)
    assert store.community.votes_of(ada.id, [preprint.id]) == frozenset()


def test_two_upvotes_of_one_paper_that_are_taken_back_at_once_leave_no_vote(
    store, ada, say, take_back, paper, monkeypatch
):
    preprint, published = paper(1), paper(2)
    first, second = say(ada, "upvote", of=preprint), say(ada, "upvote", of=published)
    paper(1, published.id)
    undo = store.feedback.undo

    def meanwhile(*args, **options):
        monkeypatch.undo()
        take_back(ada, second)
        return undo(*args, **options)

    monkeypatch.setattr(store.feedback, "undo", meanwhile)
    take_back(ada, first)

    assert store.community.votes_of(ada.id, [preprint.id]) == frozenset()


def test_a_vote_that_outlived_its_upvote_goes_when_that_is_taken_back_again(
    store, ada, say, take_back, now
):
    said = say(ada, "upvote")
    store.feedback.undo(said.id, now)

    take_back(ada, said)

    assert store.community.votes_of(ada.id, [said.paper_id]) == frozenset()


def test_a_vote_that_was_lost_counts_when_it_is_given_again(store, ada, say):
    said = say(ada, "upvote")
    store.community.unvote(ada.id, said.paper_id)

    assert say(ada, "upvote") == said
    assert store.community.votes_of(ada.id, [said.paper_id]) == {said.paper_id}


@pytest.mark.parametrize(
    ("kind", "value", "interest"),
    [
        ("hide-author", " Bo\u200b  Sample", ("mute-author", "Bo Sample")),
        ("hide-topic", "cs.CV", ("mute-topic", "cs.CV")),
    ],
)
def test_an_author_or_a_topic_can_be_hidden(ada, say, take_back, interests, kind, value, interest):
    said = say(ada, kind, value=value)
    assert interest in interests(ada)
    assert say(ada, kind, value=interest[1].upper()) == said
    take_back(ada, said)
    assert interest not in interests(ada)


def test_an_answer_must_be_about_something(ada, say):
    with pytest.raises(InvalidInput, match="which paper"):
        say(ada, "more", of=None)
    with pytest.raises(InvalidInput, match="between 1 and 200"):
        say(ada, "hide-author")


def test_marking_all_as_seen_moves_the_mark_and_back(store, ada, say, take_back):
    def seen():
        return store.subscribers.get([ada.id])[ada.id].seen_until

    first, second = say(ada, "seen-all"), say(ada, "seen-all")
    assert seen() == second.at
    take_back(ada, first)
    assert seen() == second.at
    take_back(ada, second)
    assert seen() is None


def test_marking_all_as_seen_twice_at_once_is_one_statement(store, ada, now):
    first, second = (
        subscriptions.give(store, ada, FeedbackKind.SEEN_ALL, via=Via.WEB, now=now)
        for _ in range(2)
    )
    assert first == second


def test_nobody_takes_back_what_somebody_else_said(store, ada, subscribe, say, take_back):
    said = say(ada, "more")
    with pytest.raises(NotFound):
        take_back(subscribe("bo@example.org"), said)
    assert store.feedback.get(said.id).undone_at is None


def test_taking_back_twice_changes_nothing(ada, say, take_back, profile):
    said = say(ada, "more")
    undone = take_back(ada, said)
    say(ada, "less")
    assert take_back(ada, said) == undone
    assert opinions(profile, ada) == {("dislike", 1.0)}


def test_the_profile_is_shown_with_its_evidence(store, ada, say, now):
    subscriptions.weigh(store, ada, InterestKind.TOPIC, "cs.IR", 2)
    more, save = say(ada, "more"), say(ada, "save")
    hide = say(ada, "hide-author", value="Bo Sample")
    say(ada, "seen-all")

    shown = {
        (str(each.interest.kind), each.interest.weight): each.feedback
        for each in subscriptions.evidence_of(store, ada)
    }

    assert shown == {
        ("topic", 2.0): (),
        ("like", 1.5): (save, more),
        ("mute-author", 1.0): (hide,),
    }


def test_what_was_overruled_is_no_evidence(store, ada, say):
    say(ada, "more")
    less = say(ada, "less")
    likes = [each for each in subscriptions.evidence_of(store, ada) if each.feedback]
    assert [(str(each.interest.kind), each.feedback) for each in likes] == [("dislike", (less,))]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(PAPERS_KINDS), st.sampled_from([0, 1])),
        st.tuples(st.sampled_from(["hide-author", "hide-topic"]), st.sampled_from([0, 1])),
        st.tuples(st.just("undo"), st.integers(0, 20)),
    ),
    max_size=14,
)
people = count()


@pytest.fixture
def papers(paper):
    return [paper(1), paper(2)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, base=st.sampled_from(["nothing", "like", "dislike"]), order=st.randoms())
def test_whatever_was_said_and_taken_back_all_taken_back_leaves_the_profile_as_it_was(
    store, subscribe, papers, profile, say, take_back, now, steps, base, order
):
    person = subscribe(f"reader{next(people)}@example.org", topics=["cs.IR"])
    if base != "nothing":
        kind = InterestKind(base)
        interest = Interest(kind=kind, value=papers[0].id, weight=0.7, added_at=now)
        store.subscribers.add_interests(person.id, [interest])
    before = profile(person)

    said = []
    for kind, number in steps:
        if kind == "undo":
            if said:
                take_back(person, said[number % len(said)])
        elif kind in PAPERS_KINDS:
            said.append(say(person, kind, of=papers[number]))
        else:
            said.append(say(person, kind, value=["Bo Sample", "cs.CV"][number]))
    standing = store.feedback.of(person.id, limit=100)
    order.shuffle(standing)
    for each in standing:
        take_back(person, each)

    assert profile(person) == before
    assert not store.community.votes_of(person.id, [each.id for each in papers])
