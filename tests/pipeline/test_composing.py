"""Who gets a digest when, of what, and never twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digest.errors import InvalidInput
from digest.model import Mood

DAY = datetime(2026, 6, 10, 4, tzinfo=UTC)


def compose(application):
    return application.compose_due()


def digests(application, person):
    return application.store.ledger.recent(person.id, limit=10)


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
    compose(application)
    application.moment[0] = datetime(2026, 6, 12, 7, tzinfo=UTC)
    application.store.ledger.claim(application.clock(), owner="w1", limit=10, lease=60)
    assert application.store.ledger.counts()["expired"] == 1
    compose(application)
    assert [pick.paper_id for pick in digests(application, person)[0].picks] == ["arxiv:2606.00001"]


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


def test_a_day_that_has_not_come_cannot_be_composed(application, subscribe):
    subscribe()
    with pytest.raises(InvalidInput, match="has not come yet"):
        application.compose_edition("2062-06-10")


def test_one_bad_row_does_not_stop_the_others(application, subscribe, item):
    bad, good = subscribe("bad@example.org"), subscribe("good@example.org")
    application.store.subscribers.save(replace(bad, tz="Mars/Olympus"))
    application.store.papers.ingest([item(1, seen_at=DAY + timedelta(days=1))])
    application.moment[0] = datetime(2026, 6, 11, 7, tzinfo=UTC)
    assert compose(application).digests == 1
    assert len(digests(application, good)) == 1
