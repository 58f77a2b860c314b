"""The checks that plug-ins must pass: our own sources, transports and ranker pass them too."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources

import pytest

from digest.delivery import MaildirTransport, StdoutTransport
from digest.model import Interest, InterestKind, Listing, Message, Outcome, Profile
from digest.ranking.linear import LinearRanker
from digest.sources.arxiv import Arxiv
from digest.sources.huggingface import HuggingFace
from digest.testing import MemoryTransport, check_ranker, check_source, check_transport

NOW = datetime(2026, 6, 11, 7, tzinfo=UTC)
MESSAGES = [
    Message(
        digest_id=f"s_{n}.2026-06-11",
        sender="digest@digest.example",
        recipient=f"{name}@example.com",
        content=b"Subject: Papers\r\n\r\nTwo of them.\r\n",
    )
    for n, name in enumerate(("ada", "bob"))
]


def listing(source, file):
    body = resources.files("digest.sample").joinpath(file).read_bytes()
    return Listing(source=source, url="", body=body, fetched_at=NOW)


@pytest.mark.parametrize(
    ("source", "file", "papers"),
    [
        (Arxiv(categories=("cs.IR", "math.OC")), "arxiv-2026-06-11.xml", 26),
        (HuggingFace(), "huggingface-2026-06-11.json", 10),
    ],
    ids=["arxiv", "huggingface"],
)
def test_our_sources_pass(source, file, papers):
    harvest = check_source(source, listing(source.name, file))

    assert len(harvest.items) == papers


def test_a_source_that_names_another_fails():
    class Muddled(Arxiv):
        def requests(self, cursor, now):
            return [replace(each, source="elsewhere") for each in super().requests(cursor, now)]

    with pytest.raises(AssertionError, match="names the source 'elsewhere'"):
        check_source(Muddled(categories=("cs.IR",)), listing("arxiv", "arxiv-2026-06-11.xml"))


@pytest.mark.parametrize("kind", ["stdout", "maildir", "memory"])
def test_our_transports_pass(kind, tmp_path):
    transport = {
        "stdout": StdoutTransport(io.StringIO()),
        "maildir": MaildirTransport(tmp_path),
        "memory": MemoryTransport(),
    }[kind]

    receipts = check_transport(transport, MESSAGES)

    assert [each.outcome for each in receipts] == [Outcome.ACCEPTED] * len(MESSAGES)


def test_a_transport_that_keeps_a_receipt_to_itself_fails():
    class Silent(MemoryTransport):
        def send(self, messages, now, **rest):
            return (each for n, each in enumerate(super().send(messages, now, **rest)) if n)

    with pytest.raises(AssertionError):
        check_transport(Silent(), MESSAGES)


@dataclass
class Lavish:
    """Ranks as ours does, and lists what was ruled out too."""

    ranker: LinearRanker

    def rank(self, block, candidates, *, without, now):
        _ = without
        return self.ranker.rank(block, candidates, without={}, now=now)


@pytest.fixture(scope="module")
def papers():
    harvest = Arxiv().parse(listing("arxiv", "arxiv-2026-06-11.xml"))
    return [each.paper for each in harvest.items]


def profile(name, **interests):
    return Profile(
        subscriber_id=name,
        interests=tuple(
            Interest(kind=InterestKind(kind), value=value, weight=1.0, added_at=NOW)
            for kind, value in interests.items()
        ),
    )


def people(papers):
    return [
        profile("s_ada", topic="cs.IR", keyword="retrieval"),
        profile("s_bob", topic="math.OC", like=papers[0].id),
        profile("s_new"),
    ]


def test_our_ranker_passes(papers):
    check_ranker(LinearRanker(topics={}), people(papers), papers)


def test_a_ranker_that_picks_what_was_ruled_out_fails(papers):
    with pytest.raises(AssertionError, match="ruled out"):
        check_ranker(Lavish(LinearRanker(topics={})), people(papers), papers)
