"""Post: a letter is written once, goes out at once, and is tried again until it is too late."""

import random
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from itertools import pairwise

import pytest

from digest import subscriptions, worker
from digest.errors import ConfigError
from digest.model import (
    AddressChange,
    EvidenceKind,
    Interest,
    InterestKind,
    Outcome,
    Receipt,
    Status,
)
from digest.pipeline import posting
from digest.testing import MemoryTransport, RecordedFetcher


@pytest.fixture
def person(subscribe):
    return subscribe()


@pytest.fixture
def write(application, person):
    """Queues a letter to the one subscriber."""

    def letter(kind="link", to=person, **given):
        return application.write(kind, to, **given)

    return letter


@pytest.fixture
def post(application):
    def run(transport, **changes):
        given = {
            "sign": lambda content, _now: content,
            "clock": application.clock,
            "rng": random.Random(1),
            "bounced": application.bounced,
        } | changes
        this = posting.Round(store=application.store, transport=transport, **given)
        return posting.post_due(this)

    return run


@pytest.fixture
def waiting(application):
    """Adds so many people who have yet to confirm, and gives their addresses."""

    def add(count):
        now = application.clock()
        people = [
            subscriptions.newcomer(application.newcomer, f"reader{number}@example.org", now=now)
            for number in range(count)
        ]
        application.store.subscribers.add((each, ()) for each in people)
        return [each.email for each in people]

    return add


def headers(message):
    return message_from_bytes(message.content, policy=policy.default)


# --- writing ----------------------------------------------------------------------------------


def test_a_letter_goes_out_once_under_an_id_that_follows_from_what_it_says(
    application, write, post, person
):
    letter = write()
    transport = MemoryTransport()

    assert post(transport).accepted == 1
    assert post(transport).accepted == 0
    (sent,) = transport.sent
    assert (sent.recipient, sent.digest_id) == (person.email, letter.id)
    assert headers(sent)["Message-ID"] == f"<{letter.id}@digest.example>"
    assert application.store.post.waiting() == 0


def test_a_letter_asked_for_twice_within_the_minute_is_one_letter(application, write):
    assert write().id == write().id
    assert application.store.post.waiting() == 1

    application.moment[0] += timedelta(minutes=1)
    write()
    assert application.store.post.waiting() == 2


def test_a_mail_that_comes_in_twice_is_answered_once(application, write):
    write("answer", in_reply_to="<q@example.org>", title="Done.")
    application.moment[0] += timedelta(hours=3)
    write("answer", in_reply_to="<q@example.org>", title="Done.")

    assert application.store.post.waiting() == 1


def test_a_mail_that_comes_in_twice_asks_to_confirm_once(application, write, person):
    for _ in range(2):
        asked = Interest(kind=InterestKind.TOPIC, value="cs.IR", added_at=application.clock())
        application.store.subscribers.set_interests(person.id, [asked])
        write("confirm", in_reply_to="<q@example.org>")
        application.moment[0] += timedelta(hours=3)

    assert application.store.post.waiting() == 1


def test_different_answers_to_mails_of_one_id_are_different_letters(application, write):
    write("answer", in_reply_to="<q@example.org>", title="Done.")
    write("answer", in_reply_to="<q@example.org>", title="Undone.")

    assert application.store.post.waiting() == 2


def test_the_question_to_confirm_names_the_topics_that_are_kept(application, write, post, person):
    application.store.subscribers.set_interests(
        person.id,
        [
            Interest(kind=InterestKind.TOPIC, value="cs.IR", added_at=application.clock()),
            Interest(kind=InterestKind.KEYWORD, value="pills", added_at=application.clock()),
        ],
    )
    write("confirm")
    transport = MemoryTransport()
    post(transport)

    text = headers(transport.sent[0]).get_body(("plain",)).get_content()
    assert "Topics: Information Retrieval (cs.IR)" in text
    assert "1 keyword" in text
    assert "pills" not in text


def test_a_change_of_address_is_asked_about_at_both_ends(application, write, post, person):
    change = AddressChange(
        subscriber_id=person.id, email="new@example.net", asked_at=application.clock()
    )
    write("address-old", change=change)
    write("address-new", change=change)
    transport = MemoryTransport()

    assert post(transport).accepted == 2
    by_recipient = {
        each.recipient: headers(each).get_body(("plain",)).get_content() for each in transport.sent
    }
    subject = subscriptions.addresses.change_subject(change)
    assert f"/a/{person.id}.{subject}." in by_recipient[person.email]
    assert f"/a/{person.id}.{subject}." in by_recipient["new@example.net"]
    assert "new@example.net" in by_recipient[person.email]


def test_a_letter_of_a_stranger_needs_a_recipient_alone(application, write, post):
    write("help", None, recipient="stranger@example.net", in_reply_to="<q@example.net>")
    transport = MemoryTransport()
    post(transport)

    assert [(each.recipient, each.sender) for each in transport.sent] == [
        ("stranger@example.net", "")
    ]


def test_a_letter_is_signed_as_it_goes_out(write, post):
    write()
    transport = MemoryTransport()
    post(transport, sign=lambda content, _now: b"DKIM-Signature: x\r\n" + content)

    assert transport.sent[0].content.startswith(b"DKIM-Signature: x\r\nFrom: ")


# --- when it does not go through ----------------------------------------------------------------


def test_a_deferred_letter_is_tried_again_after_a_minute_and_then_ever_later(
    application, write, post, person
):
    write()
    busy = MemoryTransport(answers={person.email: (Outcome.DEFERRED, 451, "4.3.0 later")})
    tries = []
    for _ in range(60 * 10):
        if post(busy).deferred:
            tries.append(application.clock())
        application.moment[0] += timedelta(seconds=20)

    waits = [(after - before).total_seconds() / 60 for before, after in pairwise(tries)]
    assert 0.8 <= waits[0] <= 1.5
    assert 4 <= waits[1] <= 6.5
    assert 24 <= waits[2] <= 36.5


def test_a_letter_that_was_not_offered_waits_no_longer_than_at_first(application, write, post):
    class Down(MemoryTransport):
        def send(self, messages, now, **held):
            for message in messages:
                yield Receipt(
                    digest_id=message.digest_id, outcome=Outcome.DEFERRED, at=now, untried=True
                )

    write()
    for _ in range(5):
        assert post(Down()).cut_short
        application.moment[0] += timedelta(minutes=2)

    assert post(MemoryTransport()).accepted == 1


@pytest.fixture
def attempts(application):
    """How often letters were tried that wait; they are claimed by that."""

    def count():
        application.moment[0] += timedelta(minutes=3)
        claimed = application.store.post.claim(application.clock(), limit=99, lease=60)
        return sorted(each.attempts - 1 for each in claimed)

    return count


def test_letters_that_were_not_offered_have_not_been_tried(application, write, post, attempts):
    class LosesIt(MemoryTransport):
        def send(self, messages, now, **held):
            for number, message in enumerate(messages):
                yield Receipt(
                    digest_id=message.digest_id,
                    outcome=Outcome.DEFERRED,
                    at=now,
                    untried=number > 0,
                )

    for kind in ("link", "known", "help"):
        write(kind)
    post(LosesIt())

    assert attempts() == [0, 0, 1]


def test_letters_that_nobody_got_to_have_not_been_tried(application, write, post, person, attempts):
    for kind in ("link", "known", "help", "export"):
        write(kind)
    slow = Slow(answers={person.email: (Outcome.DEFERRED, 451, "4.3.0 later")})
    slow.moment = application.moment
    asked = iter([False, True])
    post(slow, stopping=lambda: next(asked))

    assert attempts() == [0, 0, 1, 1]


def test_a_wrong_setting_is_no_attempt_of_any_letter(application, write, post, attempts):
    class Refuses(WrongPassword):
        def send(self, messages, now, **held):
            next(iter(messages))
            super().send(messages, now, **held)

    write()
    with pytest.raises(ConfigError):
        post(Refuses())

    assert attempts() == [0]


def test_a_letter_in_hand_when_we_crashed_counts_as_tried(application, write, post, attempts):
    for kind in ("link", "known", "help"):
        write(kind)
    with pytest.raises(Crash):
        post(Dying())

    assert attempts() == [0, 1]


def test_a_letter_that_was_deferred_goes_out_in_the_end(application, write, post, person):
    write()
    post(MemoryTransport(answers={person.email: (Outcome.DEFERRED, 451, "4.3.0 later")}))
    after = MemoryTransport()

    assert post(after).accepted == 0
    application.moment[0] += timedelta(minutes=2)
    assert post(after).accepted == 1


def test_a_letter_after_which_the_server_falls_silent_goes_once_more_and_no_more(
    application, write, post
):
    class Losing(MemoryTransport):
        def send(self, messages, now, **held):
            for receipt in super().send(messages, now, **held):
                yield replace(receipt, outcome=Outcome.DEFERRED, code=0, unknown=True)

    write()
    losing = Losing()
    for _ in range(24):
        post(losing)
        application.moment[0] += timedelta(hours=1)

    assert len(losing.sent) == 2
    assert application.store.post.waiting() == 0


def test_a_link_that_lives_an_hour_is_not_sent_when_it_is_over(application, write, post, person):
    write("account")
    post(MemoryTransport(answers={person.email: (Outcome.DEFERRED, 451, "4.3.0 later")}))
    application.moment[0] += timedelta(minutes=45)
    late = MemoryTransport()
    post(late)

    assert late.sent == []
    assert application.store.post.waiting() == 0


def test_a_letter_that_nobody_got_to_in_time_is_told_of(application, write, post, caplog):
    write()
    application.moment[0] += timedelta(days=3)
    late = MemoryTransport()
    post(late)
    post(late)

    assert late.sent == []
    told = [each for each in caplog.records if each.action == "post"]
    assert [(each.message, each.kind) for each in told] == [(posting.TOO_LATE, "link")]


def test_a_letter_that_waited_for_a_block_to_be_lifted_is_not_lost(
    application, write, post, person
):
    write()
    blocked = "5.7.1 Client host [192.0.2.1] blocked using rbl.example"
    blocking = MemoryTransport(answers={person.email: (Outcome.REFUSED, 554, blocked)})

    result = post(blocking)
    application.moment[0] += timedelta(hours=20)
    assert (result.deferred, result.causes) == (1, (blocked,))
    assert post(blocking).deferred == 1
    application.moment[0] += timedelta(hours=3)
    assert post(MemoryTransport()).accepted == 1


def test_a_letter_that_is_refused_to_the_end_ends_no_subscription(application, write, post, person):
    write()
    refusing = MemoryTransport(answers={person.email: (Outcome.REFUSED, 554, "5.7.1 spam")})
    for _ in range(50):
        post(refusing)
        application.moment[0] += timedelta(hours=1)

    assert application.store.post.waiting() == 0
    assert application.store.subscribers.by_email(person.email).status is Status.ACTIVE
    assert application.store.post.evidences() == []


def test_an_active_subscribers_address_that_does_not_exist_is_not_written_to_again(
    application, write, post, person
):
    letter = write()
    post(MemoryTransport(answers={person.email: (Outcome.REFUSED, 550, "5.1.1 no such user")}))

    assert application.store.subscribers.by_email(person.email).status is Status.SUPPRESSED
    (evidence,) = application.store.post.evidences()
    assert evidence.kind is EvidenceKind.HARD_BOUNCE
    assert (evidence.id, evidence.status, evidence.subscriber_id) == (
        f"{letter.id}.1",
        "5.1.1",
        person.id,
    )


def test_who_was_not_asked_when_an_import_was_cut_short_is_asked_by_the_next(
    application, waiting, monkeypatch
):
    people = waiting(5)
    monkeypatch.setattr("digest.app.correspondent.ASKED_AT_ONCE", 2)
    told = []

    def cut_short(done):
        told.append(done)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        application.ask_to_confirm(people, progress=cut_short)
    assert application.store.post.waiting() == 4

    assert application.ask_to_confirm(people) == 1
    assert application.ask_to_confirm(people) == 0
    (letter,) = application.store.post.waiting_for(people[-1])
    assert letter.kind == "confirm"


def test_whose_letter_was_not_kept_does_not_count_as_asked(application, waiting, monkeypatch):
    people = waiting(3)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(posting.letters, "letter", interrupt)
        with pytest.raises(KeyboardInterrupt):
            application.ask_to_confirm(people)

    assert application.ask_to_confirm(people) == 3


def test_an_address_that_nobody_confirmed_leaves_no_evidence(application, post):
    now = application.clock()
    stranger = subscriptions.subscribe(
        application.store,
        "typo@example.net",
        subscriptions.Wishes(topics=["cs.IR"]),
        topics=application.settings.topics,
        defaults=application.newcomer,
        confirmed=False,
        now=now,
    )
    application.write("confirm", stranger)
    post(MemoryTransport(answers={"typo@example.net": (Outcome.REFUSED, 550, "5.1.1 nobody")}))

    assert application.store.subscribers.by_email("typo@example.net").status is Status.PENDING
    assert application.store.post.evidences() == []


def test_one_letter_that_cannot_be_signed_stops_no_other(application, write, post):
    write("link")
    write("help")

    def sign(content, _now):
        if b"help." in content:
            raise ValueError("not this one")
        return content

    transport = MemoryTransport()
    result = post(transport, sign=sign)

    assert (result.accepted, result.deferred) == (1, 1)
    assert application.store.post.waiting() == 1


def test_a_bounce_that_cannot_be_recorded_stops_no_other_letter(application, write, post, person):
    from digest.errors import StoreBusy

    def bounced(_evidence):
        raise StoreBusy("The database is busy.")

    write("link")
    write("help", None, recipient="other@example.net")
    gone = MemoryTransport(answers={person.email: (Outcome.REFUSED, 550, "5.1.1 no such user")})

    assert post(gone, bounced=bounced).accepted == 1


class WrongPassword(MemoryTransport):
    """A server that will not have us."""

    def send(self, messages, now, **held):
        raise ConfigError("The mail server refuses our password.")


def test_a_wrong_setting_is_told_and_loses_no_letter(application, write, post):
    write()
    with pytest.raises(ConfigError):
        post(WrongPassword())

    application.moment[0] += timedelta(minutes=2)
    assert post(MemoryTransport()).accepted == 1


class Crash(BaseException):
    """The process dies."""


class Dying(MemoryTransport):
    """Accepts one letter and dies on the second, with nothing settled after it."""

    def send(self, messages, now, **held):
        for number, receipt in enumerate(super().send(messages, now, **held)):
            if number == 1:
                raise Crash
            yield receipt


def test_a_crash_loses_no_letter_and_repeats_at_most_the_one_in_hand(application, write, post):
    for kind in ("link", "known", "help"):
        write(kind)
    dying = Dying()
    with pytest.raises(Crash):
        post(dying)
    application.moment[0] += timedelta(minutes=2)
    after = MemoryTransport()
    post(after)

    ids = [each.digest_id for each in (*dying.sent, *after.sent)]
    assert len(set(ids)) == 3
    assert len(ids) == 4


# --- several at once ---------------------------------------------------------------------------


class Meanwhile(MemoryTransport):
    """While it is sending, somebody else posts as well."""

    then = None

    def send(self, messages, now, **held):
        if self.then is not None:
            then, self.then = self.then, None
            then()
        yield from super().send(messages, now, **held)


def test_two_that_post_at_once_send_each_letter_once(write, post):
    for kind in ("link", "known", "help"):
        write(kind)
    first, second = Meanwhile(), MemoryTransport()
    first.then = lambda: post(second)
    post(first)

    assert len(first.sent) + len(second.sent) == 3


class Slow(MemoryTransport):
    """Takes four minutes for each letter."""

    moment = None

    def send(self, messages, now, **held):
        for receipt in super().send(messages, now, **held):
            self.moment[0] += timedelta(minutes=4)
            yield receipt


def test_a_slow_server_does_not_have_us_outlive_our_lease(application, write, post):
    for kind in ("link", "known", "help", "export"):
        write(kind)
    slow = Slow()
    slow.moment = application.moment
    asked = iter([False, True])
    result = post(slow, stopping=lambda: next(asked))

    assert (result.accepted, result.deferred) == (2, 2)
    assert application.store.post.waiting() == 2


def test_a_letter_whose_lease_may_end_before_the_answer_is_not_sent(application, write, post):
    write()

    def think():
        application.moment[0] += timedelta(minutes=10)

    pondering = Meanwhile()
    pondering.then = think
    result = post(pondering)

    assert (pondering.sent, result.deferred) == ([], 1)
    application.moment[0] += timedelta(minutes=2)
    assert post(MemoryTransport()).accepted == 1


def test_who_outlives_their_lease_does_not_end_that_of_the_next(application, write, post):
    write()

    def think():
        application.moment[0] += timedelta(minutes=16)
        assert application.store.post.claim(application.clock(), limit=9, lease=900)

    pondering = Meanwhile()
    pondering.then = think
    post(pondering)
    application.moment[0] += timedelta(minutes=2)
    second = MemoryTransport()
    post(second)

    assert pondering.sent == second.sent == []


def test_all_that_a_slow_server_took_is_known_to_be_sent(application, write, post):
    """Of several connections one may be done while nobody has asked for its receipt."""

    class Ahead(Slow):
        def send(self, messages, now, **held):
            yield from list(super().send(messages, now, **held))

    for kind in ("link", "known", "help", "export"):
        write(kind)
    slow, after = Ahead(), MemoryTransport()
    slow.moment = application.moment
    for _ in range(3):
        post(slow)
        application.moment[0] += timedelta(minutes=2)
    post(after)

    ids = [each.digest_id for each in (*slow.sent, *after.sent)]
    assert len(ids) == len(set(ids)) == 4


def test_each_letter_that_was_taken_is_told_of_even_if_the_next_ends_it_all(write, post, person):
    for kind in ("link", "known", "help"):
        write(kind)
    told = []

    with pytest.raises(Crash):
        post(Dying(), gone=lambda: told.append("a letter"))
    refusing = MemoryTransport(answers={person.email: (Outcome.REFUSED, 554, "5.7.1 spam")})
    post(refusing, gone=lambda: told.append("no letter"))

    assert told == ["a letter"]


def test_letters_wait_where_nobody_is_there_to_take_them(application, write, post):
    class Away(MemoryTransport):
        def send(self, messages, now, **_):
            for message in messages:
                yield Receipt(digest_id=message.digest_id, outcome=Outcome.DEFERRED, at=now)

    for number in range(25):
        write("answer", title=f"Answer {number}")

    result = post(Away())

    assert (result.deferred, result.cut_short) == (20, True)
    assert post(MemoryTransport()).accepted == 5


def test_more_letters_than_fit_a_block_all_go_out(application, write, post):
    for number in range(posting.BLOCK * 2 + 3):
        write("answer", title=f"Answer {number}")
    transport = MemoryTransport()

    assert post(transport).accepted == posting.BLOCK * 2 + 3


def test_the_application_writes_and_posts_into_its_own_transport(application, write, tmp_path):
    write()

    assert application.post().accepted == 1
    (mail,) = (tmp_path / "maildir" / "new").iterdir()
    assert b"Your link." in mail.read_bytes()


def test_a_tick_of_the_worker_also_sends_what_is_written_while_digests_go_out(
    application, write, item
):
    class Busy(MemoryTransport):
        def send(self, messages, now, **held):
            write("answer", title="Paused.", in_reply_to="<q@example.org>")
            yield from super().send(messages, now, **held)

    courier = MemoryTransport()
    application.__dict__ |= {
        "fetcher": RecordedFetcher({}),
        "transport": Busy(),
        "courier": courier,
    }
    application.store.papers.ingest([item(1)])
    write("link")
    application.moment[0] += timedelta(days=1)
    worker.tick(application)

    kinds = [each.digest_id.partition(".")[0] for each in courier.sent]
    assert kinds == ["link", "answer"]
