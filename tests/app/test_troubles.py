"""What went wrong in a part of the work is there to be seen until that part goes well."""

from datetime import timedelta

import pytest

from digest.app import Trouble, troubles, watched
from digest.errors import ConfigError, StoreBusy
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


@pytest.mark.parametrize("result", [False, Delivered(), Delivered(deferred=3, cut_short=True)])
def test_a_part_that_had_nothing_to_do_mends_nothing(attempt, store, result):
    with pytest.raises(ConfigError):
        attempt("deliver", REFUSED)

    attempt("deliver", result)

    assert [each.part for each in troubles(store)] == ["deliver"]


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
