"""Mail as people and machines write it, a reader with a digest, and how to take mail in."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count

import pytest

from digest import inbound, subscriptions, tokens
from digest.config import arxiv_topics
from digest.inbound import Policy
from digest.model import (
    Announcement,
    AnnounceType,
    Digest,
    Item,
    Paper,
    Pick,
    Reason,
    ReasonKind,
    Site,
    Subscriber,
    Topic,
)
from digest.rendering import links
from digest.subscriptions import Bounds, Wishes

DOMAIN = "papers.example"
NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)
EDITION = "2026-06-10"
AUTHSERV = "mx.papers.example"
TITLES = ("A dual encoder for old maps", "Counting penguins", "Gradients in fog", "Slow glass")


@pytest.fixture(scope="session")
def topics():
    retrieval = Topic(id="retrieval", name="Retrieval and search", categories=("cs.IR",))
    return {**arxiv_topics(), "retrieval": retrieval}


@pytest.fixture
def policy(topics):
    site = Site(
        name="Digest",
        url="https://papers.example",
        mail_from=f"digest@{DOMAIN}",
        inbound_domain=DOMAIN,
    )
    return Policy(
        domain=DOMAIN,
        authserv_id=AUTHSERV,
        site=site,
        topics=topics,
        defaults=Subscriber(id="", email="", key="", created_at=NOW),
        bounds=Bounds(signups=100, letters=100),
    )


_numbers = count(1)


@pytest.fixture(scope="session")
def mail():
    """Write a mail; header fields by keyword (`_` is `-`), those given as None are left out."""

    def write(body="", *, charset="utf-8", top=(), **fields):
        header = {
            "from": "Ada <ada@example.org>",
            "to": f"help@{DOMAIN}",
            "subject": "",
            "message-id": f"<{next(_numbers)}@example.org>",
            "content-type": f"text/plain; charset={charset}",
            **{name.replace("_", "-"): value for name, value in fields.items()},
        }
        lines = [f"{name}: {value}" for name, value in top]
        lines += [f"{name}: {value}" for name, value in header.items() if value is not None]
        return "\r\n".join((*lines, "", body.replace("\n", "\r\n"))).encode(charset, "replace")

    return write


def vouched(domain="example.org", server=AUTHSERV):
    """What our own mail server puts on top of a mail whose signature holds."""
    return ("Authentication-Results", f"{server}; dkim=pass header.d={domain}")


@pytest.fixture(scope="session")
def proven(mail):
    """A mail whose From address our mail server vouches for."""

    def write(body="", **fields):
        return mail(body, top=[vouched()], **fields)

    return write


RECIPIENT = """\
Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {words}
"""
NOTICE = """\
--b
Content-Type: text/plain

This is the mail system at mx.example.net. Your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

{recipients}
--b
Content-Type: message/rfc822

{returned}
--b--
"""
COMPLAINT = """\
--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
Version: 1

--b
Content-Type: message/rfc822

{returned}
--b--
"""
REPORT = 'multipart/report; boundary="b"'


@pytest.fixture(scope="session")
def notice(mail):
    """A delivery status notification: a failure by its status, or (action, status, words) each."""

    def write(*failures, returned="Subject: x\n", recipient="gone@example.net", **fields):
        told = [
            ("failed", each, f"550 {each} no") if isinstance(each, str) else each
            for each in failures
        ]
        recipients = "\n".join(
            RECIPIENT.format(recipient=recipient, action=action, status=status, words=words)
            for action, status, words in told
        )
        header = {"from": "MAILER-DAEMON@mx.example.net", "return_path": "<>"} | fields
        body = NOTICE.format(recipients=recipients, returned=returned)
        return mail(body, content_type=REPORT, **header)

    return write


@pytest.fixture(scope="session")
def complaint(mail):
    """A feedback report with the mail that it returns."""

    def write(returned="", kind="abuse"):
        body = COMPLAINT.format(kind=kind, returned=returned)
        return mail(body, content_type=REPORT, **{"from": "fbl@isp.example"})

    return write


@pytest.fixture
def subscribe(store, policy):
    def add(email="ada@example.org", *, confirmed=True, **wishes):
        return subscriptions.subscribe(
            store,
            email,
            Wishes(**wishes),
            topics=policy.topics,
            defaults=policy.defaults,
            confirmed=confirmed,
            now=NOW,
        )

    return add


@pytest.fixture
def ada(subscribe):
    return subscribe(topics=["cs.IR"], keywords=["dual encoder"])


@pytest.fixture
def papers(store):
    """Four papers of the day, in the order they are picked."""
    items = []
    for number, title in enumerate(TITLES, 1):
        paper = Paper(
            id=f"arxiv:2606.{number:05}",
            title=title,
            abstract="We look at something.",
            authors=("Bo Sample",),
            categories=("cs.IR",),
            url=f"https://arxiv.org/abs/2606.{number:05}",
            identifiers=(f"arxiv:2606.{number:05}",),
        )
        news = Announcement(
            paper_id=paper.id,
            source="arxiv",
            feed="cs.IR",
            day=date(2026, 6, 10),
            type=AnnounceType.NEW,
            seen_at=NOW - timedelta(hours=3),
        )
        items.append(Item(paper=paper, announcement=news))
    store.papers.ingest(items)
    return [each.paper for each in items]


@pytest.fixture
def compose(store, papers):
    """Keep a digest of the four papers for somebody."""

    def keep(person, edition=EDITION):
        reasons = (Reason(kind=ReasonKind.TOPIC, what="cs.IR", amount=1.0),)
        digest = Digest(
            id=f"{person.id}.{edition}",
            subscriber_id=person.id,
            edition=edition,
            since=NOW - timedelta(days=1),
            until=NOW,
            picks=tuple(Pick(paper_id=each.id, score=1.0, reasons=reasons) for each in papers),
            composed_at=NOW,
        )
        store.ledger.compose(
            [(digest, NOW + timedelta(hours=18))],
            next_due={},
            send_from={digest.id: NOW},
            message_ids={digest.id: f"<{digest.id}@{DOMAIN}>"},
        )
        return digest

    return keep


@pytest.fixture
def take_in(store, policy):
    """Take a mail in as the envelope's recipients got it, or as its header says."""

    def take(raw, *recipients, at=NOW, answer=lambda _: None, **changes):
        return inbound.take_in(
            store,
            raw,
            recipients=recipients,
            policy=replace(policy, **changes),
            answer=answer,
            now=at,
        )

    return take


def tagged(scope, person, subject="20260610"):
    return f"{scope}+{tokens.make_tag(person.key, scope, person.id, subject)}@{DOMAIN}"


@pytest.fixture(scope="session")
def reply_to():
    """Where an answer to someone's digest, or to another letter, goes."""
    return partial(tagged, links.REPLY)


@pytest.fixture(scope="session")
def bounces_to():
    return partial(tagged, links.BOUNCE)


@pytest.fixture
def token():
    """The token of someone's List-Unsubscribe."""

    def make(person, scope=links.UNSUBSCRIBE, subject=""):
        return tokens.make(person.key, scope, person.id, subject)

    return make


@pytest.fixture
def current(store):
    """Someone as stored now."""

    def look(person):
        return store.subscribers.get([person.id]).get(person.id)

    return look


@pytest.fixture
def profile(store):
    """What is in someone's profile: values by kind."""

    def look(person):
        (found,) = store.subscribers.profiles([person.id])
        kinds = {}
        for each in found.interests:
            kinds.setdefault(str(each.kind), []).append(each.value)
        return kinds

    return look


@pytest.fixture
def stranger():
    """`stranger(greeting)`: the address of a program that is no Digest; it says that, and no more.

    Without a greeting, None, it hangs up.
    """
    listeners = []

    def greet(listener, greeting):
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                with caller:
                    if greeting is not None:
                        caller.sendall(greeting)
                        caller.recv(1)

    def listen(greeting):
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=greet, args=(listener, greeting))
        thread.start()
        listeners.append((listener, thread))
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield listen
    for listener, thread in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
