"""The demo is what a newcomer sees first: it must work anywhere, and say where to look."""

import mailbox
import tomllib
from datetime import UTC, datetime
from email import policy

import pytest

from digest import demo
from digest.errors import FetchFailed

NOW = datetime(2026, 6, 11, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, list(demo.run(folder, live=False, now=NOW))


def mails(folder):
    box = mailbox.Maildir(
        folder / "maildir",
        factory=lambda file: __import__("email").message_from_binary_file(
            file, policy=policy.default
        ),
        create=False,
    )
    return [(mail["to"], mail["subject"], mail) for mail in box]


def test_three_readers_get_a_digest_on_each_of_three_days(shown):
    folder, _ = shown
    found = mails(folder)
    assert len(found) == 9
    assert {to for to, _, _ in found} == {each.email for each in demo.PERSONAS}


def test_readers_get_different_papers(shown):
    folder, _ = shown
    texts = {
        name: (folder / "emails" / f"2026-06-11-{name}.txt").read_text("utf-8")
        for name in ("ada", "noor", "tomas")
    }
    titles = {
        name: {line for line in text.splitlines() if line[:4].strip().rstrip(".").isdigit()}
        for name, text in texts.items()
    }
    assert all(len(each) >= 3 for each in titles.values())
    assert not titles["ada"] & titles["noor"]
    assert not titles["noor"] & titles["tomas"]


def test_no_reader_is_sent_a_paper_twice(shown):
    from digest.app import App
    from digest.config import load

    folder, _ = shown
    with App(load(folder / "digest.toml", environment={})) as app:
        for persona in demo.PERSONAS:
            person = app.store.subscribers.by_email(persona.email)
            digests = app.store.ledger.recent(person.id, limit=10)
            shown_papers = [
                paper
                for each in digests
                for paper in (*(pick.paper_id for pick in each.picks), *each.rest)
            ]
            assert len(digests) == 3
            assert len(shown_papers) == len(set(shown_papers))


def test_it_says_where_everything_is(shown):
    folder, lines = shown
    said = "\n".join(lines)
    for place in ("emails", "maildir", "public/feeds", "digest.db", "digest.toml"):
        assert str(folder / place) in said
        assert (folder / place).exists()
    for form in (".html", ".eml", ".txt"):
        assert list((folder / "emails").glob(f"*{form}"))
    assert tomllib.loads((folder / "digest.toml").read_text())["site"]["url"]


def test_doing_it_again_sends_nothing_new(shown):
    folder, _ = shown
    again = "\n".join(demo.run(folder, live=False, now=NOW))
    assert "0 digests, 0 delivered" in again
    assert len(mails(folder)) == 9


def test_live_without_a_network_says_so_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGEST_SOURCES_ARXIV_URL", "http://127.0.0.1:9/rss/")
    with pytest.raises(FetchFailed, match="without --live needs no network"):
        list(demo.run(tmp_path, live=True))
