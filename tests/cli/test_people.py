"""Commands about subscribers, as an operator types them."""

import os
import socket
import sqlite3
import threading
from contextlib import closing

import pytest
from aiosmtpd.controller import Controller


def test_interests_of_every_kind_can_be_named_with_a_weight(digest):
    digest(
        "subscribe", "ada@example.org", "--confirmed", "--weight", "2",
        "--query", "dual encoder", "--mute-author", "Bo Sample", "--mute-topic", "cs.CV",
        "--name", "Ada Example", "--show-name",
    )  # fmt: skip
    shown = digest("show", "ada@example.org", "--json").json
    assert {(each["kind"], each["value"], each["weight"]) for each in shown["interests"]} == {
        ("query", "dual encoder", 2.0),
        ("mute-author", "Bo Sample", 2.0),
        ("mute-topic", "cs.CV", 2.0),
    }
    assert (shown["profile"]["name"], shown["profile"]["shows_name"]) == ("Ada Example", True)


def test_a_weight_out_of_bounds_is_refused(digest):
    ran = digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--weight", "9")
    assert ran.code == 2
    assert "from 0.1 to 5" in ran.err


def test_a_pause_is_typed_in_plain_words(digest, ada):
    assert "is paused until 20" in digest("pause", "ada@example.org", "2", "weeks").out
    assert "paused until 20" in digest("show", "ada@example.org").out
    assert "is paused until resumed" in digest("pause", "ada@example.org").out
    assert "is active" in digest("resume", "ada@example.org").out


def test_a_pause_nobody_understands_is_refused(digest, ada):
    ran = digest("pause", "ada@example.org", "for", "ever")
    assert ran.code == 2
    assert "write 2 weeks" in ran.err


def test_a_person_is_shown_with_what_digest_thinks_they_like(digest, ada):
    ran = digest("show", "ada@example.org")
    assert ran.out.splitlines()[0].startswith("ada@example.org is active, daily at 07:00 UTC")
    assert ran.out.splitlines()[1].split() == ["topic", "1", "cs.IR"]


def test_showing_as_json_holds_no_secret(digest, ada):
    ran = digest("show", "ada@example.org", "--json")
    assert set(ran.json) >= {"profile", "interests", "feedback", "digests", "votes", "submissions"}
    assert "key" not in ran.json["profile"]


def test_forgetting_asks_first(digest, ada, monkeypatch):
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _prompt: "n")
    assert digest("forget", "ada@example.org").code == 130
    assert digest("show", "ada@example.org").code == 0


def test_the_forgotten_are_gone_and_come_back_only_confirmed(digest, ada):
    assert digest("forget", "ada@example.org", "--yes").out == "They are forgotten.\n"
    assert digest("show", "ada@example.org").code == 2
    ran = digest("subscribe", "ada@example.org")
    assert ran.code == 2
    assert "asked to be forgotten" in ran.err
    assert "is active" in digest("subscribe", "ada@example.org", "--confirmed").out


@pytest.fixture
def answering(monkeypatch):
    """`answering(greeting, …)`: the address of a mail server that says so much, and hangs up."""
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")

    def serve(*lines):
        def speak():
            with listener, listener.accept()[0] as caller:
                for each in lines:
                    caller.sendall(each)
                    caller.recv(1000)

        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=speak, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    return serve


def waiting_letters(tmp_path):
    with closing(sqlite3.connect(tmp_path / "digest.db")) as database:
        query = "SELECT recipient FROM letters WHERE due_at IS NOT NULL"
        return [address for (address,) in database.execute(query)]


def test_while_the_mail_server_is_away_the_letter_waits_and_is_one_however_often_it_is_asked_for(
    digest, offline, tmp_path, monkeypatch, free_port, recipients
):
    maildir = os.environ["DIGEST_SMTP_URL"]
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    monkeypatch.setenv("DIGEST_SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    for keyword in ("maps", "fog"):  # two letters, since they do not say the same
        ran = digest("subscribe", "bo@example.org", "--keyword", keyword)
        assert "bo@example.org is pending" in ran.out
        assert "The mail server is away (not sent: the mail server cannot be reached" in ran.out
        assert "`digest worker` or `digest run` sends the confirmation mail when" in ran.out

    assert waiting_letters(tmp_path) == ["bo@example.org"]
    monkeypatch.setenv("DIGEST_SMTP_URL", maildir)
    digest("subscribe", "bo@example.org", "--keyword", "rain")
    assert recipients() == ["bo@example.org"]


def test_a_letter_asked_for_twice_within_the_minute_is_not_lost(
    digest, offline, tmp_path, monkeypatch, free_port
):
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    monkeypatch.setenv("DIGEST_SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    for _ in range(2):
        digest("subscribe", "bo@example.org")

    assert waiting_letters(tmp_path) == ["bo@example.org"]


def test_who_is_added_while_our_password_is_refused_is_pending_and_their_letter_waits(
    digest, tmp_path, monkeypatch, answering
):
    server = answering(
        b"220 mx ESMTP\r\n", b"250-mx\r\n250 AUTH PLAIN\r\n", b"535 5.7.8 Bad credentials\r\n"
    )
    monkeypatch.setenv("DIGEST_SMTP_URL", f"smtp://digest:secret@{server}?security=none")

    ran = digest("subscribe", "bo@example.org")

    assert "bo@example.org is pending" in ran.out
    assert "The confirmation mail waits; `digest worker` or `digest run` sends it once" in ran.out
    assert "password" in ran.err
    assert ran.code == 2
    assert waiting_letters(tmp_path) == ["bo@example.org"]


def test_an_address_that_the_mail_server_refuses_is_doubted(digest, monkeypatch, answering):
    server = answering(
        b"220 mx ESMTP\r\n",
        b"250 mx\r\n",
        b"250 2.1.0 fine\r\n",
        b"550 5.1.1 no such mailbox\r\n",
        b"250 fine\r\n",
    )
    monkeypatch.setenv("DIGEST_SMTP_URL", f"smtp://{server}")

    ran = digest("subscribe", "bo@example.org")

    assert "The mail server refuses the confirmation mail (RCPT: 5.1.1 no such mailbox)" in ran.out


class Choosy:
    """A mail server's handler: no mailbox of `bad`, and for `slow` not now."""

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if address.startswith("bad@"):
            return "550 5.1.1 no such mailbox"
        if address.startswith("slow@"):
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, _server, _session, _envelope):  # noqa: N802 - aiosmtpd's name
        return "250 taken"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("bo@example.org", "with others that were due; 1 of these 2 it refuses (RCPT: 5.1.1"),
        ("slow@example.org", "has not taken the confirmation mail yet; `digest worker`"),
    ],
)
def test_an_address_is_not_doubted_for_another_that_is_refused(
    digest, offline, tmp_path, monkeypatch, free_port, address, said
):
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    (tmp_path / "people.csv").write_text("email\nbad@example.org\n", encoding="utf-8")
    digest("subscribers", "import", "people.csv")
    server = Controller(Choosy(), hostname="127.0.0.1", port=free_port())
    monkeypatch.setenv("DIGEST_SMTP_URL", f"smtp://127.0.0.1:{server.port}")
    server.start()
    try:
        ran = digest("subscribe", address)
    finally:
        server.stop()

    assert said in ran.out
    assert "is the address right?" not in ran.out


@pytest.mark.parametrize("command", ["run", "deliver"])
def test_a_pause_ends_without_a_worker_too(digest, ada, offline, tmp_path, command):
    digest("pause", "ada@example.org", "1 day")
    database = sqlite3.connect(tmp_path / "digest.db")
    with database:
        database.execute("UPDATE subscribers SET paused_until = '2026-06-10T04:00:00.000000Z'")
    database.close()
    digest(command)
    assert digest("subscribers", "list", "--json").json[0]["status"] == "active"
