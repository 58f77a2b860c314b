"""Papers that readers put forward are fetched, politely and not for ever, and flood nobody."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from digest import subscriptions
from digest.errors import FetchFailed
from digest.model import AnnounceType, Moderation, Status, Submission, SubmissionState
from digest.pipeline import looking_up
from digest.pipeline.ingesting import POLL_LEASE
from digest.pipeline.looking_up import announce_featured, look_up, look_up_waiting
from digest.sources.lookup import Lookup
from digest.testing import RecordedFetcher

DOI = "doi:10.1000/fish.3"
ARXIV = "arxiv:2606.00007"
WORK = json.dumps(
    {
        "message": {
            "DOI": "10.1000/fish.3",
            "title": ["Songs of fish in the deep"],
            "author": [{"given": "Ada", "family": "Example"}],
            "published": {"date-parts": [[2026, 5, 1]]},
        }
    }
).encode()
ENTRY = b"""<feed xmlns="http://www.w3.org/2005/Atom"><entry>
  <id>http://arxiv.org/abs/2606.00007v2</id><title>Fish of the air</title>
  <published>2026-06-02T17:00:00Z</published><updated>2026-06-05T17:00:00Z</updated>
  <summary>They fly.</summary><category term="cs.IR"/><author><name>Bo Sample</name></author>
</entry></feed>"""


def url(key):
    return Lookup().requests([key])[0][0].url


@pytest.fixture
def someone(subscribe):
    return subscribe("ada@example.org", topics=["cs.IR"])


@pytest.fixture
def submit(application, someone, now):
    def put(key, *, at=now):
        return application.store.community.submit(
            Submission(
                id=f"p_{key[-4:]}".replace(".", ""),
                paper_id=key,
                subscriber_id=someone.id,
                line="Read it.",
                at=at,
            )
        )

    return put


@pytest.fixture
def run(application, now):
    def look(bodies, *, at=now):
        fetcher = RecordedFetcher(bodies)
        found = look_up_waiting(application.store, fetcher, clock=lambda: at, owner="w1")
        return found, fetcher.asked

    return look


def state_of(application, submission):
    return application.store.community.submission(submission.id).state


def test_a_waiting_submission_opens_once_its_paper_is_fetched(application, submit, run):
    submissions = [submit(DOI), submit(ARXIV)]

    found, asked = run({url(DOI): WORK, url(ARXIV): ENTRY})

    assert asked == [url(ARXIV), url(DOI)]
    assert (found.asked, found.stored, found.opened) == (2, 2, 2)
    assert [state_of(application, each) for each in submissions] == [SubmissionState.OPEN] * 2
    assert application.store.papers.get([DOI])[DOI].title == "Songs of fish in the deep"


def test_a_paper_that_a_newcomer_names_as_an_example_is_fetched_to_learn_from(
    application, subscribe, run, now
):
    subscribe("bo@example.org", likes=["2606.00007"])

    _, asked = run({url(ARXIV): ENTRY})
    _, later = run({url(ARXIV): ENTRY}, at=now + timedelta(days=2))

    assert asked == [url(ARXIV)]
    assert later == []
    assert application.store.papers.get([ARXIV])[ARXIV].title == "Fish of the air"


def test_what_a_stranger_types_into_the_form_is_fetched_for_nobody(application, subscribe, run):
    stranger = subscribe("bo@example.org", likes=["2606.00007"])
    application.store.subscribers.set_status(stranger.id, Status.PENDING)

    assert run({url(ARXIV): ENTRY})[1] == []


def test_what_was_looked_up_is_in_no_digest_and_on_no_day(application, submit, run, now):
    submit(ARXIV)
    run({url(ARXIV): ENTRY})

    papers = application.store.papers
    assert papers.announced(now - timedelta(days=30), now + timedelta(days=1)) == []
    assert papers.announced_on(now.date()) == []
    assert papers.in_categories(["cs.IR"], since=now - timedelta(days=30), limit=9) == []
    assert [paper.id for paper, _ in papers.search("fish", limit=9)] == [ARXIV]


def test_a_paper_that_is_stored_meanwhile_opens_without_being_asked_for(
    application, submit, run, item
):
    submission = submit(ARXIV)
    application.store.papers.ingest([item(7)])

    found, asked = run({})

    assert asked == []
    assert found.opened == 1
    assert state_of(application, submission) is SubmissionState.OPEN


def test_an_unknown_paper_is_asked_for_once_a_day_and_given_up_after_seven(
    application, submit, run, now
):
    submission = submit(DOI)

    asked = []
    for hours in range(0, 24 * 8, 6):
        found, urls = run({}, at=now + timedelta(hours=hours))
        asked += urls

    assert len(asked) == 7
    assert found.again == {}
    assert state_of(application, submission) is SubmissionState.REJECTED
    (line,) = application.store.community.log(limit=9)
    assert (line.actor, line.action, line.submission_id) == ("lookup", "reject", submission.id)
    assert "7 days" in line.note


def test_a_network_that_fails_is_tried_again_after_an_hour(application, submit, run, now):
    submission = submit(DOI)
    run({url(DOI): FetchFailed("It timed out.", subject="x")})

    _, at_once = run({url(DOI): WORK}, at=now + timedelta(minutes=30))
    _, later = run({url(DOI): WORK}, at=now + timedelta(hours=1))

    assert (at_once, later) == ([], [url(DOI)])
    assert state_of(application, submission) is SubmissionState.OPEN


def test_an_answer_that_cannot_be_read_leaves_it_waiting_and_is_reported(
    application, submit, run, now
):
    submission = submit(DOI)

    found, _ = run({url(DOI): b"<html>Busy</html>"})

    assert state_of(application, submission) is SubmissionState.WAITING
    assert found.again == {DOI: now + timedelta(days=1)}
    (report,) = application.store.sources.reports(since=now - timedelta(days=1))
    assert (report.source, report.place, report.cause) == (
        "community",
        DOI,
        "The answer is not JSON.",
    )


def test_while_another_process_polls_nothing_is_fetched(application, submit, run, now):
    submit(DOI)
    assert application.store.lease(POLL_LEASE, owner="other", now=now, seconds=60)

    _, asked = run({url(DOI): WORK})

    assert asked == []


def test_only_so_many_are_asked_for_in_one_round(application, submit, run, monkeypatch):
    monkeypatch.setattr(looking_up, "MOST_AT_ONCE", 2)
    for number in range(3):
        submit(f"doi:10.1000/{number}")

    first, second = run({})[1], run({})[1]

    assert (len(first), len(second)) == (2, 1)


def test_what_is_stored_already_is_not_asked_for(application, item, now):
    application.store.papers.ingest([item(7)])
    fetcher = RecordedFetcher({url(DOI): WORK})

    found = look_up(application.store, fetcher, [ARXIV, DOI, DOI], now=now)

    assert fetcher.asked == [url(DOI)]
    assert (found.asked, found.stored, found.again) == (1, 1, {})


def test_a_featured_paper_becomes_news_once(application, submit, run, now):
    submission = submit(ARXIV)
    run({url(ARXIV): ENTRY})
    opened = application.store.community.submission(submission.id)
    decided = Submission(
        id=opened.id,
        paper_id=opened.paper_id,
        subscriber_id=opened.subscriber_id,
        line=opened.line,
        at=opened.at,
        state=SubmissionState.FEATURED,
        decided_at=now + timedelta(hours=1),
    )
    application.store.community.decide(
        decided,
        Moderation(
            at=now,
            actor="operator",
            action="feature",
            submission_id=opened.id,
            paper_id=opened.paper_id,
        ),
    )

    first, _ = run({}, at=now + timedelta(hours=2))
    again, _ = run({}, at=now + timedelta(hours=3))

    assert (first.announced, again.announced) == (1, 0)
    ((paper, announcement),) = application.store.papers.announced(now, now + timedelta(days=1))
    assert paper.id == ARXIV
    assert announcement.type is AnnounceType.NEW
    assert announcement.seen_at == now + timedelta(hours=2)


@pytest.fixture
def decide(application, submit, now):
    """Features or rejects what was put forward of a paper, and announces what is featured."""

    def run(submission, choice, *, at=now):
        subscriptions.decide(
            application.store, None, submission.id, feature=choice == "feature", line="", now=at
        )
        return announce_featured(application.store, now=at)

    return run


def news(application, now):
    found = application.store.papers.announced(now - timedelta(days=9), now + timedelta(days=9))
    return [(announcement.feed, announcement.seen_at) for _, announcement in found]


def test_a_paper_that_is_rejected_after_all_is_news_no_more_until_featured_again(
    application, submit, run, decide, now
):
    submission = submit(ARXIV)
    run({url(ARXIV): ENTRY})

    assert decide(submission, "feature") == 1
    assert news(application, now) == [("picked", now)]
    assert decide(submission, "reject") == 0
    assert news(application, now) == []
    assert application.store.papers.announced_on(now.date()) == []

    later = now + timedelta(hours=3)
    assert decide(submission, "feature", at=later) == 1
    assert news(application, now) == [("picked", later)]


def test_rejecting_takes_nothing_back_that_a_list_announced(application, submit, decide, item, now):
    application.store.papers.ingest([item(7, seen_at=now)])
    submission = submit(ARXIV)
    decide(submission, "feature", at=now + timedelta(hours=1))

    decide(submission, "reject", at=now + timedelta(hours=2))

    assert news(application, now) == [("cs.IR", now)]


def test_a_record_that_was_no_news_beside_a_pick_keeps_the_pick_as_its_news(
    application, submit, run, decide, item, now
):
    """At night, records are news only of papers that nothing has announced."""
    submission = submit(ARXIV)
    run({url(ARXIV): ENTRY})
    decide(submission, "feature")
    record = item(7, seen_at=now + timedelta(hours=1))
    no_news = replace(record.announcement, type=AnnounceType.REPLACE)
    application.store.papers.ingest([replace(record, announcement=no_news)])

    decide(submission, "reject", at=now + timedelta(hours=2))

    assert news(application, now) == [("picked", now)]


def test_a_paper_that_was_mailed_stays_in_that_mail(
    application, subscribe, submit, run, decide, now
):
    person = subscribe("bo@example.org")
    submission = submit(ARXIV)
    run({url(ARXIV): ENTRY})
    decide(submission, "feature")
    application.compose_edition(None)
    edition = f"{person.id}.{now.date()}"
    before = application.store.ledger.digest(edition)

    decide(submission, "reject", at=now + timedelta(hours=1))

    assert [each.paper_id for each in before.picks] == [ARXIV]
    assert application.store.ledger.digest(edition) == before


def test_a_damaged_schedule_is_begun_anew(application, submit, run):
    submit(DOI)
    application.store.sources.set_cursor("lookup", '["no", {"doi:x": 3}]')

    _, asked = run({url(DOI): WORK})

    assert asked == [url(DOI)]
