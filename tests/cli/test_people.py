"""Commands about subscribers, as an operator types them."""

import os
import socket
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email import message_from_bytes
from io import BytesIO, TextIOWrapper

import pytest
from aiosmtpd.controller import Controller

SOURCES = ("arxiv", "arxiv-oai", "huggingface")


@pytest.fixture
def ada(digest):
    ran = digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--confirmed", "--json")
    return ran.json


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


def test_an_import_reports_the_suppressed_and_adds_the_others(digest, ada, tmp_path):
    digest("forget", "ada@example.org", "--yes")
    file = tmp_path / "people.csv"
    file.write_text("email\nada@example.org\nbo@example.org\n", encoding="utf-8")
    ran = digest("subscribers", "import", str(file))
    assert ran.code == 1
    assert "1 added, 0 already known, 1 rejected." in ran.out
    assert "line 2: That address is not added" in ran.err
    assert (
        "1 added, 1 already known" in digest("subscribers", "import", str(file), "--confirmed").out
    )


def test_an_import_says_how_many_subscriptions_it_ended(digest, ada, tmp_path):
    file = tmp_path / "left.csv"
    file.write_text("email,status\nada@example.org,unsubscribed\n", encoding="utf-8")
    ran = digest("subscribers", "import", str(file), "--confirmed")
    assert ran.out == "0 added, 1 already known, 1 ended, 0 rejected.\n"
    assert "ada@example.org is unsubscribed" in digest("show", "ada@example.org").out


@pytest.fixture
def offline(tmp_path):
    """Settings of an installation that reads no source."""
    nothing = "".join(f"[sources.{each}]\nenabled = false\n" for each in SOURCES)
    (tmp_path / "digest.toml").write_text(nothing, encoding="utf-8")


def letters_to(tmp_path):
    files = (tmp_path / "maildir" / "new").glob("*")
    return sorted(message_from_bytes(each.read_bytes())["to"] for each in files)


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_table_is_read_alike_from_a_file_and_from_standard_input(
    digest, tmp_path, monkeypatch, start
):
    table = start + "email,keywords\r\nzoë@example.org,naïve\r\n".encode()
    file = tmp_path / "people.csv"
    file.write_bytes(table)
    assert "1 added" in digest("subscribers", "import", str(file), "--confirmed", db="a.db").out

    with TextIOWrapper(BytesIO(table), encoding="latin-1") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert "1 added" in digest("subscribers", "import", "-", "--confirmed", db="b.db").out

    exports = [digest("subscribers", "export", db=db).out for db in ("a.db", "b.db")]
    assert exports[0] == exports[1]
    assert "naïve" in exports[0]


def test_an_export_is_for_its_owner_only_and_takes_the_place_of_the_last_one(digest, ada, tmp_path):
    file = tmp_path / "roster.csv"
    file.write_text("the last one\n")
    file.chmod(0o644)
    assert (
        "1 subscribers written to roster.csv" in digest("subscribers", "export", "roster.csv").out
    )
    assert "ada@example.org" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_export_that_fails_leaves_the_last_one_as_it_was(digest, ada, tmp_path):
    file = tmp_path / "roster.csv"
    digest("subscribers", "export", str(file))
    before = file.read_text()
    (tmp_path / "damaged.db").write_text("no database\n" * 1000)
    there = sorted(tmp_path.iterdir())

    for database in ("damaged.db", "nowhere.db"):
        assert digest("subscribers", "export", str(file), db=database).code != 0

    assert file.read_text() == before
    assert sorted(tmp_path.iterdir()) == there


def test_an_export_without_room_names_the_file_and_leaves_the_last_one(
    digest, ada, tmp_path, small
):
    file = tmp_path / "people.csv"
    people = tmp_path / "many.csv"
    people.write_text("email\n" + "".join(f"reader{n}@example.org\n" for n in range(500)))
    digest("subscribers", "import", str(people), "--confirmed")
    file.write_text("the last one")

    with small():
        ran = digest("subscribers", "export", str(file))

    assert (ran.code, ran.err) == (1, f"digest: File too large: {file}.\n")
    assert file.read_text() == "the last one"
    assert sorted(each.name for each in tmp_path.glob("*people*")) == ["people.csv"]


def test_an_export_to_a_folder_that_is_missing_names_the_file(digest, ada):
    told = digest("subscribers", "export", "nowhere/roster.csv")
    assert told.code != 0
    assert "nowhere/roster.csv." in told.err


def test_an_export_follows_a_link_and_leaves_it_standing(digest, ada, tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "roster.csv")
    digest("subscribers", "export", "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert "ada@example.org" in (tmp_path / "roster.csv").read_text()


def test_an_export_can_go_to_what_is_no_file(digest, ada, tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        found = reader.submit(pipe.read_text)
        digest("subscribers", "export", str(pipe))
        assert "ada@example.org" in found.result(timeout=5)
    assert pipe.is_fifo()


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
    digest, offline, tmp_path, monkeypatch, free_port
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
    assert letters_to(tmp_path) == ["bo@example.org"]


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


def test_who_is_imported_without_a_word_of_theirs_is_asked_once(
    digest, offline, tmp_path, monkeypatch
):
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    file = tmp_path / "people.csv"
    file.write_text("email\nada@example.org\nbo@example.org\n", encoding="utf-8")
    first = digest("subscribers", "import", str(file))
    assert "2 are asked by mail to confirm" in first.out
    assert "asked" not in digest("subscribers", "import", str(file)).out
    digest("run")
    assert letters_to(tmp_path) == ["ada@example.org", "bo@example.org"]


def test_who_is_pending_after_an_import_of_the_confirmed_is_asked_as_well(
    digest, offline, tmp_path, monkeypatch
):
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    file = tmp_path / "people.csv"
    lines = ["email,status", "ada@example.org,paused", "bo@example.org,pending"]
    file.write_text("\n".join([*lines, "cy@example.org,unsubscribed\n"]), encoding="utf-8")
    assert "1 are asked by mail" in digest("subscribers", "import", str(file), "--confirmed").out
    digest("run")
    assert letters_to(tmp_path) == ["bo@example.org"]


def test_nobody_on_the_suppression_list_is_asked_by_an_import(digest, ada, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    digest("forget", "ada@example.org", "--yes")
    file = tmp_path / "people.csv"
    lines = ["email,status", "ada@example.org,pending", "bo@example.org,pending\n"]
    file.write_text("\n".join(lines), encoding="utf-8")
    ran = digest("subscribers", "import", str(file), "--confirmed")
    assert "2 added" in ran.out
    assert "1 are asked by mail" in ran.out


@pytest.mark.parametrize("confirmed", [[], ["--confirmed"]])
def test_an_import_says_that_nobody_can_be_asked_without_an_address_of_the_site(
    digest, tmp_path, monkeypatch, confirmed
):
    file = tmp_path / "people.csv"
    file.write_text("email,status\nada@example.org,pending\n", encoding="utf-8")
    for _ in range(2):
        ran = digest("subscribers", "import", str(file), *confirmed)
        assert "No confirmation mail can be sent" in ran.out
        assert "whoever is pending (1 here) is forgotten" in ran.out
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    assert "1 are asked by mail" in digest("subscribers", "import", str(file), *confirmed).out


def test_an_import_without_an_address_of_the_site_says_nothing_of_those_who_agreed(
    digest, tmp_path
):
    file = tmp_path / "people.csv"
    file.write_text("email\nada@example.org\n", encoding="utf-8")
    assert "mail" not in digest("subscribers", "import", str(file), "--confirmed").out


@pytest.mark.parametrize("command", ["run", "deliver"])
def test_a_pause_ends_without_a_worker_too(digest, ada, offline, tmp_path, command):
    digest("pause", "ada@example.org", "1 day")
    database = sqlite3.connect(tmp_path / "digest.db")
    with database:
        database.execute("UPDATE subscribers SET paused_until = '2026-06-10T04:00:00.000000Z'")
    database.close()
    digest(command)
    assert digest("subscribers", "list", "--json").json[0]["status"] == "active"
