"""What trends, and what curators picked."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_trending_can_be_read_by_period_and_topic(client, period):
    found = client.get(f"/trending/{period}.json").json()
    assert (found["period"], found["topic"]) == (period, "")
    narrowed = client.get(f"/trending/{period}.json?topic=cs.CL").json()
    assert narrowed["topic"] == "cs.CL"
    assert all("cs.CL" in each["categories"] for each in narrowed["papers"])


def test_without_a_period_it_is_the_week(client):
    assert client.get("/trending.json").json() == client.get("/trending/week.json").json()


def test_picks_come_with_the_lines_of_those_who_made_them(client):
    picks = client.get("/picks.json").json()
    (featured,) = picks["featured"]
    assert featured["id"] == "arxiv:2606.00100"
    assert [(each["line"], each["curator"]) for each in featured["picked_by"]] == [
        ("Read <b>this</b>.", False),
        ("Yes.", True),
    ]
    (waiting,) = picks["submitted"]
    assert waiting["paper"]["id"] == "arxiv:math.GT/0309136"
    assert (waiting["line"], waiting["name"]) == ("Not decided yet.", "")


def test_the_page_says_how_to_put_a_paper_forward(client):
    page = client.get("/picks").text
    assert "Submit a paper" in page
    assert "Submitted by <strong>a reader</strong>" in page
    assert "Picked by <strong>Ada</strong>" in page
