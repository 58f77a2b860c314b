"""A profile as it stood at any moment, rebuilt from today's and from what was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest import subscriptions
from digest.evaluation.past import profile_at, space_before
from digest.model import (
    Announcement,
    AnnounceType,
    Feedback,
    FeedbackKind,
    Interest,
    InterestKind,
    Item,
    Paper,
    Profile,
    Status,
    Subscriber,
    Via,
)
from digest.ports import Candidates
from digest.ranking import space as spaces
from digest.ranking.linear import LinearRanker
from digest.store import open_store

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
PAPERS = [
    Paper(id=f"arxiv:{number}", title=f"On {number}", identifiers=(f"arxiv:{number}",))
    for number in (1, 2)
]
SAYING = [
    FeedbackKind.MORE,
    FeedbackKind.LESS,
    FeedbackKind.SAVE,
    FeedbackKind.KNOWN,
    FeedbackKind.UPVOTE,
]
PERSON = Subscriber(
    id="s_ada", email="ada@example.org", status=Status.ACTIVE, key="00", created_at=BEGIN
)


def at(minute):
    return BEGIN + timedelta(minutes=minute)


def interest(kind, value, minute=0, weight=1.0):
    return Interest(kind=InterestKind(kind), value=value, weight=weight, added_at=at(minute))


def profile(*interests):
    return Profile(subscriber_id="s_ada", interests=interests, limit=7)


def said(minute, *, added=(), replaced=(), undone=None):
    return Feedback(
        id=f"f_{minute}",
        subscriber_id="s_ada",
        kind=FeedbackKind.MORE,
        via=Via.WEB,
        at=at(minute),
        added=added,
        replaced=replaced,
        undone_at=None if undone is None else at(undone),
    )


def test_interests_added_later_are_left_out():
    early, late = interest("keyword", "bread", 1), interest("topic", "cs.IR", 9)
    assert profile_at(profile(early, late), [], at(5)) == profile(early)
    assert profile_at(profile(early, late), [], at(9)) == profile(early, late)


def test_an_answer_is_not_known_before_it_was_given():
    like = interest("like", "p1", 5)
    answer = said(5, added=(like,))
    assert profile_at(profile(like), [answer], at(4)) == profile()
    assert profile_at(profile(like), [answer], at(5)) == profile(like)


def test_a_like_has_its_earlier_weight():
    like, saved = interest("like", "p1", 2), interest("like", "p1", 2, weight=1.5)
    answers = [said(6, added=(saved,), replaced=(like,)), said(2, added=(like,))]
    assert profile_at(profile(saved), answers, at(4)) == profile(like)


def test_an_opinion_that_changed_is_the_earlier_one():
    like, dislike = interest("like", "p1", 2), interest("dislike", "p1", 6)
    answers = [said(6, added=(dislike,), replaced=(like,)), said(2, added=(like,))]
    assert profile_at(profile(dislike), answers, at(4)) == profile(like)


def test_feedback_undone_later_still_counts_before():
    like = interest("like", "p1", 2)
    answer = said(2, added=(like,), undone=6)
    assert profile_at(profile(), [answer], at(4)) == profile(like)
    assert profile_at(profile(), [answer], at(6)) == profile()


def test_feedback_given_and_undone_later_does_not_count():
    like = interest("like", "p1", 5)
    assert profile_at(profile(), [said(5, added=(like,), undone=6)], at(3)) == profile()


def test_a_followed_topic_that_was_hidden_since_was_followed():
    followed, muted = interest("topic", "cs.LG", 1), interest("mute-topic", "cs.LG", 5)
    answer = said(5, added=(muted,), replaced=(followed,))
    assert profile_at(profile(muted), [answer], at(3)) == profile(followed)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = open_store(tmp_path_factory.mktemp("past") / "digest.db")
    store.migrate()
    listed = {"source": "arxiv", "feed": "cs.LG", "day": BEGIN.date(), "seen_at": BEGIN}
    new = [Announcement(paper_id=each.id, type=AnnounceType.NEW, **listed) for each in PAPERS]
    store.papers.ingest(
        [Item(paper=each, announcement=line) for each, line in zip(PAPERS, new, strict=True)]
    )
    yield store
    store.close()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(SAYING), st.sampled_from(PAPERS)),
        st.tuples(st.just("undo"), st.integers(0, 5), st.none()),
        st.tuples(st.just("type"), st.sampled_from(["bread", "salt"]), st.none()),
    ),
    max_size=10,
)


@settings(max_examples=40)
@given(steps=steps, dear=st.sampled_from([None, -1.0, 2.0]))
def test_any_history_of_feedback_is_restored_at_every_moment(store, steps, dear):
    store.subscribers.erase(PERSON.id)
    typed = []
    if dear is not None:
        kind = InterestKind.LIKE if dear > 0 else InterestKind.DISLIKE
        typed = [interest(kind, PAPERS[0].id, weight=abs(dear))]
    store.subscribers.add([(PERSON, typed)])
    given_so_far, stood = [], {}
    for minute, (what, which, paper) in enumerate(steps, 1):
        if what == "say":
            via = {"via": Via.WEB, "now": at(minute)}
            given_so_far.append(subscriptions.give(store, PERSON, which, paper=paper, **via).id)
        elif what == "undo" and which < len(given_so_far):
            subscriptions.undo(store, PERSON, given_so_far[which], now=at(minute))
        elif what == "type" and which not in typed:
            typed.append(which)
            store.subscribers.add_interests(PERSON.id, [interest("keyword", which, minute)])
        stood[minute] = standing(store)

    today = store.subscribers.profiles([PERSON.id])[0]
    everything = store.feedback.of(PERSON.id, standing=False)
    for minute, expected in stood.items():
        assert set(profile_at(today, everything, at(minute)).interests) == expected, minute


def standing(store):
    return set(store.subscribers.profiles([PERSON.id])[0].interests)


# --- what was learned since -----------------------------------------------------------------------


def scores(space, papers, liked):
    """What someone with one like is told of papers, in a space."""
    person = profile(interest("like", liked.id))
    candidates = Candidates(papers=papers, liked={liked.id: liked})
    return LinearRanker(topics={}, space=space).scores([person], candidates)[0]


def test_the_space_of_the_past_has_no_shown_papers(archive):
    papers = [each.paper for each in archive(range(spaces.FEWEST_PAPERS))]
    space = spaces.learn(papers)
    shown = {each.id for each in papers[:100]}

    before = space_before(space, shown).references

    assert before.ids == [each for each in space.references.ids if each not in shown]
    assert before.tfidf.shape[0] == len(before.near) == len(before.categories) == 400
    rows = [at for at, each in enumerate(space.references.ids) if each not in shown]
    assert (before.near == space.references.near[rows]).all()


def test_without_other_papers_the_space_of_the_past_has_no_references(archive):
    papers = [each.paper for each in archive(range(spaces.FEWEST_PAPERS))]
    space = space_before(spaces.learn(papers), {each.id for each in papers})
    assert space.references is None
    assert space_before(space, ()) is space
    assert len(scores(space, papers[:3], papers[3])) == 3
