"""The stores under contract, and short ways to make the values they keep.

Every test that asks for `store` runs once for each entry of STORES: a second store is one more.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from itertools import count
from types import SimpleNamespace

import pytest

from digest.model import (
    Announcement,
    AnnounceType,
    Digest,
    Evidence,
    EvidenceKind,
    Feedback,
    FeedbackKind,
    Interest,
    InterestKind,
    Item,
    Letter,
    Moderation,
    Outcome,
    Paper,
    Pick,
    Reason,
    ReasonKind,
    Receipt,
    Signal,
    Status,
    Submission,
    SubmissionState,
    Subscriber,
    Via,
)
from digest.store import open_store

DAY = datetime(2026, 6, 10, 4, tzinfo=UTC)


def sqlite_stores(folder, empty):
    """SQLite files."""
    for number in count():
        yield open_store(shutil.copy(empty, folder / f"{number}.db"))


STORES = {"sqlite": sqlite_stores}


@pytest.fixture(scope="session", params=sorted(STORES))
def new_store(request, tmp_path_factory, empty):
    """Makes an empty store at the newest schema, as often as it is called."""
    opened = []
    fresh = STORES[request.param](tmp_path_factory.mktemp(request.param), empty)

    def make():
        opened.append(next(fresh))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(new_store):
    """An empty store."""
    return new_store()


def paper(number=1, **fields):
    """A paper that arXiv knows by its number."""
    key = f"arxiv:2606.{number:05}"
    defaults = {
        "id": key,
        "title": f"A plain study of subject number {number}",
        "abstract": f"We study subject {number} and say what we found.",
        "authors": (f"Ada Example {number}", "Bo Sample"),
        "categories": ("cs.LG",),
        "url": f"https://arxiv.org/abs/2606.{number:05}",
        "identifiers": (key,),
    }
    return Paper(**defaults | fields)


def item(about=None, *, signals=(), **fields):
    """A line of a listing: this paper, announced as new in cs.LG on the day, unless said otherwise."""
    about = about or paper()
    defaults = {
        "paper_id": about.id,
        "source": "arxiv",
        "feed": "cs.LG",
        "day": date(2026, 6, 10),
        "type": AnnounceType.NEW,
        "seen_at": DAY,
    }
    return Item(paper=about, announcement=Announcement(**defaults | fields), signals=signals)


def signal(about=None, **fields):
    """Ten upvotes."""
    defaults = {"source": "hf", "kind": "upvotes", "value": 10.0, "seen_at": DAY}
    return Signal(**{"paper_id": (about or paper()).id} | defaults | fields)


def subscriber(number=1, **fields):
    """An active subscriber who is due on the day."""
    defaults = {
        "id": f"s_{number:06}",
        "email": f"reader{number}@example.org",
        "status": Status.ACTIVE,
        "key": f"{number:032x}",
        "created_at": DAY - timedelta(days=30),
        "due_at": DAY,
    }
    return Subscriber(**defaults | fields)


def interest(value="cs.LG", kind=InterestKind.TOPIC, **fields):
    """An interest in a topic."""
    return Interest(**{"kind": kind, "value": value, "added_at": DAY} | fields)


def digest(person=None, *, papers=(), edition="2026-06-10", **fields):
    """A digest with these papers as picks, covering the day before `until`."""
    person = person or subscriber()
    until = fields.pop("until", DAY)
    defaults = {
        "id": f"{person.id}.{edition}",
        "subscriber_id": person.id,
        "edition": edition,
        "since": until - timedelta(days=1),
        "until": until,
        "picks": tuple(
            Pick(
                paper_id=each.id,
                score=0.75,
                reasons=(Reason(kind=ReasonKind.TOPIC, what="cs.LG", amount=0.75),),
            )
            for each in papers
        ),
        "composed_at": until,
    }
    return Digest(**defaults | fields)


def queue(store, *digests, expires=DAY + timedelta(hours=20), send_from=DAY):
    """Compose these digests for sending."""
    return store.ledger.compose(
        [(each, expires) for each in digests],
        next_due={},
        send_from={each.id: send_from for each in digests},
        message_ids={each.id: f"<{each.id}@example.org>" for each in digests},
    )


def prune(store, **before):
    """Prune what is from before these times: by default logs from before the day, and no papers."""
    defaults = {"papers_before": date(2000, 1, 1), "logs_before": DAY}
    return store.prune(**defaults | before)


def receipt(envelope, outcome=Outcome.ACCEPTED, **fields):
    """What the mail server said of an envelope."""
    defaults = {"digest_id": envelope.digest.id, "outcome": outcome, "code": 250, "at": DAY}
    return Receipt(**defaults | fields)


def feedback(number=1, *, person=None, about=None, **fields):
    """A reader's "more like this" of a paper, on the web, which did nothing to the profile."""
    defaults = {
        "id": f"f_{number}",
        "subscriber_id": (person or subscriber()).id,
        "kind": FeedbackKind.MORE,
        "paper_id": about.id if about else "",
        "via": Via.WEB,
        "at": DAY + timedelta(minutes=number),
    }
    return Feedback(**defaults | fields)


def submission(number=1, *, person=None, about=None, **fields):
    """An open submission of a paper, with a line."""
    defaults = {
        "id": f"p_{number}",
        "paper_id": (about or paper(number)).id,
        "subscriber_id": (person or subscriber()).id,
        "line": "Worth an evening.",
        "at": DAY + timedelta(minutes=number),
        "state": SubmissionState.OPEN,
    }
    return Submission(**defaults | fields)


def moderation(about, **fields):
    """The operator featured this submission a day after the day."""
    defaults = {
        "at": DAY + timedelta(days=1),
        "actor": "operator",
        "action": "feature",
        "submission_id": about.id,
        "paper_id": about.paper_id,
        "note": "",
    }
    return Moderation(**defaults | fields)


def letter(number=1, **fields):
    """A confirmation to a reader, good for a day."""
    defaults = {
        "id": f"confirm-{number}",
        "kind": "confirm",
        "sender": "digest@example.org",
        "recipient": f"reader{number}@example.org",
        "content": b"Subject: Please confirm\r\n\r\nOne button.\r\n",
        "at": DAY,
        "expires_at": DAY + timedelta(days=1),
    }
    return Letter(**defaults | fields)


def evidence(number=1, **fields):
    """A hard bounce of a mail to the first subscriber."""
    defaults = {
        "id": f"e_{number}",
        "kind": EvidenceKind.HARD_BOUNCE,
        "subscriber_id": subscriber().id,
        "digest_id": f"{subscriber().id}.2026-06-10",
        "status": "5.1.1",
        "detail": "no such user",
        "raw": b"Subject: Undelivered mail\r\n\r\nSorry.\r\n",
        "at": DAY + timedelta(minutes=number),
    }
    return Evidence(**defaults | fields)


@pytest.fixture(scope="session")
def make():
    """The makers above, by name."""
    return SimpleNamespace(
        day=DAY,
        paper=paper,
        item=item,
        signal=signal,
        subscriber=subscriber,
        interest=interest,
        digest=digest,
        receipt=receipt,
        queue=queue,
        prune=prune,
        feedback=feedback,
        submission=submission,
        moderation=moderation,
        letter=letter,
        evidence=evidence,
    )


@pytest.fixture
def people(store, make):
    """Three active subscribers and three stored papers."""
    store.papers.ingest([make.item(make.paper(number)) for number in (1, 2, 3)])
    found = [make.subscriber(number) for number in (1, 2, 3)]
    store.subscribers.add((person, []) for person in found)
    return found
