"""What went wrong in a part of the work is there to be seen until that part goes well."""

from datetime import timedelta

import pytest

from digest.app import Trouble, troubles, watched
from digest.errors import ConfigError, StoreBusy
from digest.model import Letter
from digest.pipeline.delivering import Delivered


@pytest.fixture
def attempt(store, now):
    """Do a part of the work, some minutes from now; its result, or the error that it raises."""

    def done(part, result, *, minutes=0):
        def work():
            if isinstance(result, Exception):
                raise result
            return result

        return watched(store, part, work, clock=lambda: now + timedelta(minutes=minutes))

    return done


REFUSED = ConfigError("[smtp] url: mx.example.net:587 refuses the user name or password: 535 no")


def test_a_failure_is_kept_with_its_last_time_and_passed_on(attempt, store, now):
    for minutes in (0, 7):
        with pytest.raises(ConfigError):
            attempt("deliver", REFUSED, minutes=minutes)

    at = now + timedelta(minutes=7)
    assert troubles(store) == [Trouble(part="deliver", at=at, cause=REFUSED.message)]
    assert troubles(store)[0].doing == "sending digests"


def test_it_is_forgotten_once_that_part_goes_well_and_not_by_another(attempt, store):
    with pytest.raises(ConfigError):
        attempt("deliver", REFUSED)

    attempt("post", Delivered(accepted=1))
    assert [each.part for each in troubles(store)] == ["deliver"]

    attempt("deliver", Delivered(accepted=1))
    assert troubles(store) == []


def wait(store, now):
    letter = Letter(
        id="one",
        kind="confirm",
        sender="digest@example.org",
        recipient="ada@example.org",
        content=b"",
        at=now,
        expires_at=now + timedelta(days=1),
    )
    store.post.put([letter])


@pytest.mark.parametrize("result", [False, Delivered(), Delivered(deferred=3)])
def test_a_part_that_did_nothing_of_what_there_is_mends_nothing(attempt, store, now, result):
    wait(store, now)
    with pytest.raises(ConfigError):
        attempt("post", REFUSED)

    attempt("post", result)

    assert [each.part for each in troubles(store)] == ["post"]


@pytest.mark.parametrize("part", ["post", "deliver"])
def test_where_nothing_waits_to_be_sent_nothing_is_wrong_with_sending_it(attempt, store, part):
    with pytest.raises(ConfigError):
        attempt(part, REFUSED)

    attempt(part, Delivered())

    assert troubles(store) == []


def test_a_letter_that_waits_is_no_trouble_of_digests(attempt, store, now):
    wait(store, now)
    with pytest.raises(ConfigError):
        attempt("deliver", REFUSED)

    attempt("deliver", Delivered())

    assert troubles(store) == []


AWAY = Delivered(
    accepted=3,
    deferred=1,
    causes=("the mail server cannot be reached: Connection refused",),
    cut_short=True,
)


def test_a_round_that_was_cut_short_is_kept_until_one_goes_well(attempt, store):
    assert attempt("deliver", AWAY) == AWAY
    (trouble,) = troubles(store)
    assert trouble.cause == "the mail server cannot be reached: Connection refused"

    attempt("deliver", Delivered(cut_short=True))
    assert troubles(store) == [trouble], "another process has our claim"

    attempt("deliver", Delivered(accepted=1))
    assert troubles(store) == []


def test_a_round_that_ends_because_we_do_is_no_trouble(store, now):
    watched(store, "deliver", lambda: AWAY, clock=lambda: now, stopping=lambda: True)

    assert troubles(store) == []


def test_a_database_that_was_busy_is_no_trouble_and_mends_none(attempt, store):
    with pytest.raises(StoreBusy):
        attempt("post", StoreBusy("The database is in use by another process."))
    assert troubles(store) == []

    with pytest.raises(ConfigError):
        attempt("post", REFUSED)
    with pytest.raises(StoreBusy):
        attempt("post", StoreBusy("The database is in use by another process."))
    assert [each.cause for each in troubles(store)] == [REFUSED.message]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("give smtp://user:password@host:587, or", "give smtp://user:password@host:587, or"),
        ("is imaps://user:password@host, with", "is imaps://user:password@host, with"),
        ("at user:password@host.example.org no", "at user:<address> no"),
        ("at ada:secret@host, as user:password@host", "at ada:<address>, as user:password@host"),
    ],
)
def test_a_hint_of_ours_is_not_taken_for_an_address(attempt, store, said, kept):
    with pytest.raises(ConfigError):
        attempt("deliver", ConfigError(said))

    assert [each.cause for each in troubles(store)] == [kept]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            OSError(28, "No space left on device", "backups/x"),
            "No space left on device: backups/x.",
        ),
        (ConfigError("ada@example.org\r\nis no good"), "<address> is no good"),
        (KeyError("ada@example.org"), "Something went wrong inside Digest (KeyError)"),
    ],
)
def test_it_is_one_line_without_anybodys_address(attempt, store, error, cause):
    with pytest.raises(type(error)):
        attempt("night", error)

    (trouble,) = troubles(store)

    assert trouble.cause.startswith(cause)
    assert "ada@" not in trouble.cause


def test_a_database_that_is_busy_hides_no_failure(attempt, store, monkeypatch):
    def busy(*_):
        raise StoreBusy("The database is in use by another process.")

    monkeypatch.setattr(store.sources, "set_cursor", busy)

    with pytest.raises(ConfigError):
        attempt("deliver", REFUSED)
