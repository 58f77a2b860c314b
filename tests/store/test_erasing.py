"""Erasure: after it, no table holds an address, an id or a key of the person."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta

import pytest

from digest.model import (
    AddressChange,
    Comeback,
    EvidenceKind,
    FeedbackKind,
    InterestKind,
    Outcome,
    Pick,
    Reason,
    ReasonKind,
    Status,
    SubmissionState,
    SuppressionReason,
)
from digest.store import erasing, open_store

ADDRESS, WISHED = "ada@example.org", "ada.new@example.org"
QUOTED = b"Content-Transfer-Encoding: Quoted-Printable\r\n\r\n"
BASE64 = b"Content-Transfer-Encoding: base64\r\n\r\n"


@pytest.fixture
def ada(store, make):
    """Somebody who did everything a reader can do."""
    papers = [make.paper(number) for number in (1, 2, 3)]
    store.papers.ingest([make.item(each) for each in papers])
    ada = make.subscriber(1, email=ADDRESS, key="ada5" * 8, name="Ada Lovegood", shows_name=True)
    store.subscribers.add([(ada, [make.interest("cs.LG")])])
    _reads(store, make, ada, papers)
    _speaks(store, make, ada, papers)
    _writes(store, make, ada)
    return ada


@pytest.fixture
def bo(store, make, ada):
    """Somebody else, who must not notice."""
    bo = make.subscriber(2)
    store.subscribers.add([(bo, [make.interest("cs.CL")])])
    store.feedback.add(make.feedback(9, person=bo, about=make.paper(1)))
    store.community.vote(bo.id, make.paper(1).id, make.day)
    return bo


def _reads(store, make, ada, papers):
    make.queue(store, make.digest(ada, papers=papers, rest=(papers[2].id,)))
    (envelope,) = store.ledger.claim(make.day, owner="one", limit=1, lease=60)
    store.ledger.settle(
        [make.receipt(envelope, Outcome.REFUSED, reply=f"{ADDRESS}: unknown")], lease=envelope.lease
    )


def _speaks(store, make, ada, papers):
    store.feedback.add(
        make.feedback(
            1,
            about=papers[0],
            kind=FeedbackKind.SAVE,
            added=(make.interest(papers[0].id, InterestKind.LIKE),),
        )
    )
    store.community.vote(ada.id, papers[0].id, make.day)
    store.community.vote(ada.id, papers[1].id, make.day)
    for number, state in ((1, SubmissionState.FEATURED), (2, SubmissionState.REJECTED)):
        put = store.community.submit(make.submission(number, person=ada))
        decided = replace(
            put, state=state, curator_id=ada.id, curator_line="Mine.", decided_at=make.day
        )
        store.community.decide(
            decided, make.moderation(put, actor=ada.id, note="Ada says so.", action=state)
        )
    store.community.submit(make.submission(3, person=ada))


def _writes(store, make, ada):
    store.subscribers.put_change(
        AddressChange(subscriber_id=ada.id, email=WISHED, asked_at=make.day)
    )
    store.subscribers.set_status(ada.id, Status.PENDING)
    store.subscribers.put_comeback(
        Comeback(
            subscriber_id=ada.id, asked_at=make.day, interests=(make.interest("Ada Lovegood"),)
        )
    )
    store.subscribers.save(ada)
    link = f"https://example.org/me/{ada.id}.2026-06-10.abcdef".encode()
    store.post.put(
        [
            make.letter(1, recipient=ADDRESS),
            make.letter(2, recipient=WISHED),
            make.letter(3, recipient="lab@example.org", content=link),
            make.letter(4, id=f"confirm.{ada.id}", recipient=ADDRESS),
        ]
    )
    store.post.settle(f"confirm.{ada.id}", retry_at=None)
    for found in (
        make.evidence(1),
        make.evidence(2, subscriber_id="", digest_id=f"{ada.id}.2026-06-10"),
        make.evidence(
            3,
            kind=EvidenceKind.UNREAD,
            subscriber_id="",
            digest_id="",
            raw=b"From: Ada <ADA@Example.org>\r\n\r\n\xff\x00?",
        ),
        make.evidence(
            4, subscriber_id="s_000002", digest_id="", detail=f"to {ADDRESS}", raw=b"Mail"
        ),
    ):
        store.post.record(found)
    store.post.suppress("5f" * 32, SuppressionReason.ERASED, make.day)
    store.post.take("signup.network.9c", now=make.day, seconds=60, most=5)


def everything(store):
    """All that the database holds, by table, as one text each."""
    with store._connections.read() as connection:
        tables = [
            row["name"]
            for row in connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            )
        ]
        return {
            table: b"\n".join(
                value if isinstance(value, bytes) else str(value).encode()
                for row in connection.execute(f"SELECT * FROM {table}")
                for value in row
            ).lower()
            for table in tables
        }


def test_nothing_is_left_of_a_person(store, ada):
    traces = [each.lower().encode() for each in (ADDRESS, WISHED, ada.id, ada.key, "Ada Lovegood")]
    holding = {table for table, text in everything(store).items() if traces[0] in text}
    assert holding == {"subscribers", "letters", "deliveries", "evidence"}

    store.subscribers.erase(ada.id)

    assert {
        (table, trace)
        for table, text in everything(store).items()
        for trace in traces
        if trace in text
    } == set()


def test_nothing_of_a_person_is_to_be_read_in_the_files(store, ada):
    def files():
        return b"".join(each.read_bytes() for each in store.path.parent.glob(f"{store.path.name}*"))

    assert ada.key.encode() in files()

    store.subscribers.erase(ada.id)

    for trace in (ADDRESS, ada.id, ada.key, "Ada Lovegood"):
        assert trace.encode() not in files(), trace


def test_erasing_somebody_does_not_wait_for_who_reads(store, ada):
    with store._connections.read() as connection:
        connection.execute("SELECT count(*) FROM subscribers").fetchone()
        store.subscribers.erase(ada.id)

    assert store.subscribers.get([ada.id]) == {}


def test_erasing_twice_or_nobody_does_no_harm(store, ada):
    store.subscribers.erase(ada.id)
    store.subscribers.erase(ada.id)
    store.subscribers.erase("s_unknown")

    assert store.counts()["subscribers"] == 0


def test_who_stands_elsewhere_by_then_is_not_erased(store, ada):
    assert not store.subscribers.erase(ada.id, only=set(Status) - {ada.status})
    assert store.subscribers.get([ada.id]) == {ada.id: ada}
    assert store.subscribers.erase(ada.id, only={ada.status})
    assert store.subscribers.get([ada.id]) == {}


def test_many_are_erased_together_like_one(store, make, ada):
    other = make.subscriber(3, email="cy@example.org")
    store.subscribers.add([(other, [])])
    both = make.evidence(5, subscriber_id="s_000002", digest_id="", raw=b"To: CY@example.org, Ada")
    store.post.record(both)

    assert store.subscribers.erase_unchanged([other, ada], make.day, suppressing={}) == 2

    for trace in (ADDRESS, WISHED, ada.id, ada.key, other.email, other.id):
        assert holding(store, trace) == set(), trace
    assert {each.subscriber_id for each in store.post.evidences()} == {"s_000002"}


def test_of_many_those_stay_who_have_changed_meanwhile(store, make, ada, bo):
    seen = [replace(ada, limit=ada.limit + 1), bo, make.subscriber(4)]
    hashed = {ada.id: "ad" * 32, bo.id: "b0" * 32}

    assert store.subscribers.erase_unchanged(seen, make.day, suppressing=hashed) == 1

    assert [each for each, _ in store.subscribers.all()] == [ada]
    assert store.post.suppression("ad" * 32) is None
    assert store.post.suppression("b0" * 32) is SuppressionReason.ERASED


def test_whom_to_write_to_no_more_for_another_reason_stays_so(store, make, bo):
    store.post.suppress("b0" * 32, SuppressionReason.BOUNCED, make.day)

    store.subscribers.erase_unchanged([bo], make.day, suppressing={bo.id: "b0" * 32})

    assert store.post.suppression("b0" * 32) is SuppressionReason.BOUNCED


@pytest.fixture(params=["while it is decoded", "just after"])
def meanwhile(request, store, make, monkeypatch):
    """Have something happen when kept mail is gone through."""
    store.post.record(make.evidence(7, subscriber_id="", digest_id="", raw=b"Of nobody."))
    read, find = erasing._readings, erasing.find_mentions

    def happen(act):
        acts = [act]

        def readings(*args):
            while acts:
                acts.pop()()
            return read(*args)

        def looked(*args):
            found = find(*args)
            act()
            return found

        if request.param == "just after":
            monkeypatch.setattr(erasing, "find_mentions", looked)
        else:
            monkeypatch.setattr(erasing, "_readings", readings)

    return happen


@pytest.fixture(params=["alone", "with others"])
def forget(request, store, make):
    """Erase somebody in either way."""
    if request.param == "alone":
        return lambda person: store.subscribers.erase(person.id)
    return lambda person: store.subscribers.erase_unchanged(
        [make.subscriber(4), person], make.day, suppressing={}
    )


def test_whenever_kept_mail_is_decoded_others_can_write(store, make, ada, monkeypatch, forget):
    raw = BASE64 + base64.encodebytes(b"Returned: To: ada@example.org")
    store.post.record(make.evidence(6, subscriber_id="", digest_id="", raw=raw))
    store.post.record(make.evidence(7, subscriber_id="s_000002", digest_id="", raw=raw))
    other, read = open_store(store.path, timeout=0), erasing._readings
    came = []

    def readings(*args):
        came.append(make.subscriber(10 + len(came)))
        other.subscribers.add([(came[-1], [])])
        return read(*args)

    monkeypatch.setattr(erasing, "_readings", readings)
    forget(ada)
    other.close()

    assert came
    assert [each for each, _ in store.subscribers.all()] == came
    assert {each.id for each in store.post.evidences()} == {"e_4", "e_7"}


@pytest.mark.parametrize("gone", [False, True])
def test_mail_that_comes_while_other_mail_is_gone_through_goes_too(
    store, make, ada, meanwhile, forget, gone
):
    """Also where it takes the place in the table, or the id, of other mail that went."""
    store.post.record(make.evidence(6, subscriber_id="s_000002", digest_id="", raw=b"Of Bo."))
    mail = make.evidence(
        6 if gone else 8, at=make.day + timedelta(days=1), subscriber_id="", digest_id=""
    )

    def come():
        if gone:
            make.prune(
                store, papers_before=make.day.date(), evidence_before=make.day + timedelta(hours=1)
            )
        assert store.post.record(replace(mail, raw=b"From: ada@example.org"))

    meanwhile(come)
    forget(ada)

    assert store.post.evidence(mail.id) is None
    assert holding(store, ADDRESS) == set()


def test_whoever_wishes_for_another_address_meanwhile_goes_with_it(
    store, make, ada, meanwhile, forget
):
    latest = "ada.latest@example.org"
    store.post.record(make.evidence(6, subscriber_id="", digest_id="", raw=latest.encode()))
    change = AddressChange(subscriber_id=ada.id, email=latest, asked_at=make.day)
    meanwhile(lambda: store.subscribers.put_change(change))

    forget(ada)

    assert holding(store, latest) == set()


def test_mail_about_who_stays_after_all_stays_too(store, make, ada, bo):
    """It was looked for, since they were to be erased with others."""
    about = make.evidence(6, subscriber_id="", digest_id="", raw=b"To: " + bo.email.encode())
    store.post.record(about)

    store.subscribers.erase_unchanged(
        [replace(bo, limit=bo.limit + 1), ada], make.day, suppressing={}
    )

    assert store.post.evidence(about.id) == about
    assert holding(store, ADDRESS) == set()


def test_mail_is_gone_through_to_the_end_block_by_block(store, make, ada, monkeypatch):
    monkeypatch.setattr(erasing, "BLOCK", 2)
    for number in range(10, 15):
        raw = b"To: ada@example.org" if number % 2 else b"To: somebody"
        store.post.record(make.evidence(number, subscriber_id="", digest_id="", raw=raw))

    mentions = erasing.find_mentions(store._connections, [ada.id])
    free = {key for (key, _), is_about in mentions.found.items() if not is_about}
    assert free == {"e_10", "e_12", "e_14"}
    store.subscribers.erase(ada.id)

    assert {each.id for each in store.post.evidences()} == {"e_4", "e_10", "e_12", "e_14"}


@pytest.mark.parametrize(
    ("raw", "stays"),
    [
        (b"to <ada@example.org>", False),
        (b"x@y ada@example.org.", False),
        (b"lovely.ada@example.org@relay", False),
        (b"see /me/s_000001.2026-06-10", False),
        (b"ids_s_000001", False),
        (b"ada@example.com, da@example.org, s_000002, @ada", True),
        (b"@", True),
    ],
)
def test_an_address_or_an_id_is_found_wherever_it_stands_in_mail(store, make, ada, raw, stays):
    store.post.record(make.evidence(7, subscriber_id="", digest_id="", detail="", raw=raw))

    store.subscribers.erase(ada.id)

    assert (store.post.evidence(make.evidence(7).id) is not None) is stays


def test_a_featured_paper_stays_without_whoever_put_it_forward(store, make, ada):
    store.subscribers.erase(ada.id)

    left = store.community.submissions(since=make.day, limit=9)
    assert [(each.state, each.subscriber_id, each.line) for each in left] == [
        (SubmissionState.FEATURED, "", "")
    ]
    (voices,) = store.community.voices([make.paper(1).id]).values()
    assert [(each.name, each.line, each.curator) for each in voices] == [("", "", True)]
    assert {(each.actor, each.note) for each in store.community.log(limit=9)} == {("", "")}


@pytest.mark.parametrize(
    "raw",
    [
        BASE64
        + base64.encodebytes(
            b"We tried and tried, and could not reach Ada@Example.org at all, sorry."
        ),
        QUOTED + b"We could not reach ada@exam=\r\nple.org.",
        QUOTED + b"We could not reach ada=40example.org.",
        b"To: Ada\r\n <ada@\r\n\texample.org>",
        b"Subject: =?utf-8?B?" + base64.b64encode(b"for ada@example.org?") + b"?= and others",
        b"Subject: =?utf-8?Q?for_ada=40example.org?=",
        b"Subject: =?utf-8?q?for_ada=40exa?=\r\n =?utf-8?q?mple.org?=",
        b"Subject: =?utf-8?b?Zm9yIGFkYUBleGFt?= =?utf-8?B?cGxlLm9yZyE=?=",
        b"Subject: =?utf-8?b?Zm9yIGFkYUBleA==?=\r\n\t=?utf-8?q?ample.org?=",
        # Encoded words as careless programs write them.
        b"Subject: =?utf-8?Q?Where_is_it?_For_ada=40example.org?=",
        b"Subject: =?utf-8?Q?for_ada=40exam\r\n ple.org?=",
        b"Subject: =?utf-8?Q?for_ada=40exam=\r\nple.org?=",
        b"Subject: =?utf-8?Q?for_ada=40example.org_and",
        b"Subject: =?utf-8?B?"
        + base64.encodebytes(b"We tried and tried, and could not reach ada@example.org, sorry.")
        + b"?=",
        b"Subject: =?utf-8?B?" + base64.b64encode(b"for ada@example.org, and"),
        b"https://example.org/?to=ada%40example.org",
        b"<p>ada&#64;example.org",
        b"Return-Path: <list-ada=example.org@lists.example.org>",
        BASE64 + base64.encodebytes("Ihr Postfach ada@example.org ist weg.".encode("utf-16")),
        BASE64
        + base64.encodebytes(
            BASE64
            + base64.encodebytes(QUOTED + b"Returned: To: ada@exam=\r\nple.org, and more words.")
        ),
    ],
)
def test_an_address_that_a_kept_mail_encodes_goes_too(store, make, ada, raw):
    kept = make.evidence(
        8, kind=EvidenceKind.UNREAD, subscriber_id="", digest_id="", raw=b"To ad@example.org"
    )
    store.post.record(kept)
    store.post.record(replace(kept, id="e_9", raw=raw))

    store.subscribers.erase(ada.id)

    assert store.post.evidence("e_9") is None
    assert store.post.evidence(kept.id) == kept


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: =?utf-8?Q?for_eve_l=40be.example.org?=",
        b"Subject: =?utf-8?Q?for_list-eve_l=be.example.org?=",
    ],
)
def test_an_encoded_word_may_be_meant_as_it_stands(store, make, raw):
    eve = make.subscriber(5, email="eve_l@be.example.org")
    store.subscribers.add([(eve, [])])
    store.post.record(make.evidence(9, subscriber_id="", digest_id="", raw=raw))

    store.subscribers.erase(eve.id)

    assert store.post.evidence("e_9") is None


def test_what_others_said_stays(store, make, ada, bo):
    store.subscribers.erase(ada.id)

    assert list(store.subscribers.all(Status.ACTIVE)) == [(bo, [make.interest("cs.CL")])]
    assert [each.id for each in store.feedback.of(bo.id)] == ["f_9"]
    (signal,) = store.papers.signals([make.paper(1).id])[make.paper(1).id]
    assert signal.value == 1.0
    assert store.papers.signals([make.paper(2).id]) == {}
    (about_bo,) = store.post.evidences()
    assert (about_bo.subscriber_id, about_bo.detail) == (bo.id, "")
    assert store.post.suppression("5f" * 32) is SuppressionReason.ERASED


def test_nobody_else_moves_to_an_erased_address(store, make, ada, bo):
    store.subscribers.put_change(
        AddressChange(subscriber_id=bo.id, email=ADDRESS, asked_at=make.day + timedelta(hours=1))
    )

    store.subscribers.erase(ada.id)

    assert store.subscribers.change(bo.id) is None


@pytest.fixture
def typed(store, make):
    """Compose a digest of one paper that somebody's keyword found, with the word that told."""
    store.papers.ingest([make.item(make.paper(1))])

    def put(person, keyword, word, edition="2026-06-10"):
        why = Reason(kind=ReasonKind.KEYWORD, what=keyword, amount=0.75, words=(word,))
        pick = Pick(paper_id=make.paper(1).id, score=0.75, reasons=(why,))
        digest = make.digest(person, edition=edition, picks=(pick,))
        make.queue(store, digest)
        return digest

    return put


def holding(store, trace):
    return {table for table, text in everything(store).items() if trace.lower().encode() in text}


def test_what_only_they_typed_goes_with_their_digests(store, make, ada, bo, typed):
    mine, other = make.subscriber(7), make.subscriber(8)
    store.subscribers.add([(mine, []), (other, [])])
    typed(mine, "Zebrafishology", "fish")
    typed(mine, "with Jane Privatename", "fish", edition="2026-06-11")
    theirs = typed(other, "graphs", "graph", edition="2026-06-11")
    assert holding(store, "zebrafish") == {"strings"}

    store.subscribers.erase(mine.id)

    assert holding(store, "zebrafish") == holding(store, "privatename") == set()
    assert store.ledger.digest(theirs.id) == theirs


def test_what_somebody_else_typed_too_stays_for_them(store, make, typed):
    one, two = make.subscriber(7), make.subscriber(8)
    store.subscribers.add([(one, []), (two, [])])
    typed(one, "graphs", "graph")
    typed(one, "kernels", "kernel")
    theirs = [
        typed(two, "graphs", "graph", "2026-06-11"),
        typed(two, "kernels", "kernel", "2026-06-12"),
    ]

    store.subscribers.erase(one.id)

    assert [store.ledger.digest(each.id) for each in theirs] == theirs


def test_what_two_typed_in_one_morning_is_neither_s_alone(store, make, typed):
    one, two = make.subscriber(7), make.subscriber(8)
    store.subscribers.add([(one, []), (two, [])])
    store.papers.ingest([make.item(make.paper(1))])
    why = Reason(kind=ReasonKind.AUTHOR, what="Ada Example", amount=0.75)
    pick = Pick(paper_id=make.paper(1).id, score=0.75, reasons=(why,))
    first, second = (make.digest(each, picks=(pick,)) for each in (one, two))
    make.queue(store, first, second)

    store.subscribers.erase(one.id)

    assert store.ledger.digest(second.id) == second


def test_a_word_of_a_paper_stays_for_others_who_were_shown_it(store, make, typed):
    one, two = make.subscriber(7), make.subscriber(8)
    store.subscribers.add([(one, []), (two, [])])
    typed(one, "graph", "graph")
    theirs = [
        typed(two, "liked one", "graph", "2026-06-11"),
        typed(two, "kernels", "kernel", "2026-06-12"),
    ]

    store.subscribers.erase(one.id)

    assert [store.ledger.digest(each.id) for each in theirs] == theirs
    later = typed(two, "kernels again", "graph", "2026-06-13")
    assert store.ledger.digest(later.id) == later


def test_who_goes_through_everyone_goes_on_from_the_one_before(store, make):
    people = [make.subscriber(number) for number in (7, 8, 9)]
    store.subscribers.add([(each, []) for each in people])
    store.sources.set_cursor("tastes", f"lsa:1|{people[1].id}")
    store.sources.set_cursor("arxiv", "2026-06-10")

    store.subscribers.erase(people[1].id)
    assert store.sources.cursor("tastes") == f"lsa:1|{people[0].id}"

    store.subscribers.erase(people[0].id)
    assert store.sources.cursor("tastes") == "lsa:1|"
    assert store.sources.cursor("arxiv") == "2026-06-10"
