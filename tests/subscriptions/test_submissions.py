"""Papers put forward for everyone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest import subscriptions
from digest.errors import InvalidInput, NotFound
from digest.model import SubmissionState


@pytest.fixture
def ada(subscribe):
    return subscribe()


@pytest.fixture
def submit(store, now):
    def run(person, text="2606.00001", line="Worth an hour of yours", *, a_day=5, at=now):
        return subscriptions.submit(store, person, text, line, a_day=a_day, now=at)

    return run


@pytest.fixture
def decide(store, now):
    def run(submission, *, curator=None, feature=True, line=None, at=now):
        return subscriptions.decide(
            store, curator, submission.id, feature=feature, line=line, now=at
        )

    return run


def test_a_stored_paper_is_open_for_curators_at_once(ada, submit, paper):
    paper(1)
    submission = submit(ada, "https://arxiv.org/abs/2606.00001v2", " Worth\n an  hour ")
    assert submission.paper_id == "arxiv:2606.00001"
    assert (submission.state, submission.line) == (SubmissionState.OPEN, "Worth an hour")


def test_a_paper_nobody_has_fetched_yet_waits(ada, submit):
    submission = submit(ada, "https://doi.org/10.1101/2024.01.02.573")
    assert submission.paper_id == "doi:10.1101/2024.01.02.573"
    assert submission.state is SubmissionState.WAITING


def test_a_paper_put_forward_already_stays_the_first_ones(store, ada, subscribe, submit):
    first = submit(ada)
    assert submit(subscribe("bo@example.org"), line="Me too") == first


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a nice paper", "fine", "neither an arXiv id"),
        (f"10.1000/{'a' * 300}", "fine", "neither an arXiv id"),
        ("2606.00001", " \u200b ", "Say in a line"),
        ("2606.00001", "x" * 301, "at most 300"),
    ],
)
def test_a_submission_needs_a_paper_and_a_line(ada, submit, text, line, words):
    with pytest.raises(InvalidInput, match=words):
        submit(ada, text, line)


def test_a_reader_puts_forward_so_many_a_day(ada, submit, now):
    submit(ada, "2606.00001", a_day=2)
    submit(ada, "2606.00002", a_day=2)
    with pytest.raises(InvalidInput, match="tomorrow"):
        submit(ada, "2606.00003", a_day=2)
    assert submit(ada, "2606.00003", a_day=2, at=now + timedelta(days=1, seconds=1))


def test_what_was_put_forward_already_is_not_counted(ada, subscribe, submit, paper):
    paper(1)
    theirs = submit(subscribe("bo@example.org"), "https://arxiv.org/abs/2606.00001v2")
    assert [submit(ada, "2606.00001", a_day=1) for _ in range(3)] == [theirs] * 3
    mine = submit(ada, "2606.00002", a_day=1)
    assert submit(ada, "2606.00002", a_day=1) == mine


def test_nobody_can_where_it_is_switched_off(ada, submit):
    with pytest.raises(InvalidInput, match="cannot be put forward here"):
        submit(ada, a_day=0)


def test_only_confirmed_subscribers_can(store, subscribe, submit):
    with pytest.raises(InvalidInput, match="confirmed subscribers"):
        submit(subscribe(confirmed=False))


def test_a_featured_paper_speaks_with_its_curators_voice(store, ada, submit, decide, paper, now):
    shown = paper(1)
    decided = decide(submit(ada), curator=ada, line="Read the second figure")
    assert (decided.state, decided.curator_id) == (SubmissionState.FEATURED, ada.id)
    assert store.community.featured(now) == {shown.id}
    lines = [each.line for each in store.community.voices([shown.id])[shown.id]]
    assert lines == ["Worth an hour of yours", "Read the second figure"]


def test_every_decision_stands_in_the_log(store, ada, submit, decide, paper, now):
    paper(1)
    submission = submit(ada)
    decide(submission, feature=False, line="off topic")
    decide(submission, curator=ada, feature=True, at=now + timedelta(hours=1))
    log = [(each.actor, each.action, each.note) for each in store.community.log(limit=10)]
    assert log == [(ada.id, "feature", ""), ("operator", "reject", "off topic")]


def test_deciding_the_same_again_changes_nothing(store, ada, submit, decide, paper, now):
    paper(1)
    submission = submit(ada)
    first = decide(submission, line="Read it")
    assert decide(submission, at=now + timedelta(hours=1)) == first
    assert len(store.community.log(limit=10)) == 1


def test_a_line_is_mended_and_taken_away_without_a_new_decision(
    store, ada, subscribe, submit, decide, paper, now
):
    paper(1)
    submission = submit(ada)
    first = decide(submission, curator=ada, line="A fnid")
    mended = decide(submission, line="A find", at=now + timedelta(days=9))
    assert mended == replace(first, curator_line="A find")
    decide(submission, line="", at=now + timedelta(days=10))
    assert store.community.submission(submission.id) == replace(first, curator_line="")
    log = [(each.actor, each.note) for each in store.community.log(limit=10)]
    assert log == [("operator", ""), ("operator", "A find"), (ada.id, "A fnid")]


def test_a_line_said_of_one_decision_does_not_stay_for_the_other(ada, submit, decide, paper):
    paper(1)
    submission = submit(ada)
    decide(submission, feature=False, line="Off topic")
    assert decide(submission).curator_line == ""


def test_a_paper_that_is_not_fetched_can_be_rejected_but_not_featured(ada, submit, decide):
    submission = submit(ada)
    with pytest.raises(InvalidInput, match="not fetched yet"):
        decide(submission)
    assert decide(submission, feature=False).state is SubmissionState.REJECTED


def test_there_must_be_a_submission_to_decide(store, now):
    with pytest.raises(NotFound):
        subscriptions.decide(store, None, "p_404", feature=True, line="", now=now)


def test_curators_are_named_by_address_in_whatever_form(store, ada, subscribe, now):
    curators = ["nonsense", " ADA@Example.org"]
    assert subscriptions.is_curator(ada, curators)
    assert not subscriptions.is_curator(subscribe("bo@example.org"), curators)
    assert not subscriptions.is_curator(subscriptions.unsubscribe(store, ada, now=now), curators)
