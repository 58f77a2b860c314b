"""A small library that readers walk through: three days of papers, votes, and two curators' picks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digest import subscriptions
from digest.app import App
from digest.config import load
from digest.model import (
    Announcement,
    AnnounceType,
    Item,
    Link,
    LinkKind,
    Moderation,
    Paper,
    Signal,
    Submission,
    SubmissionState,
)
from digest.web import application as asgi

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
SITE = "https://digest.example"
HOSTILE = '<script>alert("1")</script> & <b>bold</b>'
OLD = "arxiv:math.GT/0309136"
DOI = "doi:10.1101/2026.06.01.123456"
ENDS_IN_JSON = "doi:10.5555/data.json"


def item(paper_id, day, *, seen=4, categories=("cs.IR",), votes=0, **more):
    """A paper as a listing of that day announced it."""
    values = {
        "title": f"Paper {paper_id}",
        "abstract": "We retrieve things and report what came of it.",
        "authors": ("Ada Lovelace", "Jürgen Schmidhuber"),
        "url": f"https://papers.example/{paper_id}",
        "published": datetime(day.year, day.month, day.day, tzinfo=UTC),
        "identifiers": (paper_id,),
    } | more
    seen_at = datetime(day.year, day.month, day.day, seen, tzinfo=UTC)
    signals = (
        (Signal(paper_id=paper_id, source="hf", kind="upvotes", value=votes, seen_at=seen_at),)
        if votes
        else ()
    )
    return Item(
        paper=Paper(id=paper_id, categories=categories, **values),
        announcement=Announcement(
            paper_id=paper_id,
            source="arxiv",
            feed=categories[0] if categories else "cs",
            day=day,
            type=AnnounceType.NEW,
            seen_at=seen_at,
        ),
        signals=signals,
    )


def library():
    """Seventy papers: sixty of today, a few of the two days before."""
    today, yesterday = date(2026, 6, 10), date(2026, 6, 9)
    papers = [
        item(f"arxiv:2606.{number:05}", today, title=f"A study of ranking number {number}")
        for number in range(1, 61)
    ]
    papers += [
        item(
            OLD,
            yesterday,
            categories=("math.GT",),
            title="Knots <in> the wild & beyond",
            doi="10.1/K",
        ),
        item(DOI, yesterday, categories=("biorxiv:neuroscience",), title="Neurons that remember"),
        item(ENDS_IN_JSON, yesterday, categories=("cs.DL",), title="A paper that ends in JSON"),
        item(
            "arxiv:2606.00100",
            yesterday,
            categories=("cs.CL", "cs.LG"),
            title="Large language models in small rooms",
            abstract="A large language model is asked. " * 40,
            votes=40,
            links=(Link(kind=LinkKind.PDF, url="https://papers.example/100.pdf"),),
            journal_ref="Journal of Rooms 1",
            licence="http://creativecommons.org/licenses/by/4.0/",
        ),
        item(
            "arxiv:2606.00101",
            date(2026, 6, 5),
            categories=("stat.ML",),
            title=HOSTILE,
            abstract=HOSTILE,
            authors=(HOSTILE,),
            comment=HOSTILE,
            journal_ref=HOSTILE,
            url="javascript:alert(1)",
            votes=3,
        ),
    ]
    return papers


def reader(app, email, **changes):
    """A confirmed subscriber."""
    person = subscriptions.subscribe(
        app.store,
        email,
        subscriptions.Wishes(topics=["cs.IR"]),
        topics=app.settings.topics,
        defaults=app.newcomer,
        confirmed=True,
        now=app.clock(),
    )
    person = replace(person, **changes)
    app.store.subscribers.save(person)
    return person


def put_forward(app, paper_id, by, line, *, curator=None, curator_line=""):
    """A submission, featured if a curator is given."""
    now = app.clock()
    submission = app.store.community.submit(
        Submission(
            id=f"sub_{paper_id.replace(':', '-').replace('/', '-')}",
            paper_id=paper_id,
            subscriber_id=by.id,
            line=line,
            at=now - timedelta(hours=2),
            state=SubmissionState.OPEN,
        )
    )
    if curator is not None:
        decided = replace(
            submission,
            state=SubmissionState.FEATURED,
            curator_id=curator.id,
            curator_line=curator_line,
            decided_at=now - timedelta(hours=1),
        )
        log = Moderation(
            at=now,
            actor=curator.id,
            action="feature",
            submission_id=submission.id,
            paper_id=paper_id,
        )
        app.store.community.decide(decided, log)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The application with the library in it, shared by tests that only look."""
    folder = tmp_path_factory.mktemp("library")
    settings = load(
        ROOT / "config" / "digest.toml",
        environment={},
        overrides={
            "db": str(folder / "digest.db"),
            "site.url": SITE,
            "site.imprint": "Run by Example University",
            "site.contact": "papers@digest.example",
            "mail.from": "digest@digest.example",
            "inbound.domain": "in.digest.example",
        },
    )
    with App(settings, clock=lambda: NOW) as app:
        app.create()
        app.store.papers.ingest(library())
        ada = reader(app, "ada@example.org", name="Ada", shows_name=True)
        shy = reader(app, "shy@example.org", name="Hidden Name", shows_name=False)
        put_forward(
            app, "arxiv:2606.00100", shy, "Read <b>this</b>.", curator=ada, curator_line="Yes."
        )
        put_forward(app, OLD, shy, "Not decided yet.")
        yield app


@pytest.fixture(scope="module")
def client(filled):
    """A browser that follows no redirects."""
    with TestClient(asgi(filled), base_url=SITE, follow_redirects=False) as client:
        yield client
