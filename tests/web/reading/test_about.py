"""What the site says of itself, to people and to programs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from digest.app import App
from digest.web import application as asgi
from digest.web.about import About
from digest.web.caching import Cache, kept
from digest.web.shelf import Shelf

SITE = "https://digest.example"


def test_the_feeds_directory_lists_every_feed_and_the_opml(client):
    found = client.get("/feeds.json").json()
    atoms = [
        each["feeds"]["atom"].removeprefix("https://digest.example") for each in found["feeds"]
    ]
    assert {
        "/feeds/trending.atom",
        "/feeds/trending-week.atom",
        "/feeds/picks.atom",
        "/feeds/llm.atom",
        "/feeds/cs.IR.atom",
        "/feeds/biorxiv-neuroscience.atom",
    } <= set(atoms)
    assert all(client.get(each).status_code == 200 for each in atoms)
    assert found["opml"] == "https://digest.example/feeds.opml"


def test_privacy_says_how_long_things_are_kept_as_it_is_set(filled, client):
    keep = replace(filled.settings.keep, logs=11, digests=33, papers=444)
    inbound = replace(filled.settings.inbound, evidence_days=55, soft_days=22)
    filled.settings = replace(filled.settings, keep=keep, inbound=inbound)

    page = client.get("/privacy").text

    assert "beside papers that you submit or, as a curator, decide on" in page
    for what, days in (
        ("Logs of what was sent", 33),
        ("Your digests", 33),
        ("Requests for mail", 11),
        ("Bounces and complaints", 55),
        ("Papers", 444),
    ):
        assert f'<th scope="row">{what}</th><td>{days} days' in page
    assert "a mailbox was full" not in page
    assert "No cookies" in page


@pytest.mark.parametrize("path", ["/about", "/help", "/privacy", "/openapi.json"])
def test_what_settings_alone_decide_is_not_made_again_for_who_has_it(filled, path):
    cache = Cache()
    cache.get(path, filled.settings, lambda: kept(b"made before", "text/plain"))
    shelf = Shelf(filled.settings.topics, days=1)
    client = TestClient(Starlette(routes=About(filled, cache=cache, shelf=shelf).routes()))

    found = client.get(path)
    again = client.get(path, headers={"if-none-match": found.headers["etag"]})

    assert found.content == b"made before"
    assert again.status_code == 304


def test_privacy_says_of_full_mailboxes_that_they_are_kept_for_longer(filled, client):
    inbound = replace(filled.settings.inbound, evidence_days=7, soft_days=30)
    filled.settings = replace(filled.settings, inbound=inbound)

    assert "that a mailbox was full: 30 days" in client.get("/privacy").text


def test_help_shows_the_mail_commands_with_our_addresses(client):
    page = client.get("/help").text
    for expected in (
        "mailto:subscribe@in.digest.example",
        "mailto:subscribe%2Bcs.IR@in.digest.example",
        "<code>more 2 5</code>",
        "<code>pause 2 weeks</code>",
        "<code>forget me</code>",
    ):
        assert expected in page


def test_without_incoming_mail_no_address_is_promised(empty_site):
    assert "mailto:" not in empty_site.get("/help").text
    assert "by mail alone" not in empty_site.get("/help").text
    assert "answering it" not in empty_site.get("/privacy").text


def test_every_mail_command_of_the_help_page_is_understood(client):
    import re

    from digest.inbound import commands

    shown = re.findall(r"<td><code>([^<]+)</code>", client.get("/help").text)
    assert len(shown) > 15
    for line in shown:
        for one in line.split(", ") if line.startswith("daily") else [line]:
            asked = commands.parse("", [one])
            assert asked.commands, one
            assert not asked.unread, one


def test_crawlers_are_kept_out_of_what_is_private_or_endless(client):
    lines = client.get("/robots.txt").text.splitlines()
    assert lines[0] == "User-agent: *"
    assert {"/d/", "/me", "/u/", "/c/", "/a/", "/operator", "/search"} <= {
        each.removeprefix("Disallow: ") for each in lines
    }


def test_health_says_that_the_database_answers_also_while_another_process_writes(filled, client):
    with closing(sqlite3.connect(filled.settings.db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = client.get("/health")
    assert answer.json()["status"] == "ok"
    assert answer.json()["papers"] == 65
    assert answer.headers["cache-control"] == "no-store"


def test_health_counts_once_a_minute_however_often_it_is_asked(filled, tmp_path, archive):
    now = [datetime(2026, 6, 10, 7, 0, 59, tzinfo=UTC)]
    settings = replace(filled.settings, db=str(tmp_path / "digest.db"))
    with (
        App(settings, clock=lambda: now[0]).create() as app,
        TestClient(asgi(app), base_url=SITE) as browser,
    ):
        assert browser.get("/health").json()["papers"] == 0
        app.store.papers.ingest(archive([1]))
        assert browser.get("/health").json()["papers"] == 0

        now[0] += timedelta(seconds=1)
        assert browser.get("/health").json()["papers"] == 1


def test_health_fails_where_the_database_can_be_read_but_not_written(filled, empty, unwritable):
    with (
        unwritable(empty) as copy,
        App(replace(filled.settings, db=str(copy))) as app,
        TestClient(asgi(app), base_url=SITE) as browser,
    ):
        answer = browser.get("/health")
        assert browser.get("/feeds").status_code == 200

    assert answer.status_code == 500
    assert answer.json()["error"].startswith("This site is not set up correctly")
