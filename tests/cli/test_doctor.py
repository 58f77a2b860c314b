"""`digest doctor`, as an operator runs it."""

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from digest import resources
from digest.resources import config_dir, templates_dir


def wrong(ran):
    return [(each["check"], each["text"]) for each in ran.json if each["level"] == "wrong"]


def test_a_mail_server_that_cannot_be_understood_is_said_once_and_by_its_key(
    digest, tmp_path, monkeypatch
):
    monkeypatch.delenv("DIGEST_SMTP_URL")
    (tmp_path / "digest.toml").write_text('[smtp]\nurl = "pigeon://coop"\n')
    digest("init")

    ((check, text),) = wrong(digest("doctor", "--json"))

    assert check == "mail"
    assert text.startswith("[smtp] url: not an address of a kind that Digest knows")


@pytest.fixture
def mails(tmp_path, monkeypatch):
    """The mail templates of an installation of our own, to edit."""
    for name, folder in (("templates", templates_dir()), ("config", config_dir())):
        shutil.copytree(folder, tmp_path / "installed" / name)
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "installed" / "digest")
    return tmp_path / "installed" / "templates" / "mail"


def test_a_mail_template_with_a_wrong_name_is_found_before_anything_is_sent(digest, mails):
    edited = mails / "digest.html"
    edited.write_text(edited.read_text().replace("To stop, reply", "{{ site_nmae }}, reply"))
    digest("init")

    ((check, text),) = wrong(digest("doctor", "--json"))

    assert check == "templates"
    assert text == f"The template {edited} cannot be used: 'site_nmae' is undefined."


def test_so_is_a_fault_in_letters(digest, mails):
    edited = mails / "letter.txt"
    edited.write_text(edited.read_text() + "{{ title | shouted }}\n")
    digest("init")

    ((check, text),) = wrong(digest("doctor", "--json"))

    assert check == "templates"
    assert text.startswith(f"The template {edited} cannot be used: No filter named 'shouted'")


def test_folders_that_the_worker_cannot_write_to_are_found_before_the_night(digest, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "digest.toml").write_text(
        '[keep]\nbackups = "file/backups"\n[worker]\npublish = "file"\n'
    )
    digest("init")

    (_, backups), (_, published) = wrong(digest("doctor", "--json"))

    why = "cannot be written to: Not a directory"
    assert backups == f"[keep] backups: the folder {tmp_path}/file/backups {why}"
    assert published == f"[worker] publish: the folder {tmp_path}/file {why}"


def test_a_database_that_this_user_may_not_write_is_wrong(
    digest, tmp_path, monkeypatch, unwritable
):
    digest("init")
    with unwritable(tmp_path / "digest.db") as copy:
        monkeypatch.chdir(copy.parent)
        found = wrong(digest("doctor", "--json", db=str(copy)))
    monkeypatch.chdir(tmp_path)

    why = "is read-only; this user must be able to write it and its folder."
    assert ("database", f"The database {copy} {why}") in found


def test_a_database_that_is_being_written_is_fine(digest, tmp_path):
    digest("init")
    with closing(sqlite3.connect(tmp_path / "digest.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "database" not in dict(wrong(digest("doctor", "--json")))


def test_folders_on_a_full_disk_are_found_too(digest, tmp_path, monkeypatch):
    digest("init")

    def full(handle):  # of words: it still takes names
        if os.fstat(handle).st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    found = wrong(digest("doctor", "--json"))

    why = "cannot be written to: No space left on device"
    assert ("folders", f"[keep] backups: the folder {tmp_path}/backups {why}") in found
    beside = f"the folder {tmp_path}, where SQLite writes beside the file, {why}"
    assert ("database", beside) in found


def test_a_folder_that_is_still_to_be_made_is_fine_and_is_not_made(digest, tmp_path):
    digest("init")

    ran = digest("doctor", "--json")

    assert wrong(ran) == []
    assert f"[keep] backups: {tmp_path}/backups" in ran.out
    assert not (tmp_path / "backups").exists()


def test_whom_sites_can_write_to_is_taken_out_of_the_contact_or_missed(digest, tmp_path):
    settings = tmp_path / "digest.toml"
    settings.write_text('[site]\ncontact = "IR group, Uni Köln, ir@uni.example"\n')
    digest("init")
    assert "(+ir@uni.example)" in digest("doctor", "--json").out

    settings.write_text('[site]\ncontact = "IR group"\n[mail]\nfrom = "köln@uni.example"\n')
    assert ("sources", "[site] contact must hold") in [
        (check, text[:24]) for check, text in wrong(digest("doctor", "--json"))
    ]


@pytest.mark.parametrize(
    ("inbound", "sentence"),
    [
        ('lmtp = "8024"', "[inbound] lmtp is host:port or unix:/path"),
        ('lmtp = "localhost:abc"', "[inbound] lmtp is host:port or unix:/path"),
        ('lmtp = "127.0.0.1:99999"', "[inbound] lmtp is host:port or unix:/path"),
        ('lmtp = "unix:/no/such/folder/lmtp"', "[inbound] lmtp: there is no folder"),
        ('imap = "mail.example.org"', "[inbound] imap is imaps://user:password@host"),
        ('imap = "https://ada:secret@example.org"', "[inbound] imap is imaps://"),
        ('domain = ""\nlmtp = "127.0.0.1:8024"', "[inbound] domain is not set"),
    ],
)
def test_a_door_for_mail_that_the_worker_could_not_open_is_wrong(
    digest, tmp_path, inbound, sentence
):
    domain = "" if "domain" in inbound else 'domain = "papers.example"\n'
    (tmp_path / "digest.toml").write_text(f"[inbound]\n{domain}{inbound}\n")
    digest("init")

    ran = digest("doctor", "--json")

    ((check, text),) = wrong(ran)
    assert (check, text[: len(sentence)]) == ("inbound", sentence)
    assert "secret" not in ran.out


@pytest.mark.parametrize(
    ("doors", "how"),
    [
        ("", "only by `digest receive`"),
        ('lmtp = "127.0.0.1:8024"', "by LMTP at 127.0.0.1:8024"),
    ],
)
def test_the_doors_for_mail_are_named_without_secrets(digest, tmp_path, doors, how):
    (tmp_path / "digest.toml").write_text(f'[inbound]\ndomain = "papers.example"\n{doors}\n')
    digest("init")

    ran = digest("doctor", "--json")

    assert f"mail for papers.example is taken in {how}" in [each["text"] for each in ran.json]
    assert "secret" not in ran.out


def test_a_topic_that_is_gone_but_a_category_of_papers_brings_those_and_is_not_named(
    digest, tmp_path, listed
):
    settings = tmp_path / "digest.toml"
    settings.write_text('[topics.Penguins]\nphrases = ["penguins"]\n')
    digest("init")
    digest("subscribe", "ada@example.org", "--topic", "Penguins", "--confirmed")
    settings.write_text("")
    assert "'Penguins'" in digest("doctor").out

    listing = Path(listed).read_text(encoding="utf-8").replace(">cs.CV<", ">penguins<")
    Path(listed).write_text(listing, encoding="utf-8")
    assert digest("fetch", "arxiv", "--from", listed).code == 0

    assert "'Penguins'" not in digest("doctor").out
    assert "Counting penguins" in digest("rank", "ada@example.org", "--date", "2026-06-10").out


def test_a_followed_category_of_a_preprint_server_that_no_paper_has_is_named(
    digest, tmp_path, listed
):
    digest("init")
    digest("subscribe", "ada@example.org", "--topic", "medrxiv:oncology", "--confirmed")
    assert "medrxiv:oncology" not in digest("doctor").out, "nothing was fetched yet"

    assert digest("fetch", "arxiv", "--from", listed).code == 0
    told = "'medrxiv:oncology', which is a category of no paper"
    out = " ".join(digest("doctor").out.split())
    assert f"1 subscriber follows {told}: check its spelling, and that the source medrxiv" in out

    listing = Path(listed).read_text(encoding="utf-8").replace(">cs.CV<", ">medrxiv:oncology<")
    Path(listed).write_text(listing.replace("2606.", "2607."), encoding="utf-8")
    assert digest("fetch", "arxiv", "--from", listed, "--force").code == 0
    assert "medrxiv:oncology" not in digest("doctor").out


def test_a_category_of_a_topic_that_nobody_has_heard_of_is_named(digest, tmp_path, listed):
    (tmp_path / "digest.toml").write_text(
        '[sources.zoo]\nuse = ".feed:FeedSource"\nurl = "https://zoo.example/feed"\n'
        'categories = ["zoology"]\n'
        "[topics.ours]\n"
        'categories = ["cs.ir", "math", "biorxiv:neuroscience", "Zoology", "penguins", "cs.RI"]\n'
    )
    digest("init")
    listing = Path(listed).read_text(encoding="utf-8").replace(">cs.CV<", ">penguins<")
    Path(listed).write_text(listing, encoding="utf-8")
    assert digest("fetch", "arxiv", "--from", listed).code == 0

    (found,) = [each for each in digest("doctor", "--json").json if each["check"] == "topics"]

    assert found["level"] == "warning"
    assert found["text"].startswith("[topics.ours] names the category 'cs.RI', which neither arXiv")


def test_a_topic_that_is_followed_and_no_longer_in_the_settings_is_named(digest, tmp_path):
    settings = tmp_path / "digest.toml"
    settings.write_text('[topics.dense]\nname = "Dense things"\nphrases = ["dense retrieval"]\n')
    digest("init")
    for name in ("ada", "bob"):
        topics = ("--topic", "dense", "--topic", "cs.IR", "--topic", "biorxiv:neuroscience")
        assert digest("subscribe", f"{name}@example.org", *topics, "--confirmed").code == 0

    def told():
        return [each for each in digest("doctor", "--json").json if each["check"] == "topics"]

    assert told() == []
    settings.write_text(settings.read_text().replace("topics.dense", "topics.denser"))
    (found,) = told()
    assert found["level"] == "warning"
    assert found["text"].startswith("2 subscribers follow 'dense', which is neither a topic now")


def test_a_curator_who_is_no_subscriber_is_told_by_place_not_by_address(digest, tmp_path):
    addresses = ["Ada@Example.org", "bo@example.org", "nonsense"]
    (tmp_path / "digest.toml").write_text(f"[community]\ncurators = {addresses}\n")
    digest("init")
    digest("subscribe", "ada@example.org", "--topic", "cs.IR", "--confirmed")

    found = [each for each in digest("doctor", "--json").json if each["check"] == "curators"]

    assert [each["level"] for each in found] == ["warning"] * 2
    said = [each["text"].partition(" is not ")[0] for each in found]
    assert said == ["[community] curators: address 2", "[community] curators: address 3"]
    assert not any(each in str(found) for each in addresses)
