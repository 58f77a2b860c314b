"""Who gets a digest when, of what, and never twice."""

import math
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from digest import subscriptions
from digest.errors import InvalidInput
from digest.model import FeedbackKind, IdRange, Mood, Ranking, Status, Via
from digest.pipeline import composing
from digest.ranking.linear import LinearRanker

DAY = datetime(2026, 6, 10, 4, tzinfo=UTC)


def compose(application):
    """A morning: what is due is composed, and sent."""
    done = application.compose_due()
    application.deliver()
    return done


def composing_by(application, ranker, **options):
    """A round of composing by a ranker of the test's own."""
    given = {"store": application.store, "now": application.clock(), "domain": "digest.example"}
    return composing.Round(ranker=ranker, **given | options)


def digests(application, person):
    return application.store.ledger.recent(person.id, limit=10)


def shown_to(application, person):
    """The papers of each digest, newest first."""
    return [[pick.paper_id for pick in each.picks] for each in digests(application, person)]


def test_a_digest_is_composed_at_the_local_hour_and_not_before(application, subscribe, item):
    application.store.papers.ingest([item(1), item(2)])
    application.moment[0] = datetime(2026, 6, 10, 3, tzinfo=UTC)
    person = subscribe(at="8:00", tz="Europe/Berlin")

    application.moment[0] = datetime(2026, 6, 10, 5, 59, tzinfo=UTC)
    assert compose(application).digests == 0
    application.moment[0] = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
    assert compose(application).digests == 1

    (digest,) = digests(application, person)
    assert digest.edition == "2026-06-10"
    assert len(digest.picks) == 2
    assert digest.announced == 2


def test_a_digest_composed_after_midnight_is_that_of_the_day_it_was_due(
    application, subscribe, item
):
    application.moment[0] = datetime(2026, 6, 10, 20, tzinfo=UTC)
    person = subscribe(at="23:50")
    application.store.papers.ingest([item(1)])
    application.moment[0] = datetime(2026, 6, 11, 0, 5, tzinfo=UTC)
    compose(application)
    application.store.papers.ingest([item(2, seen_at=datetime(2026, 6, 11, 4, tzinfo=UTC))])
    application.moment[0] = datetime(2026, 6, 11, 23, 55, tzinfo=UTC)
    compose(application)
    assert [each.edition for each in digests(application, person)] == ["2026-06-11", "2026-06-10"]


def test_after_days_of_silence_the_digest_is_todays(application, subscribe, item):
    person = subscribe(at="7:00")
    application.moment[0] = datetime(2026, 6, 14, 9, tzinfo=UTC)
    application.store.papers.ingest([item(1, seen_at=datetime(2026, 6, 14, 4, tzinfo=UTC))])
    assert compose(application).digests == 1
    assert digests(application, person)[0].edition == "2026-06-14"


def test_a_missed_hour_is_made_up_once(application, subscribe, item):
    person = subscribe(at="7:00")
    application.store.papers.ingest([item(1, seen_at=DAY + timedelta(days=1))])
    application.moment[0] = datetime(2026, 6, 11, 15, tzinfo=UTC)
    assert compose(application).digests == 1
    assert compose(application).digests == 0
    assert application.store.subscribers.get([person.id])[person.id].due_at == datetime(
        2026, 6, 12, 7, tzinfo=UTC
    )


def test_nothing_announced_between_two_digests_is_lost(application, subscribe, item):
    person = subscribe(at="7:00")
    application.store.papers.ingest(
        [item(number, seen_at=DAY + timedelta(hours=number)) for number in range(4, 50, 5)]
    )
    for day in (11, 12, 13):
        application.moment[0] = datetime(2026, 6, day, 7, tzinfo=UTC)
        compose(application)
    shown = [pick.paper_id for each in digests(application, person) for pick in each.picks]
    assert len(shown) == len(set(shown)) == 10


def test_a_paper_announced_again_is_not_sent_again(application, subscribe, item):
    person = subscribe(at="7:00")
    application.store.papers.ingest([item(1, seen_at=DAY + timedelta(days=1))])
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    compose(application)
    application.store.papers.ingest(
        [
            item(1, category="cs.CL", seen_at=DAY + timedelta(days=2)),
            item(2, seen_at=DAY + timedelta(days=2)),
        ]
    )
    application.moment[0] = datetime(2026, 6, 12, 7, tzinfo=UTC)
    compose(application)
    latest = digests(application, person)[0]
    assert [pick.paper_id for pick in latest.picks] == ["arxiv:2606.00002"]
    assert latest.withheld == 1


def test_an_edition_is_composed_for_everyone_and_only_once(application, subscribe, item):
    application.store.papers.ingest([item(1)])
    people = [subscribe(f"reader{number}@example.org") for number in range(5)]
    assert application.compose_edition("2026-06-10").digests == 5
    assert application.compose_edition("2026-06-10").digests == 0
    assert all(digests(application, person)[0].mood is Mood.PICKS for person in people)


def test_an_edition_of_another_day_does_not_stand_for_what_is_due_today(
    application, subscribe, item
):
    person = subscribe(at="7:00")
    application.moment[0] = datetime(2026, 6, 12, 9, tzinfo=UTC)
    application.store.papers.ingest([item(1)])
    assert application.compose_edition("2026-06-10").digests == 1
    assert application.compose_edition("2026-06-10").digests == 0

    assert compose(application).digests == 1
    assert [each.edition for each in digests(application, person)] == ["2026-06-12", "2026-06-10"]


def test_a_day_without_papers_is_kept_as_a_digest_too(application, subscribe):
    person = subscribe(quiet="nothing")
    application.compose_edition("2026-06-10")
    (digest,) = digests(application, person)
    assert digest.mood is Mood.OUTAGE, "no source was asked on this Wednesday"
    assert sum(application.store.ledger.counts().values()) == 0


def test_composing_today_by_hand_loses_nothing_of_the_rest_of_the_day(application, subscribe, item):
    person = subscribe(at="7:00")
    application.moment[0] = datetime(2026, 6, 10, 10, tzinfo=UTC)
    application.store.papers.ingest([item(1)])
    application.compose_edition("2026-06-10")
    application.deliver()
    application.store.papers.ingest([item(2, seen_at=datetime(2026, 6, 10, 15, tzinfo=UTC))])
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    compose(application)
    assert [pick.paper_id for pick in digests(application, person)[0].picks] == ["arxiv:2606.00002"]


def test_looking_keeps_nothing(application, subscribe, item):
    application.store.papers.ingest([item(1)])
    person = subscribe()
    look = application.look(person.email, "2026-06-10")
    assert [pick.paper_id for pick in look.picks] == ["arxiv:2606.00001"]
    assert digests(application, person) == []


def test_what_an_expired_digest_would_have_shown_comes_in_the_next(application, subscribe, item):
    person = subscribe(at="7:00")
    application.store.papers.ingest([item(1, seen_at=DAY + timedelta(days=1))])
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    application.compose_due()  # and then the worker dies, for a day
    application.moment[0] = datetime(2026, 6, 12, 7, tzinfo=UTC)
    compose(application)
    counts = application.store.ledger.counts()
    assert (counts["expired"], counts["sent"]) == (1, 1)
    assert [pick.paper_id for pick in digests(application, person)[0].picks] == ["arxiv:2606.00001"]


def test_what_expires_after_the_next_digest_was_made_comes_in_the_one_after_that(
    application, subscribe, item
):
    """A mail server is away while a missed hour is made up, until after the next morning."""
    person = subscribe(at="7:00")
    for hour, seen in ((20, 1), (31, 21)):
        application.store.papers.ingest([item(seen, seen_at=DAY + timedelta(days=1, hours=seen))])
        application.moment[0] = datetime(2026, 6, 11, tzinfo=UTC) + timedelta(hours=hour)
        application.compose_due()
    application.moment[0] = datetime(2026, 6, 12, 15, tzinfo=UTC)
    application.deliver()
    assert shown_to(application, person) == [["arxiv:2606.00021"], ["arxiv:2606.00001"]]

    for day in (13, 14):
        application.moment[0] = datetime(2026, 6, day, 7, tzinfo=UTC)
        compose(application)

    assert shown_to(application, person)[:2] == [[], ["arxiv:2606.00001"]]
    made_up = digests(application, person)[1]
    assert (made_up.announced, made_up.matched, made_up.withheld) == (2, 1, 1)
    assert application.store.ledger.counts()["expired"] == 1


def test_a_first_digest_that_is_late_covers_the_days_it_is_late(application, subscribe, item):
    person = subscribe(at="7:00")
    application.store.papers.ingest([item(1, seen_at=DAY + timedelta(days=1))])
    application.moment[0] = datetime(2026, 6, 14, 6, tzinfo=UTC)
    compose(application)
    assert len(digests(application, person)[0].picks) == 1


def test_looking_at_a_composed_day_shows_that_day_again(application, subscribe, item):
    person = subscribe(at="7:00")
    application.store.papers.ingest([item(1)])
    application.compose_edition(None)
    (kept,) = digests(application, person)
    for edition in (None, kept.edition):
        look = application.look(person.email, edition)
        assert [pick.paper_id for pick in look.picks] == [pick.paper_id for pick in kept.picks]


@pytest.mark.parametrize("edition", [None, "2026-06-10"])
def test_whoever_has_an_edition_is_not_ranked_for_it_again(application, subscribe, item, edition):
    application.store.papers.ingest([item(1)])
    first = subscribe("first@example.org")
    now = application.moment[0]
    composing.compose_edition(composing_by(application, Listening()), edition)
    second = subscribe("second@example.org")

    ranker = Listening()
    found = composing.compose_edition(composing_by(application, ranker), edition)

    assert (found.subscribers, found.digests) == (2, 1)
    assert [each.subscriber_id for each in ranker.block] == [second.id]
    after = application.store.subscribers.get([first.id])[first.id]
    assert after.due_at is None or after.due_at > now


def test_a_day_that_has_not_come_cannot_be_composed(application, subscribe):
    subscribe()
    with pytest.raises(InvalidInput, match="has not begun yet"):
        application.compose_edition("2062-06-10")


def test_one_bad_row_does_not_stop_the_others(application, subscribe, item):
    bad, good = subscribe("bad@example.org"), subscribe("good@example.org")
    application.store.subscribers.save(replace(bad, tz="Mars/Olympus"))
    application.store.papers.ingest([item(1, seen_at=DAY + timedelta(days=1))])
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    assert compose(application).digests == 1
    assert len(digests(application, good)) == 1


# --- the first digest ----------------------------------------------------------------------------


@pytest.fixture
def confirm(application, subscribe):
    """Someone who has just confirmed, at the application's present moment."""

    def begin(email="ada@example.org", **wishes):
        person = subscribe(email, **wishes)
        application.store.subscribers.save(replace(person, status=Status.PENDING, due_at=None))
        return subscriptions.confirm(application.store, person, now=application.clock())

    return begin


@pytest.mark.parametrize("edition", [None, "2026-06-10"])
def test_one_bad_row_does_not_stop_an_edition_for_the_others(
    application, subscribe, item, edition, caplog
):
    application.store.papers.ingest([item(1)])
    good, bad = subscribe("good@example.org"), subscribe("bad@example.org")
    application.store.subscribers.save(replace(bad, tz="Mars/Olympus"))

    application.compose_edition(edition)

    assert len(application.store.ledger.recent(good.id, limit=2)) == 1
    (said,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert said.startswith(f"the digest of {bad.id} cannot be composed: There is no time zone")


class Trips(LinearRanker):
    """A ranker with a fault that shows with some readers only."""

    def __init__(self, over):
        super().__init__(topics={})
        self.over = over
        self.most = math.inf

    def rank(self, profiles, *given, **options):
        if self.most and any(each.subscriber_id in self.over for each in profiles):
            self.most -= 1
            raise IndexError("list index out of range")
        return super().rank(profiles, *given, **options)


def test_a_reader_over_whom_the_ranker_trips_does_not_stop_the_others(
    application, subscribe, item, caplog
):
    application.store.papers.ingest([item(1)])
    good, bad = subscribe("good@example.org"), subscribe("bad@example.org")
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)

    done = composing.compose_due(composing_by(application, Trips({bad.id})))

    assert done.digests == 1
    assert len(digests(application, good)) == 1
    (said,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert said == f"the digest of {bad.id} cannot be composed: IndexError"
    assert application.store.subscribers.get([bad.id])[bad.id].due_at > application.clock()


def test_a_fault_of_the_ranker_that_passes_puts_nobody_off(application, subscribe, item):
    application.store.papers.ingest([item(1)])
    people = [subscribe(f"{name}@example.org") for name in ("ada", "bo", "cy")]
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    ranker = Trips({each.id for each in people})
    ranker.most = 2

    assert composing.compose_due(composing_by(application, ranker)).digests == 3


def test_a_ranker_that_trips_over_everybody_puts_nobody_off(application, subscribe, item):
    application.store.papers.ingest([item(1)])
    people = [subscribe("ada@example.org"), subscribe("bo@example.org")]
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)

    with pytest.raises(IndexError):
        composing.compose_due(composing_by(application, Trips({each.id for each in people})))

    assert len(application.store.subscribers.due(application.clock(), limit=10)) == 2


def test_a_ranker_that_trips_over_everybody_is_not_asked_again_after_a_stop(
    application, subscribe, item
):
    application.store.papers.ingest([item(1)])
    people = [subscribe(f"{name}@example.org") for name in ("ada", "bo", "cy")]
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    ranker = Trips({each.id for each in people})
    ranker.most = 9
    this = composing_by(application, ranker)
    this.stopping = lambda: ranker.most < 8

    composing.compose_due(this)

    assert ranker.most == 7
    assert len(application.store.subscribers.due(application.clock(), limit=10)) == 3


def test_what_is_kept_of_an_edition_is_counted_though_a_row_is_bad(application, subscribe, item):
    application.store.papers.ingest([item(1)])
    bad = subscribe("bad@example.org")
    application.compose_edition("2026-06-10")
    due = replace(
        application.store.subscribers.get([bad.id])[bad.id],
        tz="Mars/Olympus",
        due_at=application.clock() - timedelta(minutes=1),
    )
    application.store.subscribers.save(due)
    good = subscribe("good@example.org")

    done = application.compose_edition("2026-06-10")

    assert len(digests(application, good)) == 1
    assert (done.subscribers, done.digests) == (1, 1)


def test_who_confirms_gets_the_last_list_at_once(application, confirm, item):
    application.moment[0] = datetime(2026, 6, 10, 13, 20, tzinfo=UTC)
    application.store.papers.ingest([item(1), item(2)])
    person = confirm(at="7:00")
    assert compose(application).digests == 1
    (digest,) = digests(application, person)
    assert len(digest.picks) == 2
    stored = application.store.subscribers.get([person.id])[person.id]
    assert stored.due_at == datetime(2026, 6, 11, 7, tzinfo=UTC)


def test_nobody_gets_a_second_digest_on_the_day_they_confirm(application, confirm, item):
    application.moment[0] = datetime(2026, 6, 10, 6, 30, tzinfo=UTC)
    application.store.papers.ingest([item(1)])
    person = confirm(at="7:00")
    compose(application)
    application.store.papers.ingest([item(2, seen_at=datetime(2026, 6, 10, 6, 45, tzinfo=UTC))])
    application.moment[0] = datetime(2026, 6, 10, 7, tzinfo=UTC)
    compose(application)
    assert len(digests(application, person)) == 1

    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    compose(application)
    assert shown_to(application, person) == [["arxiv:2606.00002"], ["arxiv:2606.00001"]]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_first_digest_over_a_holiday_is_that_of_the_list_before_it(
    application, confirm, item, elsewhere
):
    application.store.papers.ingest([item(1)])
    application.moment[0] = datetime(2026, 6, 13, 23, tzinfo=UTC)
    if elsewhere:  # only news that is not for this reader
        application.store.papers.ingest(
            [item(2, category="math.AG", title="Schemes", seen_at=application.moment[0])]
        )
    person = confirm()
    compose(application)
    (digest,) = digests(application, person)
    assert [pick.paper_id for pick in digest.picks] == ["arxiv:2606.00001"]
    assert digest.mood is Mood.PICKS


def test_one_newcomer_looking_further_back_changes_nothing_for_the_others(
    application, subscribe, confirm, item
):
    application.moment[0] = datetime(2026, 6, 9, 8, tzinfo=UTC)
    reader = subscribe("bo@example.org", at="8:00")
    application.moment[0] = datetime(2026, 6, 10, 8, tzinfo=UTC)
    application.store.papers.ingest([item(1)])
    compose(application)
    application.moment[0] = datetime(2026, 6, 13, 8, tzinfo=UTC)
    newcomer = confirm(at="8:00")
    compose(application)
    assert digests(application, reader)[0].picks == ()
    assert len(digests(application, newcomer)[0].picks) == 1


def test_an_operators_newcomer_gets_an_honest_line_at_their_hour(application, subscribe, item):
    application.store.papers.ingest([item(1)])
    application.moment[0] = datetime(2026, 6, 13, 6, tzinfo=UTC)
    person = subscribe(at="7:00")
    application.moment[0] = datetime(2026, 6, 13, 7, tzinfo=UTC)
    compose(application)
    assert digests(application, person)[0].mood is not Mood.PICKS


def test_an_old_list_is_not_news_to_a_newcomer(application, confirm, item):
    application.store.papers.ingest([item(1)])
    application.moment[0] = datetime(2026, 6, 20, 8, tzinfo=UTC)
    person = confirm()
    compose(application)
    assert digests(application, person)[0].picks == ()


def test_a_first_digest_shows_nothing_marked_as_seen(application, confirm, item):
    application.store.papers.ingest([item(1)])
    application.moment[0] = datetime(2026, 6, 13, 23, tzinfo=UTC)
    person = confirm()
    application.store.subscribers.save(replace(person, seen_until=DAY + timedelta(hours=1)))
    compose(application)
    assert digests(application, person)[0].picks == ()


# --- what readers and curators said ----------------------------------------------------------------


def test_what_was_marked_as_seen_is_left_out_and_the_rest_is_not(application, subscribe, item):
    person = subscribe(at="7:00")
    application.store.papers.ingest([item(1, seen_at=DAY + timedelta(hours=5))])
    seen_at = DAY + timedelta(hours=6)
    subscriptions.give(application.store, person, FeedbackKind.SEEN_ALL, via=Via.WEB, now=seen_at)
    application.store.papers.ingest([item(2, seen_at=DAY + timedelta(hours=7))])
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    compose(application)
    (digest,) = digests(application, person)
    assert [pick.paper_id for pick in digest.picks] == ["arxiv:2606.00002"]
    assert (digest.since, digest.announced) == (seen_at, 1)


def test_marking_as_seen_later_changes_nothing_of_a_kept_digest(application, subscribe, item):
    person = subscribe(at="7:00")
    application.store.papers.ingest([item(1)])
    application.compose_edition(None)
    now = application.clock() + timedelta(hours=1)
    subscriptions.give(application.store, person, FeedbackKind.SEEN_ALL, via=Via.WEB, now=now)
    (kept,) = digests(application, person)
    look = application.look(person.email, kept.edition)
    assert [pick.paper_id for pick in look.picks] == ["arxiv:2606.00001"]


class Listening:
    """A ranker that picks nothing and remembers what it was given."""

    def rank(self, block, candidates, *, without, now):
        self.block, self.candidates = block, candidates
        return [Ranking(subscriber_id=each.subscriber_id) for each in block]


def test_the_ranker_is_told_of_known_papers_and_of_the_curators_picks(application, subscribe, item):
    person, now = subscribe(), application.clock()
    store = application.store
    store.papers.ingest([item(number) for number in range(1, 5)])
    known, liked, picked = (
        store.papers.get([f"arxiv:2606.0000{n}"])[f"arxiv:2606.0000{n}"] for n in (1, 2, 3)
    )
    for kind, paper in ((FeedbackKind.KNOWN, known), (FeedbackKind.MORE, liked)):
        subscriptions.give(store, person, kind, paper=paper, via=Via.WEB, now=now)
    put = subscriptions.submit(store, person, picked.id, "Read it", a_day=5, now=now)
    subscriptions.decide(store, None, put.id, feature=True, line="", now=now)

    ranker = Listening()
    composing.rank_one(store, ranker, person, None, now=now + timedelta(days=13))
    assert set(ranker.candidates.liked) == {known.id, liked.id}
    assert ranker.candidates.featured == {picked.id}

    composing.rank_one(store, ranker, person, None, now=now + timedelta(days=15))
    assert ranker.candidates.featured == frozenset()


def test_someone_erased_while_digests_are_composed_stops_nobody(application, subscribe, item):
    gone, good = subscribe("a@example.org", at="7:00"), subscribe("b@example.org", at="7:00")
    application.store.papers.ingest([item(1, seen_at=DAY + timedelta(days=1))])
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)

    class Erasing(Listening):
        def rank(self, block, candidates, *, without, now):
            application.store.subscribers.erase(gone.id)
            return super().rank(block, candidates, without=without, now=now)

    composing.compose_due(composing_by(application, Erasing()))
    assert len(digests(application, good)) == 1


@pytest.mark.parametrize(
    ("meanwhile", "due"),
    [
        (lambda person: replace(person, at=time(18)), datetime(2026, 6, 11, 18, tzinfo=UTC)),
        (lambda person: replace(person, status=Status.PAUSED, due_at=None), None),
    ],
    ids=["another hour", "a pause"],
)
def test_what_a_reader_changes_while_they_are_ranked_is_kept_to(
    application, subscribe, meanwhile, due
):
    person = subscribe(at="7:00")
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    subscribers = application.store.subscribers

    class Changing(Listening):
        def rank(self, block, candidates, *, without, now):
            subscribers.save(meanwhile(subscribers.by_email(person.email)))
            return super().rank(block, candidates, without=without, now=now)

    composing.compose_due(composing_by(application, Changing()))
    assert subscribers.by_email(person.email).due_at == due


@pytest.mark.parametrize(
    "compose_by",
    [
        composing.compose_due,
        lambda this: composing.compose_edition(this, None),
    ],
    ids=["due", "edition"],
)
def test_a_share_of_the_readers_is_composed_block_by_block_until_asked_to_stop(
    application, subscribe, compose_by
):
    people = sorted((subscribe(f"r{n}@example.org", at="7:00") for n in range(7)), key=by_id)
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    ours = IdRange(after=people[0].id, last=people[5].id)
    told = []

    compose_by(
        composing_by(
            application,
            Listening(),
            block=2,
            among=ours,
            stopping=lambda: len(told) == 2,
            progress=told.append,
        )
    )
    assert told == [2, 2]
    assert sum(len(digests(application, each)) for each in people) == 4

    compose_by(composing_by(application, Listening(), block=2, among=ours))
    assert [len(digests(application, each)) for each in people] == [0, 1, 1, 1, 1, 1, 0]


def by_id(person):
    return person.id
