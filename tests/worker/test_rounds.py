"""Rounds: each part of a tick does what is due, and leaves the rest of the work its turn."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from digest import subscriptions, worker
from digest.app import troubles
from digest.app.composer import COMPOSING_NOW
from digest.errors import FetchFailed
from digest.model import Outcome, Receipt
from digest.pipeline import personal
from digest.testing import MemoryTransport
from digest.worker import nights, rounds


def test_a_feed_of_someone_who_left_on_the_web_is_gone_within_the_hour(
    offline, tmp_path, subscribe
):
    person = subscribe()
    worker.tick(offline)
    mine = tmp_path / "public" / "feeds" / "mine"
    assert len(list(mine.iterdir())) == 3
    subscriptions.unsubscribe(offline.store, person, now=offline.clock())
    offline.moment[0] += timedelta(hours=1)
    worker.tick(offline)
    assert list(mine.iterdir()) == []


@pytest.fixture
def own_feed(offline, tmp_path):
    """What a reader's own feed says, of which `says` can be made anything."""

    def path(person):
        return tmp_path / "public" / personal.info(offline.site, person).path("json")

    def look(person, *, says=None):
        if says is not None:
            path(person).write_text(says)
        return path(person).read_text(encoding="utf-8")

    return look


def test_own_feeds_are_written_for_whoever_got_a_digest_and_once_a_night_for_all(
    offline, subscribe, own_feed
):
    ada, bob = subscribe(at="9"), subscribe("bob@example.org", at="12")
    worker.tick(offline)
    offline.moment[0] += timedelta(hours=1)
    worker.tick(offline)
    for person in (ada, bob):
        own_feed(person, says="old")

    offline.moment[0] = offline.clock().replace(hour=9, minute=1)
    worker.tick(offline)
    assert (own_feed(ada) == "old", own_feed(bob) == "old") == (False, True)

    offline.moment[0] += timedelta(hours=1)
    worker.tick(offline)
    own_feed(ada, says="old")
    offline.moment[0] = offline.clock().replace(hour=12, minute=1)
    worker.tick(offline)
    assert (own_feed(ada) == "old", own_feed(bob) == "old") == (True, False)

    own_feed(bob, says="old")
    offline.moment[0] += timedelta(days=1)
    worker.tick(offline)
    assert "old" not in (own_feed(ada), own_feed(bob))


def test_own_feeds_that_take_long_are_written_tick_by_tick(
    offline, subscribe, own_feed, monkeypatch
):
    people = sorted((subscribe(f"r{n}@example.org") for n in range(3)), key=lambda each: each.id)
    worker.tick(offline)
    for person in people:
        own_feed(person, says="old")
    offline.moment[0] += timedelta(days=1)
    seconds = count()
    began = offline.clock()
    monkeypatch.setattr(offline, "clock", lambda: began + timedelta(seconds=next(seconds)))
    monkeypatch.setattr(rounds, "PUBLISHING", timedelta(seconds=2))

    for written in (1, 2, 3):
        rounds.publish(offline, changed=False)
        assert [own_feed(each) == "old" for each in people] == [
            number >= written for number in range(3)
        ]

    own_feed(people[0], says="old")
    for _ in range(2):
        rounds.publish(offline, changed=False)
    assert own_feed(people[0]) == "old", "nothing came for them since"


def test_own_feeds_stop_when_asked_and_go_on_with_the_next_tick(offline, subscribe, own_feed):
    person = subscribe()
    worker.tick(offline)
    own_feed(person, says="old")
    offline.moment[0] += timedelta(days=1)

    rounds.publish(offline, changed=True, stopping=lambda: True)
    assert own_feed(person) == "old"

    rounds.publish(offline, changed=False)
    assert own_feed(person) != "old"


@pytest.mark.parametrize("changed", [False, True])
def test_whoever_a_pass_has_gone_by_when_their_digest_comes_is_in_the_next(
    offline, subscribe, own_feed, changed
):
    first, last = sorted(
        (subscribe(f"r{n}@example.org") for n in range(2)), key=lambda each: each.id
    )
    worker.tick(offline)
    for person in (first, last):
        own_feed(person, says="old")
    offline.moment[0] += timedelta(days=1)
    turns = iter([False, True])
    rounds.publish(offline, changed=True, stopping=lambda: next(turns))
    assert (own_feed(first) == "old", own_feed(last) == "old") == (False, True)

    own_feed(first, says="old")
    assert rounds.compose(offline)
    offline.moment[0] += timedelta(minutes=10)
    rounds.publish(offline, changed=changed)
    assert (own_feed(first) == "old", own_feed(last) == "old") == (True, False)

    rounds.publish(offline, changed=False)
    assert own_feed(first) != "old"


def test_a_pass_by_a_clock_that_was_ahead_leaves_out_nobody_once_it_is_put_right(
    offline, subscribe, own_feed
):
    person = subscribe(at="9")
    worker.tick(offline)
    right = offline.clock().replace(hour=9, minute=1)
    offline.moment[0] = right + timedelta(hours=3)
    rounds.publish(offline, changed=True)
    own_feed(person, says="old")

    offline.moment[0] = right
    assert rounds.compose(offline)
    rounds.publish(offline, changed=True)

    assert own_feed(person) != "old"


def test_a_newcomer_has_a_feed_of_their_own_before_any_digest(offline, subscribe, own_feed):
    worker.tick(offline)
    person = subscribe()
    offline.moment[0] += timedelta(hours=1)

    rounds.publish(offline, changed=False)

    assert '"items":[]' in own_feed(person)


def test_own_feeds_wait_for_what_another_worker_is_composing(offline, subscribe, own_feed):
    person = subscribe()
    worker.tick(offline)
    own_feed(person, says="old")
    offline.moment[0] += timedelta(days=1)
    offline.store.lease(COMPOSING_NOW, owner="another", now=offline.clock(), seconds=60)

    rounds.publish(offline, changed=True)
    assert own_feed(person) == "old"

    offline.store.unlease(COMPOSING_NOW, owner="another")
    rounds.publish(offline, changed=False)
    assert own_feed(person) != "old"


@pytest.mark.parametrize("verb", ["compose_due", "compose_edition"])
def test_own_feeds_wait_for_what_is_composed_by_hand(offline, subscribe, own_feed, verb):
    person, seen = subscribe(), []
    worker.tick(offline)
    own_feed(person, says="old")
    offline.moment[0] += timedelta(days=1)

    def look(_count):
        rounds.publish(offline, changed=True)
        seen.append(own_feed(person))

    edition = (None,) if verb == "compose_edition" else ()
    assert getattr(offline, verb)(*edition, progress=look).digests == 1
    assert set(seen) == {"old"}

    rounds.publish(offline, changed=True)
    assert own_feed(person) != "old"


def test_feeds_of_who_left_are_gone_within_the_hour_while_another_worker_composes(
    offline, tmp_path, subscribe, own_feed
):
    person, other = subscribe(), subscribe("bob@example.org")
    worker.tick(offline)
    subscriptions.unsubscribe(offline.store, person, now=offline.clock())
    own_feed(other, says="old")
    offline.moment[0] += timedelta(hours=1)
    offline.store.lease(COMPOSING_NOW, owner="another", now=offline.clock(), seconds=60)

    rounds.publish(offline, changed=False)

    mine = tmp_path / "public" / "feeds" / "mine"
    assert len(list(mine.iterdir())) == 3
    assert own_feed(other) == "old"


def test_a_digest_kept_after_a_pass_but_dated_before_it_is_in_its_feed_within_the_hour(
    offline, subscribe, own_feed
):
    """The clock of the one who publishes is four minutes ahead of the one who composes."""
    person = subscribe(at="9")
    worker.tick(offline)
    offline.moment[0] += timedelta(hours=1)
    worker.tick(offline)
    nine = offline.clock().replace(hour=9)
    offline.moment[0] = nine + timedelta(minutes=5)
    rounds.publish(offline, changed=True)
    own_feed(person, says="old")

    offline.moment[0] = nine + timedelta(minutes=1)
    assert rounds.compose(offline)
    offline.moment[0] += timedelta(hours=1, minutes=4)
    worker.tick(offline)

    assert own_feed(person) != "old"


@pytest.fixture
def featured(offline, archive, subscribe):
    """Somebody who shows their name, whose paper a curator featured and everybody's digest holds."""
    store, now = offline.store, offline.clock()
    store.papers.ingest(archive([1], seen_at=now))
    person = subscribe(name="Ada Lovelace", shows_name=True)
    made = subscriptions.submit(store, person, "2601.00001", "Worth your time", a_day=5, now=now)
    subscriptions.decide(store, None, made.id, feature=True, line=None, now=now)
    return person


def hide_name(store, person):
    store.subscribers.save(replace(person, shows_name=False), before=person)


def erase(store, person):
    subscriptions.erase(store, person, now=person.created_at)


@pytest.mark.parametrize("take_back", [erase, hide_name])
def test_a_name_taken_back_is_gone_from_everybodys_own_feed_within_the_hour(
    offline, featured, subscribe, own_feed, take_back
):
    reader = subscribe("bob@example.org", at="12", topics=["cs.LG"])
    offline.compose_edition(None)
    for _ in range(2):
        worker.tick(offline)
        offline.moment[0] += timedelta(hours=1)
    assert "Ada Lovelace" in own_feed(reader)
    night = nights.tonight(offline)

    take_back(offline.store, featured)
    worker.tick(offline)

    assert nights.tonight(offline) == night
    assert "Ada Lovelace" not in own_feed(reader)


def test_own_feeds_follow_the_site_to_another_address_within_the_hour(offline, subscribe, own_feed):
    person = subscribe()
    worker.tick(offline)
    assert "https://digest.example" in own_feed(person)

    object.__setattr__(offline.settings.site, "url", "https://papers.example.org")
    offline.__dict__.pop("site", None)
    offline.moment[0] += timedelta(hours=1)
    worker.tick(offline)

    assert "https://digest.example" not in own_feed(person)
    assert "https://papers.example.org" in own_feed(person)


def test_a_pass_of_all_comes_to_its_end_before_another_begins(
    offline, featured, subscribe, own_feed, monkeypatch
):
    """Else those at its end would wait for as long as something changes every few minutes."""
    people = [featured, *(subscribe(f"r{n}@example.org") for n in range(2))]
    people.sort(key=lambda each: each.id)
    worker.tick(offline)
    for person in people:
        own_feed(person, says="old")
    offline.moment[0] += timedelta(days=1)
    monkeypatch.setattr(rounds, "PUBLISHING", timedelta(seconds=2))
    seconds, began = count(), offline.clock()
    monkeypatch.setattr(offline, "clock", lambda: began + timedelta(seconds=next(seconds)))

    rounds.publish(offline, changed=True)
    hide_name(offline.store, featured)
    for _ in range(2):
        rounds.publish(offline, changed=True)
    assert "old" not in [own_feed(each) for each in people]

    own_feed(people[-1], says="old")
    for _ in range(5):
        rounds.publish(offline, changed=True)
    assert own_feed(people[-1]) != "old"


def test_a_publisher_that_died_is_followed_within_a_minute(offline, tmp_path):
    offline.store.lease("publish", owner="died", now=offline.clock(), seconds=60)
    worker.tick(offline)
    assert not (tmp_path / "public").exists()

    offline.moment[0] += timedelta(seconds=61)
    worker.tick(offline)
    assert (tmp_path / "public" / "feeds.opml").exists()


def test_one_worker_composes_at_a_time_and_another_takes_over_from_one_that_died(
    offline, subscribe, mailbox
):
    subscribe()
    offline.moment[0] += timedelta(days=1)
    died = offline.clock()
    offline.store.lease(rounds.COMPOSING, owner="died", now=died, seconds=60)

    worker.tick(offline)
    assert mailbox() == []

    offline.moment[0] += timedelta(seconds=61)
    worker.tick(offline)
    assert len(mailbox()) == 1
    assert offline.store.lease(rounds.COMPOSING, owner="next", now=offline.clock(), seconds=60)


def test_digests_wait_for_what_another_process_is_reading_but_not_for_ever(
    offline, subscribe, mailbox
):
    subscribe()
    offline.moment[0] += timedelta(days=1)

    def tick_while_it_reads():
        assert offline.store.lease("poll", owner="another", now=offline.clock(), seconds=60)
        worker.tick(offline)
        return len(mailbox())

    assert tick_while_it_reads() == 0
    offline.moment[0] += timedelta(minutes=9)
    assert tick_while_it_reads() == 0
    assert troubles(offline.store) == []
    offline.moment[0] += timedelta(minutes=1)
    assert tick_while_it_reads() == 1
    (trouble,) = troubles(offline.store)
    assert trouble.doing == "fetching lists"
    assert "digests are made without what it reads" in trouble.cause

    offline.store.unlease("poll", owner="another")
    worker.tick(offline)
    assert troubles(offline.store) == []


def test_what_waits_by_a_clock_that_is_put_right_waits_no_longer_than_else(
    offline, subscribe, mailbox
):
    subscribe()
    offline.moment[0] += timedelta(days=1)
    right = offline.clock()
    ahead = right + timedelta(hours=20)

    for moment in (ahead, right, right + timedelta(minutes=10)):
        assert mailbox() == []
        offline.moment[0] = moment
        offline.store.unlease("poll", owner="another")
        assert offline.store.lease("poll", owner="another", now=moment, seconds=60)
        worker.tick(offline)

    assert len(mailbox()) == 1


def test_what_stopped_composing_is_still_known_while_digests_wait(offline, monkeypatch):
    def fail(**_):
        raise FetchFailed("No space.")

    with monkeypatch.context() as broken:
        broken.setattr(offline, "compose_due", fail)
        worker.tick(offline)
    offline.store.lease("poll", owner="another", now=offline.clock(), seconds=60)

    worker.tick(offline)

    assert [each.part for each in troubles(offline.store)] == ["compose"]
    offline.store.unlease("poll", owner="another")
    worker.tick(offline)
    assert troubles(offline.store) == []


def test_digests_are_made_as_soon_as_another_process_has_read(offline, subscribe, mailbox):
    subscribe()
    offline.moment[0] += timedelta(days=1)
    offline.store.lease("poll", owner="killed", now=offline.clock(), seconds=60)
    worker.tick(offline)
    offline.moment[0] += timedelta(minutes=1)

    worker.tick(offline)

    assert len(mailbox()) == 1
    assert not offline.store.sources.cursor(rounds.READ_ELSEWHERE)


def test_letters_do_not_wait_until_all_digests_are_composed(offline, subscribe, mailbox):
    ranking = replace(offline.settings.ranking, block=1)
    offline.settings = replace(offline.settings, ranking=ranking)
    for address in ("ada@example.org", "bo@example.org", "chi@example.org"):
        subscribe(address)
    offline.moment[0] += timedelta(days=1)
    offline.write("confirm", offline.store.subscribers.by_email("chi@example.org"))
    seen = []

    def look():
        seen.append((offline.store.ledger.counts()["queued"], len(mailbox())))
        return False

    rounds.compose(offline, stopping=look)

    assert (1, 1) in seen
    assert seen[-1] == (3, 1)


def test_a_mail_server_that_is_away_does_not_hold_composing_up(offline, subscribe):
    """A letter takes it half a minute to find out, and there may be a thousand of them."""
    ranking = replace(offline.settings.ranking, block=1)
    offline.settings = replace(offline.settings, ranking=ranking)
    asked = []

    class Away(MemoryTransport):
        def send(self, messages, now, **_):
            for message in messages:
                asked.append(message.recipient)
                offline.moment[0] += timedelta(minutes=2)
                yield Receipt(digest_id=message.digest_id, outcome=Outcome.DEFERRED, at=now)

    offline.__dict__["courier"] = Away()
    for address in ("ada@example.org", "bo@example.org", "chi@example.org"):
        subscribe(address)
    offline.moment[0] += timedelta(days=1)
    offline.write("confirm", offline.store.subscribers.by_email("chi@example.org"))

    assert rounds.compose(offline)

    assert asked == ["chi@example.org"]
    assert offline.store.ledger.counts()["queued"] == 3


class Slow(MemoryTransport):
    """A mail server that takes `each` for a message; `seen` is called before it answers."""

    def __init__(self, app, each, seen=lambda: None):
        super().__init__()
        self.app, self.each, self.seen = app, each, seen

    def send(self, messages, now, **how):
        for message in messages:
            self.app.moment[0] += self.each
            self.seen()
            yield from super().send([message], now, **how)


@pytest.fixture
def in_blocks_of_one(offline):
    """An application that composes and sends for one reader at a time."""
    settings = offline.settings
    offline.settings = replace(
        settings, ranking=replace(settings.ranking, block=1), smtp=replace(settings.smtp, block=1)
    )
    return offline


def test_while_many_digests_wait_mail_comes_in_and_others_are_composed(
    in_blocks_of_one, monkeypatch, subscribe
):
    app = in_blocks_of_one
    for number in range(10):
        subscribe(f"reader{number}@example.org", at="07:00", quiet="line")
    subscribe("later@example.org", at="07:10", quiet="line")
    app.__dict__["transport"] = transport = Slow(app, timedelta(minutes=1))
    asked, start = [], datetime(2026, 6, 11, 7, tzinfo=UTC)
    monkeypatch.setattr(app, "fetch_mail", lambda: asked.append(app.clock() - start))

    app.moment[0] = start
    worker.ticks(app, stopping=lambda: False, door=None)

    assert asked == [timedelta(minutes=each) for each in (0, 5, 10)]
    today = [each.recipient for each in transport.sent if each.digest_id.endswith("2026-06-11")]
    assert len(today) == 11, "nobody waits for the clock to tick between rounds"
    assert "later@example.org" in today


def test_a_round_that_ends_since_the_mail_server_is_away_is_not_begun_again_at_once(
    offline, subscribe
):
    class Away(Slow):
        def send(self, messages, now, **how):
            for each in super().send(messages, now, **how):
                yield replace(each, outcome=Outcome.DEFERRED, code=0)

    subscribe(quiet="line")
    offline.moment[0] += timedelta(days=1)
    offline.__dict__["transport"] = Away(offline, timedelta(minutes=6))

    assert not worker.tick(offline)


def test_very_many_letters_leave_half_of_the_time_to_digests(in_blocks_of_one, subscribe):
    app = in_blocks_of_one
    person = subscribe()
    app.__dict__["courier"] = courier = Slow(app, timedelta(seconds=1))
    for number in range(100):
        app.write("confirm", person, recipient=f"reader{number}@example.org")
    letters = rounds.letters_between(app, stopping=lambda: False)

    letters(1)
    first = len(courier.sent)
    letters(1)
    assert 10 <= first == len(courier.sent) < 30, "it is the digests' turn"

    app.moment[0] += timedelta(seconds=first)
    letters(1)
    assert len(courier.sent) == 2 * first


def test_after_a_change_of_space_readers_are_learned_before_their_hour(offline, archive, subscribe):
    offline.store.papers.ingest(archive(range(100)))
    person = subscribe(likes=("2601.00001",))
    worker.tick(offline)
    assert offline.store.ledger.recent(person.id, limit=1) == []
    assert offline.store.spaces.tastes(offline.ranker.keeps, [person.id])


def test_a_space_that_an_upgrade_left_unreadable_does_not_wait_for_the_night(offline, archive):
    offline.store.papers.ingest(archive(range(100)))
    offline.store.spaces.keep("lsa:old", b"of another version", offline.clock(), papers=100)
    worker.tick(offline)
    assert offline.store.spaces.learned().dimensions > 0
