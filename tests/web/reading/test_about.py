"""What the site says of itself, to people and to programs."""

from __future__ import annotations


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
    page = client.get("/privacy").text
    assert "beside papers that you put forward or, as a curator, decide on" in page
    keep, inbound = filled.settings.keep, filled.settings.inbound
    for days in (keep.logs, keep.digests, keep.papers, inbound.evidence_days):
        assert f"{days} days" in page
    assert "No cookies" in page


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


def test_without_incoming_mail_no_address_is_promised(application):
    from starlette.testclient import TestClient

    from digest.web import application as asgi

    with TestClient(asgi(application), base_url="https://digest.example") as client:
        assert "mailto:" not in client.get("/help").text
        assert "by mail alone" not in client.get("/help").text


def test_every_mail_command_of_the_help_page_is_understood(client):
    import re

    from digest.inbound import commands

    shown = re.findall(r"<td><code>([^<]+)</code>", client.get("/help").text)
    assert len(shown) > 15
    for line in shown:
        for one in line.split(", ") if line.startswith("daily") else [line]:
            asked = commands.parse("", [one])
            assert asked.commands, one
            assert not asked.strange, one


def test_crawlers_are_kept_out_of_what_is_private_or_endless(client):
    lines = client.get("/robots.txt").text.splitlines()
    assert lines[0] == "User-agent: *"
    assert {"/d/", "/me", "/u/", "/c/", "/a/", "/operator", "/search"} <= {
        each.removeprefix("Disallow: ") for each in lines
    }


def test_health_says_that_the_database_answers(client):
    answer = client.get("/health")
    assert answer.json()["status"] == "ok"
    assert answer.json()["papers"] == 65
    assert answer.headers["cache-control"] == "no-store"
