"""Commands about submissions, bounces and complaints."""

from datetime import UTC, datetime

import pytest

from digest import subscriptions
from digest.model import Evidence, EvidenceKind
from digest.store import open_store


@pytest.fixture
def stored(digest, listed, tmp_path):
    """The database of a small installation, with one subscriber."""
    digest("fetch", "arxiv", "--from", listed)
    digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--confirmed")
    store = open_store(tmp_path / "digest.db")
    yield store
    store.close()


@pytest.fixture
def submitted(stored):
    ada = subscriptions.find(stored, "ada@example.org")
    now = datetime.now(UTC)
    return subscriptions.submit(stored, ada, "2606.00001", "Maps, at last", a_day=5, now=now)


def test_submissions_are_listed_and_decided(digest, submitted):
    ran = digest("submissions")
    assert submitted.id in ran.out
    assert "A dual encoder for old maps" in ran.out
    assert "“Maps, at last”" in ran.out

    ran = digest("submissions", "feature", submitted.id, "--line", "Read the second figure")
    assert ran.out == "arxiv:2606.00001 is featured.\n"
    assert digest("submissions").out == "Nothing waits for a decision.\n"
    (row,) = digest("submissions", "list", "--all", "--json").json
    assert (row["state"], row["curator_line"]) == ("featured", "Read the second figure")


def test_a_line_stays_unless_another_or_none_is_given(digest, submitted):
    def line_after(*options):
        digest("submissions", "feature", submitted.id, *options)
        (row,) = digest("submissions", "list", "--all", "--json").json
        return row["curator_line"]

    assert line_after("--line", "Read it") == "Read it"
    assert line_after() == "Read it"
    assert line_after("--line", "") == ""


def test_a_submission_can_be_rejected(digest, submitted):
    assert "is rejected" in digest("submissions", "reject", submitted.id).out


def test_a_submission_that_is_not_there_cannot_be_decided(digest, stored):
    ran = digest("submissions", "feature", "p_404")
    assert (ran.code, ran.err) == (2, "digest: There is no such submission.\n")
    assert (
        digest("submissions", "list", "--all").out == "Nothing was submitted in the last 90 days.\n"
    )


def test_a_bounce_is_listed_and_undone(digest, stored):
    ada = subscriptions.find(stored, "ada@example.org")
    now = datetime.now(UTC)
    evidence = Evidence(
        id="e1",
        kind=EvidenceKind.HARD_BOUNCE,
        subscriber_id=ada.id,
        status="5.1.1",
        detail="no such \x1b[31mmailbox",
        at=now,
    )
    subscriptions.bounce(stored, evidence, soft_bounces=5, soft_days=30, now=now)

    ran = digest("bounces")
    assert "e1  hard-bounce" in ran.out
    assert "ada@example.org" in ran.out
    assert "\x1b" not in ran.out
    assert digest("bounces", "--json").json[0]["status"] == "5.1.1"

    assert digest("restore", "e1").out == "ada@example.org is active.\n"
    assert digest("bounces").out == "Nothing waits to be dealt with.\n"
    assert "settled" in digest("bounces", "--all").out


def test_there_must_be_something_to_restore(digest, stored):
    ran = digest("restore", "e404")
    assert ran.code == 2
    assert "`digest bounces` lists it" in ran.err
    assert digest("bounces", "--all").out == "Nothing that came back is kept.\n"


def test_mail_that_nobody_could_read_is_listed_until_it_is_settled_however_old(digest, stored):
    old = datetime(2025, 1, 1, tzinfo=UTC)
    stored.post.record(Evidence(id="e1", kind=EvidenceKind.UNREAD, at=old))
    assert "e1  unread  2025-01-01" in digest("bounces").out
