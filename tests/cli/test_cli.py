"""The command line as others script against it."""

import shutil
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from digest.app import troubles, watched
from digest.cli import main
from digest.errors import ConfigError
from digest.model import PollState, SourceReport, Verdict
from digest.store import open_store

DAY = ("--date", "2026-06-10")


@pytest.fixture
def ready(digest, listed, tmp_path, empty):
    """A database with one listing and one subscriber."""
    shutil.copy(empty, tmp_path / "digest.db")
    assert digest("init").code == 0
    assert digest("fetch", "arxiv", "--from", listed).code == 0
    added = digest(
        "subscribe", "a@b.example", "--topic", "cs.LG", "--keyword", "dual encoder", "--confirmed"
    )
    assert added.code == 0
    return digest


def test_init_may_be_repeated_in_any_folder(digest, tmp_path):
    assert digest("init").out == f"Ready: {tmp_path / 'digest.db'}\n"
    assert digest("init").code == 0
    assert (tmp_path / "digest.db").is_file()


def test_fetching_a_recorded_listing_says_what_it_gave_and_may_be_repeated(digest, listed):
    first = digest("fetch", "arxiv", "--from", listed)
    assert "3 read, 3 new papers" in first.out
    again = digest("fetch", "arxiv", "--from", listed, "--json").json
    assert again[0]["verdict"] == "unchanged"
    assert (again[0]["papers"], again[0]["announced"]) == (0, 0)


FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>A journal</title>
<link>https://j.example/</link><item><title>On the patience of feed readers</title>
<link>https://j.example/1</link><description>They wait.</description>{date}</item></channel></rss>"""


def test_any_recorded_feed_can_be_read_without_settings(digest, tmp_path):
    file = tmp_path / "feed.xml"
    file.write_text(FEED.format(date="<pubDate>Wed, 10 Jun 2026 01:00:00 GMT</pubDate>"))
    assert "1 read, 1 new papers" in digest("fetch", "feed", "--from", str(file)).out


def test_a_recorded_feed_without_any_date_asks_for_one(digest, tmp_path):
    file = tmp_path / "feed.xml"
    file.write_text(FEED.format(date=""))
    asked = digest("fetch", "feed", "--from", str(file))
    assert asked.code == 1
    assert "--at" in asked.out
    assert "1 new papers" in digest("fetch", "feed", "--from", str(file), "--at", "2026-06-10").out


def test_a_feed_can_only_be_polled_under_a_name_of_its_own(digest):
    ran = digest("fetch", "feed")
    assert ran.code == 2
    assert "[sources.NAME]" in ran.err


def test_a_subscriber_can_be_given_new_links(ready, monkeypatch):
    monkeypatch.setenv("DIGEST_SITE_URL", "https://digest.example")
    ready("preview", "a@b.example", *DAY, "--out", "a.txt")
    assert ready("subscribers", "revoke", "a@b.example").code == 0
    ready("preview", "a@b.example", *DAY, "--out", "b.txt")
    before, after = Path("a.txt").read_text("utf-8"), Path("b.txt").read_text("utf-8")
    assert [line for line in before.splitlines() if "/u/" in line]
    assert not {line for line in before.splitlines() if "/u/" in line} & set(after.splitlines())


def test_status_counts_rows_and_the_outbox_by_state(ready):
    status = ready("status", "--json").json
    assert status["papers"] == 3
    assert status["announcements"] == 3
    assert status["subscribers"] == 1
    assert status["digests"] == 0
    assert sum(status["outbox"].values()) == 0
    assert (status["forecast"]["waiting"], status["forecast"]["late"]) == (0, 0)
    assert "to be sent      none wait" in ready("status").out


def test_status_says_how_many_papers_wait_for_the_embedder_if_one_is_set(ready, monkeypatch):
    assert ready("status", "--json").json["embedding"] is None
    assert "embedding" not in ready("status").out

    monkeypatch.setenv("DIGEST_RANKING_EMBEDDER", "tiny")
    monkeypatch.setattr("digest.ranking.embedding.find_spec", lambda _: "it is installed")

    assert ready("status", "--json").json["embedding"] == {"waiting": 3, "papers": 3}
    assert "embedding       3 of 3 papers to go\n" in ready("status").out


def test_status_is_told_although_there_can_be_no_such_embedder(ready, monkeypatch):
    monkeypatch.setenv("DIGEST_RANKING_EMBEDDER", "/nowhere/at/all")

    assert ready("status", "--json").json["embedding"] is None


def test_status_has_a_line_for_every_source_that_is_enabled(ready):
    lines = {each["source"]: each for each in ready("status", "--json").json["sources"]}
    assert {"arxiv", "arxiv-oai", "huggingface"} == set(lines)
    assert lines["huggingface"]["cause"] == "not asked yet"
    assert "arxiv-oai: waiting: not asked yet; it is asked at night" in ready("status").out


def test_a_source_that_was_never_asked_has_no_time_of_it(ready, tmp_path):
    polled = datetime(2026, 6, 1, 4, tzinfo=UTC)
    store = open_store(tmp_path / "digest.db")
    store.sources.save_polls(
        [PollState(source="huggingface", url="https://h.example/", polled_at=polled)]
    )
    store.close()

    lines = {each["source"]: each for each in ready("status", "--json").json["sources"]}

    assert lines["arxiv-oai"]["at"] is None
    assert lines["huggingface"]["at"] == polled.isoformat()
    assert lines["huggingface"]["cause"] == "not asked since 2026-06-01 04:00 UTC"


def test_status_hides_no_fault_however_many_places_there_are(ready, tmp_path):
    now = datetime.now(UTC)

    def report(source, number, verdict=Verdict.NEW, *, minutes):
        at = now - timedelta(minutes=minutes)
        return SourceReport(source=source, place=f"p{number}", verdict=verdict, cause="", at=at)

    store = open_store(tmp_path / "digest.db")
    store.sources.add_reports(
        [
            *(report("journals", number, minutes=30 + number) for number in range(20)),
            report("journals", 20, Verdict.FAILED, minutes=60),
            report("journals", 21, Verdict.STALE, minutes=61),
            report("huggingface", 1, minutes=90),
            report("huggingface", 2, minutes=80),
            report("huggingface", 1, minutes=10),
        ]
    )
    store.close()

    shown = ready("status").out
    assert "journals p20: failed" in shown
    assert "journals p21: stale" in shown
    assert "journals p1:" not in shown
    assert "huggingface p1: new" in shown
    assert "huggingface p2" not in shown
    assert "arxiv-oai: waiting: not asked yet" in shown
    rows = [
        each["place"]
        for each in ready("status", "--json").json["sources"]
        if each["source"] in ("journals", "huggingface")
    ]
    assert len(rows) == 24


def test_fetching_with_every_source_switched_off_says_so(digest, tmp_path):
    names = ("arxiv", "arxiv-oai", "huggingface")
    (tmp_path / "digest.toml").write_text(
        "".join(f"[sources.{name}]\nenabled = false\n" for name in names)
    )
    assert digest("fetch").out == "Nothing to do: no source is enabled.\n"


def test_fetching_while_another_process_does_says_so(ready, tmp_path):
    store = open_store(tmp_path / "digest.db")
    store.lease("poll", owner="another", now=datetime.now(UTC), seconds=60)
    store.close()
    assert ready("fetch", "huggingface").out == "Nothing to do: another process is fetching.\n"


def test_status_says_why_nothing_was_sent_although_only_deliver_was_told(ready, monkeypatch):
    assert "worker          none yet" in ready("status").out
    monkeypatch.setenv("DIGEST_SMTP_URL", "smtp://ada:s3cret@mx..example.net:587")
    said = ready("deliver", *DAY).err

    (trouble,) = ready("status", "--json").json["worker"]["troubles"]
    assert trouble["part"] == "deliver"
    assert said == f"digest: {trouble['cause']}\n"
    shown = ready("status").out
    assert "trouble         sending digests failed at " in shown
    assert "[smtp] url: mx..example.net:587 is not a host name" in shown
    assert "s3cret" not in shown

    monkeypatch.setenv("DIGEST_SMTP_URL", "maildir:box")
    ready("deliver", *DAY)
    assert "trouble" not in ready("status").out


OFF = "".join(
    f"[sources.{name}]\nenabled = false\n" for name in ("arxiv", "arxiv-oai", "huggingface")
)


@pytest.fixture
def parts(ready, tmp_path):
    """Which parts of the work are in trouble; called with some, these have failed before."""

    def look(*failing):
        store = open_store(tmp_path / "digest.db")

        def fail():
            raise ConfigError("It failed.")

        for part in failing:
            with pytest.raises(ConfigError):
                watched(store, part, fail, clock=lambda: datetime.now(UTC))
        found = [each.part for each in troubles(store)]
        store.close()
        return found

    return look


@pytest.mark.parametrize("command", ["fetch", "run"])
def test_lists_that_cannot_be_fetched_are_known_until_they_are(ready, tmp_path, parts, command):
    settings = tmp_path / "digest.toml"
    settings.write_text(f'{OFF}[sources.mine]\nuse = "no_such_module:Source"\n')
    assert ready(command).code == 2
    assert parts() == ["poll"]

    settings.write_text(OFF)
    ready("fetch")
    assert parts() == []


def test_a_source_named_wrongly_is_no_trouble_and_one_alone_mends_none(ready, parts, listed):
    assert ready("fetch", "no-such-source").code == 2
    assert parts() == []

    parts("poll")
    ready("fetch", "arxiv", "--from", listed)
    assert parts() == ["poll"]


@pytest.mark.parametrize("day", ["2999-01-01", "9999-12-31"])
def test_a_day_that_nothing_can_be_composed_for_is_no_trouble(ready, parts, day):
    assert ready("deliver", "--date", day).code == 2
    assert parts() == []


def test_a_run_mends_what_it_does(ready, tmp_path, parts):
    (tmp_path / "digest.toml").write_text(OFF)
    parts("resume", "mail", "poll", "look up", "place", "compose", "post", "deliver")

    ready("run")

    assert parts() == []


def test_learning_by_hand_mends_it_and_not_being_due_does_not(ready, tmp_path, parts):
    (tmp_path / "digest.toml").write_text(OFF)
    parts("learn")
    ready("fetch")
    assert parts() == ["learn"]

    ready("learn")
    assert parts() == []


def test_a_model_that_is_not_there_is_known_until_learning_does_without(ready, parts, monkeypatch):
    monkeypatch.setenv("DIGEST_RANKING_EMBEDDER", "/no/such/folder")
    assert ready("learn").code == 2
    assert parts() == ["place"]

    monkeypatch.delenv("DIGEST_RANKING_EMBEDDER")
    ready("learn")
    assert parts() == []


def test_a_backup_by_hand_mends_the_night_where_the_nightly_ones_go(ready, tmp_path, parts):
    parts("night")
    ready("backup", str(tmp_path / "elsewhere.db"))
    assert parts() == ["night"]

    assert ready("backup").code == 0
    assert parts() == []


def test_rank_gives_ids_titles_scores_and_reasons(ready):
    ranked = ready("rank", "a@b.example", *DAY, "--json").json
    assert {each["id"] for each in ranked} == {"arxiv:2606.00001", "arxiv:2606.00003"}
    for each in ranked:
        assert each["title"]
        assert each["score"] == pytest.approx(sum(t["amount"] for t in each["terms"]), abs=1e-4)
    by_id = {each["id"]: " ".join(each["reasons"]) for each in ranked}
    assert "dual encoder" in by_id["arxiv:2606.00001"]
    assert "Machine Learning" in by_id["arxiv:2606.00003"]


def test_rank_gives_the_titles_of_what_is_not_shown_in_full(ready):
    assert ready("subscribe", "a@b.example", "--limit", "1").code == 0
    first, other = ready("rank", "a@b.example", *DAY, "--json").json
    assert {"score", "reasons"} <= first.keys()
    assert set(other) == {"id", "title"}
    told = ready("rank", "a@b.example", *DAY).out
    assert told.splitlines()[1].split() == ["score", "chance", "paper"]
    assert f"  2{'':18}{other['title']}  [{other['id']}]" in told.splitlines()
    for limit, count in ((1, 1), (2, 2), (9, 2)):
        shown = ready("rank", "a@b.example", *DAY, "--json", "--limit", str(limit)).json
        assert len(shown) == count


@pytest.mark.parametrize("form", ["html", "txt", "eml"])
def test_a_preview_is_written_in_the_form_its_name_asks_for(ready, tmp_path, form):
    out = tmp_path / f"x.{form}"
    assert ready("preview", "a@b.example", *DAY, "--out", str(out)).code == 0
    content = out.read_bytes()
    if form == "eml":
        message = message_from_bytes(content, policy=policy.default)
        assert message["to"] == "a@b.example"
        content = message.get_body(("plain",)).get_content().encode()
    assert b"dual encoder for old maps" in content
    assert ready("status", "--json").json["digests"] == 0


def test_deliver_sends_an_edition_once(ready, tmp_path):
    first = ready("deliver", *DAY)
    assert "1 digests composed; 1 sent" in first.out
    assert "0 digests composed; 0 sent" in ready("deliver", *DAY).out
    assert len(list((tmp_path / "maildir" / "new").iterdir())) == 1
    status = ready("status", "--json").json
    assert status["outbox"]["sent"] == 1
    assert status["digests"] == 1


def test_a_paper_once_sent_is_not_ranked_for_another_day(ready):
    ready("deliver", *DAY)
    same_day = ready("rank", "a@b.example", *DAY, "--json").json
    next_day = ready("rank", "a@b.example", "--date", "2026-06-11", "--json").json
    assert len(same_day) == 2
    assert next_day == []


def test_publish_writes_feeds_and_changes_nothing_the_second_time(ready, tmp_path):
    first = ready("publish", str(tmp_path / "public"))
    assert first.code == 0
    assert (tmp_path / "public" / "feeds.opml").is_file()
    assert "0 changed" in ready("publish", str(tmp_path / "public")).out


def test_search_finds_papers_by_their_words(ready):
    found = ready("search", "penguins", "--json").json
    assert [each["id"] for each in found] == ["arxiv:2606.00002"]
    assert ready("search", '"(AND* NEAR').code == 0


def test_subscribers_can_be_listed_exported_and_taken_off(ready, tmp_path):
    assert ready("subscribers", "list", "--json").json[0]["email"] == "a@b.example"
    out = tmp_path / "people.csv"
    assert "1 subscribers written" in ready("subscribers", "export", str(out)).out
    assert "0 added, 1 already known" in ready("subscribers", "import", str(out)).out
    assert "unsubscribed" in ready("unsubscribe", "a@b.example").out
    assert "0 digests composed" in ready("deliver", *DAY).out


def test_topics_can_be_looked_up_by_name(digest):
    assert "cs.IR" in digest("topics", "information retrieval").out


def test_sources_show_what_is_configured(digest):
    rows = {each["name"]: each for each in digest("sources", "--json").json}
    assert rows["arxiv"]["enabled"]
    assert rows["arxiv-oai"]["nightly"]


def test_a_source_is_shown_by_whatever_name_it_has(digest, tmp_path):
    settings = '[sources."mine[/b] [red]"]\nuse = ".feed:FeedSource"\nurl = "https://a.example/"\n'
    (tmp_path / "digest.toml").write_text(settings)
    assert "mine[/b] [red]" in digest("sources").out


def test_a_backup_is_a_database_of_its_own(ready, tmp_path):
    target = tmp_path / "copy.db"
    assert ready("backup", str(target)).code == 0
    assert ready("status", "--json", db=str(target)).json["papers"] == 3


@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
def test_a_backup_does_not_overwrite_a_file_of_the_live_database(ready, end):
    ran = ready("backup", f"digest.db{end}")
    assert (ran.code, ran.err.split(",")[0]) == (2, "digest: A backup needs a file of its own")
    assert ready("status", "--json").json["papers"] == 3


@pytest.mark.parametrize("words", [("publish", ""), ("backup", ""), ("demo", "--dir", "")])
def test_an_empty_name_is_not_taken_for_the_working_folder(ready, tmp_path, words):
    before = set(tmp_path.iterdir())
    ran = ready(*words)
    assert ran.code == 2
    assert "it is empty" in ran.err
    assert set(tmp_path.iterdir()) == before


def test_a_backup_makes_no_folder_that_was_not_there(ready, tmp_path):
    ran = ready("backup", "no/such/copy.db")

    said = "There is no folder no/such to put a backup into; make it first."
    assert (ran.code, ran.err) == (2, f"digest: {said}\n")
    assert not (tmp_path / "no").exists()
    assert ready("backup", "copy.db").code == 0


def test_migrate_says_when_there_is_nothing_to_do(ready):
    assert "Nothing to do" in ready("migrate").out


def test_doctor_looks_at_everything_and_sends_nothing(ready, tmp_path):
    findings = ready("doctor", "--json").json
    assert {"settings", "database", "sources", "sender", "mail"} <= {f["check"] for f in findings}
    assert not (tmp_path / "maildir" / "new").exists() or not list(
        (tmp_path / "maildir" / "new").iterdir()
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("fetch", "nowhere", "--from", "{listing}"), "There is no source 'nowhere'"),
        (("fetch", "--from", "{listing}"), "Name the source"),
        (("fetch", "arxiv", "--at", "2026-06-10"), "--at needs --from"),
        (("fetch", "", "--from", "{listing}"), "Name the source"),
        (("fetch", "arxiv", "--from", "{listing}", "--since", "2026-06-10"), "--since asks"),
        (("subscribe", "not an address"), "not an email address"),
        (("subscribe", "a@b.example", "--topic", "cs.NOPE"), "There is no topic"),
        (("rank", "nobody@b.example", "--date", "2026-06-10"), "Nobody is subscribed"),
        (("rank", "a@b.example", "--date", "10.6.2026"), "A date is written like"),
        (("rank", "a@b.example", "--date", "2026-02-30"), "A date is written like"),
        (("preview", "a@b.example", "--out", "x.pdf"), ".html, .eml or .txt"),
        (("nonsense",), "No such command 'nonsense'. See `"),
        (("statu",), "Did you mean 'status'? See `"),
        (("worker", "now"), "unexpected extra argument (now). See `"),
        (("publish",), "Missing argument"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_exit_code_2(ready, listed, words, sentence):
    ran = ready(*(each.format(listing=listed) for each in words))
    assert ran.code == 2
    assert sentence in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("group", [(), ("subscribers",)])
def test_without_a_command_one_reads_which_there_are_and_no_error(capsys, group):
    with pytest.raises(SystemExit, match="2"):
        main([*group])
    said = capsys.readouterr()
    with pytest.raises(SystemExit, match="0"):
        main([*group, "--help"])
    assert (said.out, said.err) == ("", capsys.readouterr().out)


def test_a_missing_database_says_where_it_was_looked_for_and_how_to_make_one(digest, tmp_path):
    ran = digest("status")
    assert ran.code == 2
    path = tmp_path / "digest.db"
    assert f"no database at {path}; `digest --db {path} init` makes one" in ran.err


def test_in_another_folder_the_database_beside_the_settings_is_pointed_out(
    digest, tmp_path, monkeypatch
):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (home / "digest.toml").write_text("")
    monkeypatch.chdir(home)
    digest("init")

    monkeypatch.chdir(elsewhere)
    ran = digest("--config", str(home / "digest.toml"), "status")

    assert f"no database at {elsewhere / 'digest.db'}" in ran.err
    assert f"there is {home / 'digest.db'}, beside your settings" in ran.err
    assert " init" not in ran.err, "it would make an empty second one"


@pytest.mark.parametrize("command", ["status", "sources", "migrate"])
def test_an_emptied_database_is_no_fresh_one(digest, tmp_path, monkeypatch, command):
    """Whatever emptied it, readers were in it; only `init` is told that there were none."""
    monkeypatch.setattr("digest.app.adapters.MAKING_SECONDS", 0)
    path = tmp_path / "digest.db"
    path.touch()

    ran = digest(command)

    assert (ran.code, path.stat().st_size) == (2, 0)
    assert f"The database {path} is empty: restore it from a backup" in ran.err
    assert (digest("init").code, digest(command).code) == (0, 0)


@pytest.mark.parametrize("command", ["init", "status", "sources", "migrate"])
def test_a_folder_is_no_database(digest, tmp_path, command):
    ran = digest(command, db=str(tmp_path))
    assert ran.code == 2
    assert f"The database {tmp_path} is a folder; name a file in it." in ran.err


def test_what_is_not_a_database_is_said_plainly(digest, tmp_path):
    (tmp_path / "digest.db").write_text("not a database, but long enough to look at" * 50)
    ran = digest("status")
    assert ran.code in (1, 2)
    assert "Traceback" not in ran.err


def test_a_listing_of_nothing_readable_fails_with_its_cause(digest, tmp_path):
    page = tmp_path / "page.xml"
    page.write_text("<html><body>503 Service Unavailable</body></html>")
    ran = digest("fetch", "arxiv", "--from", str(page))
    assert ran.code == 1
    assert "failed" in ran.out


def test_wrong_settings_name_the_file_and_the_key(digest, tmp_path):
    (tmp_path / "digest.toml").write_text("[smtp]\nulr = 1\n")
    ran = digest("init")
    assert ran.code == 2
    assert "smtp.ulr" in ran.err
    assert "digest.toml" in ran.err


def test_learning_from_too_few_papers_says_so(ready):
    ran = ready("learn")
    assert ran.code == 0
    assert ran.out == (
        "3 papers are too few to learn from (500 needed): ranking goes by words and categories "
        "until then.\n"
    )
    assert "none yet" in ready("status").out
    assert ready("status", "--json").json["space"] is None
    (found,) = [each for each in ready("doctor", "--json").json if each["check"] == "ranking"]
    assert (found["level"], found["text"][:20]) == ("fine", "3 papers are too few")


@pytest.fixture
def stocked(digest, tmp_path, archive, empty):
    """A database with 520 papers."""
    shutil.copy(empty, tmp_path / "digest.db")
    assert digest("init").code == 0
    store = open_store(tmp_path / "digest.db")
    store.papers.ingest(archive(range(520)))
    store.close()
    return digest


def test_learning_says_what_came_of_it_and_so_does_the_status(stocked):
    learned = stocked("learn")
    assert learned.code == 0
    assert learned.out.startswith("Learned from 520 papers in 52 dimensions: lsa:")
    space = stocked("status", "--json").json["space"]
    assert (space["papers"], space["archive"], space["dimensions"]) == (520, 520, 52)
    assert space["readable"] is True
    assert "learned today from 520 papers: 52 dimensions" in stocked("status").out
    (found,) = [each for each in stocked("doctor", "--json").json if each["check"] == "ranking"]
    assert found["text"].startswith(f"{space['name']}, learned today")


def test_status_and_doctor_both_say_that_what_was_learned_cannot_be_read(ready, tmp_path):
    store = open_store(tmp_path / "digest.db")
    store.spaces.keep("lsa:broken", b"no space", datetime.now(UTC), papers=500)
    store.close()

    said = ready("status")

    assert said.code == 0
    assert "what was learned cannot be read; `digest learn` learns it anew" in said.out
    assert "learned today" not in said.out
    assert ready("status", "--json").json["space"]["readable"] is False
    (found,) = [each for each in ready("doctor", "--json").json if each["check"] == "ranking"]
    assert (found["level"], found["text"] in said.out) == ("warning", True)


def test_one_full_cycle_leaves_a_space_behind(stocked, tmp_path):
    settings = tmp_path / "digest.toml"
    settings.write_text(
        "sources.arxiv.enabled = false\nsources.arxiv-oai.enabled = false\n"
        "sources.huggingface.enabled = false\n"
    )
    assert stocked("run").code == 0
    assert stocked("status", "--json").json["space"]["papers"] == 520
