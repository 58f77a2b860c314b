"""Commands about all subscribers, as an operator types them."""

import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO, TextIOWrapper

import pytest


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


def test_who_is_imported_without_a_word_of_theirs_is_asked_once(
    digest, offline, tmp_path, monkeypatch, recipients
):
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    file = tmp_path / "people.csv"
    file.write_text("email\nada@example.org\nbo@example.org\n", encoding="utf-8")
    first = digest("subscribers", "import", str(file))
    assert "2 are asked by mail to confirm" in first.out
    assert "asked" not in digest("subscribers", "import", str(file)).out
    digest("run")
    assert recipients() == ["ada@example.org", "bo@example.org"]


def test_who_is_pending_after_an_import_of_the_confirmed_is_asked_as_well(
    digest, offline, tmp_path, monkeypatch, recipients
):
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    file = tmp_path / "people.csv"
    lines = ["email,status", "ada@example.org,paused", "bo@example.org,pending"]
    file.write_text("\n".join([*lines, "cy@example.org,unsubscribed\n"]), encoding="utf-8")
    assert "1 are asked by mail" in digest("subscribers", "import", str(file), "--confirmed").out
    digest("run")
    assert recipients() == ["bo@example.org"]


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
