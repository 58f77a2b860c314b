"""Whatever papers hold, the bytes on the wire keep the rules and the footer keeps its place."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.delivery.wire import prepare
from digest.model import Digest, Link, LinkKind, Paper, Pick
from digest.rendering import mail
from digest.rendering.bodies import LARGEST_PART

NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
NASTY = ("\r\nBcc: eve@example.com", "\n.\r\n", "\0", "=\r\n", "\u202e", "\ud800", "From ", "{{ 7 }}", "&<>\"'")  # fmt: skip

texts = st.lists(st.one_of(st.text(max_size=40), st.sampled_from(NASTY)), max_size=4).map("".join)
huge = st.builds(lambda text, times: text * times, texts, st.sampled_from((1, 1, 50, 600)))
papers_of_all_kinds = st.lists(
    st.builds(
        Paper,
        id=st.uuids().map(lambda each: f"doi:10.1/{each}"),
        title=huge,
        abstract=huge,
        authors=st.lists(texts, max_size=2).map(tuple),
        categories=st.lists(texts, max_size=2).map(tuple),
        url=st.one_of(texts, texts.map("https://example.org/".__add__)),
        links=st.lists(
            st.builds(
                Link, kind=st.sampled_from(LinkKind), url=texts.map("https://example.org/".__add__)
            ),
            max_size=2,
        ).map(tuple),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda paper: paper.id,
)
fixtures_stay_the_same = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def digest_of(papers: list[Paper], picked: int) -> Digest:
    return Digest(
        id="s_ada.2026-06-10",
        subscriber_id="s_ada",
        edition="2026-06-10",
        since=NOW,
        until=NOW,
        picks=tuple(Pick(paper_id=paper.id, score=1) for paper in papers[:picked]),
        rest=tuple(paper.id for paper in papers[picked:]),
        matched=len(papers),
        composed_at=NOW,
    )


@fixtures_stay_the_same
@given(papers=papers_of_all_kinds, picked=st.integers(0, 4), reason=texts, name=texts)
def test_any_papers_make_a_lawful_message(compiled, site, subscriber, papers, picked, reason, name):
    # Arrange
    templates = replace(compiled(site), site=replace(site, name=name))
    edition = mail.Edition(
        templates, {paper.id: paper for paper in papers}, because=lambda _: reason
    )

    # Act
    sent = mail.message(
        edition, digest_of(papers, picked), subscriber, message_id="<1@example.org>", at=NOW
    )

    # Assert
    lines = sent.content.split(b"\r\n")
    assert sent.content.isascii()
    assert not any(set(line) & set(b"\r\n\0") for line in lines)
    assert all(len(line) <= 76 for line in lines if not line.startswith(b"List-Unsubscribe:"))
    assert not any(line.startswith((b".", b"From ")) for line in lines)
    assert len(sent.content) - sent.ready == sent.content.index(b"\r\n\r\n") + 4
    assert prepare(sent) == prepare(replace(sent, ready=0))
    message = message_from_bytes(sent.content, policy=policy.default)
    assert not message.defects
    assert message["To"] == "ada@example.com"
    assert "Bcc" not in message
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        content = part.get_content()
        assert not part.defects
        assert not {each for each in content if ord(each) < 32} - {"\r", "\n"}
        assert len(content.encode()) <= LARGEST_PART
        assert f"{site.url}/u/s_ada.." in content


@pytest.fixture
def show_many(show, papers):
    """What the reader sees of a digest of many papers, of which some are picked."""

    def shown(number, picked, **changes):
        paper = papers["arxiv:2606.00001"]
        many = [replace(paper, id=f"x:{each}", **changes) for each in range(number)]
        return show(papers={each.id: each for each in many}, digest=digest_of(many, picked))

    return shown


@pytest.mark.parametrize("picked", [10, 400])
def test_however_much_there_is_the_mail_stays_below_what_gmail_shows(show_many, picked):
    shown = show_many(500, picked, title="Wide 检索 " * 80, abstract="增强 & more. " * 400)

    assert 40_000 < len(shown.html.encode()) <= LARGEST_PART
    assert len(shown.text.encode()) <= LARGEST_PART
    assert "Unsubscribe" in shown.html
    more = re.search(r"([\d,]+) more that matched your interests", shown.text)
    hidden = re.search(r"And ([\d,]+) more, all in the browser", shown.text)
    number, further = (int(each[1].replace(",", "")) for each in (more, hidden))
    assert number == further + shown.html.count("<li"), (
        "what the heading counts is listed or hidden"
    )


def test_no_more_picks_are_left_out_than_have_to_be(show_many):
    shown = show_many(60, 60, abstract="")

    assert 0.8 * LARGEST_PART < len(shown.html.encode()) <= LARGEST_PART


def test_abstracts_are_shortened_before_titles_are_dropped(show_many):
    shown = show_many(60, 20, abstract="A word & another. " * 400)

    assert "A word" in shown.text
    assert shown.html.count("<li") == 40
    assert all(
        f"\n{number}. ".rjust(5) in shown.text or f" {number}. " in shown.text
        for number in range(1, 21)
    )
