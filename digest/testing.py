"""For authors of plug-ins (sources, rankers, transports): fakes, and the checks to pass.

    from digest.testing import check_source

    def test_my_source():
        check_source(MySource(name="mine"), Listing(source="mine", url="", body=SAMPLE))

Each check raises AssertionError with a sentence that says what is wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from digest.errors import FetchFailed, FetchRefused, ListingUnreadable
from digest.merging import keys_of
from digest.model import (
    Answer,
    Harvest,
    Listing,
    Message,
    Outcome,
    Paper,
    PollState,
    Profile,
    Receipt,
    Request,
)
from digest.ports import Candidates, Ranker, Source, Transport

NOISE = (b"", b"\x00\xff\xfe", b"<html><body>503</body></html>", b"[1, null, {}]", b"<a><b></a>")
NOW = datetime(2026, 6, 10, 7, tzinfo=UTC)


@dataclass
class RecordedFetcher:
    """A Fetcher that answers from memory; `bodies` maps URLs to bodies or errors.

    Supports ETags. `asked` records the requested URLs, `posted` the forms.
    """

    bodies: Mapping[str, bytes | FetchFailed | FetchRefused]
    asked: list[str] = field(default_factory=list)
    posted: list[tuple[str, Sequence[tuple[str, str]]]] = field(default_factory=list)

    def fetch(
        self, batch: Sequence[tuple[Request, PollState]], now: datetime
    ) -> list[Answer | FetchFailed | FetchRefused]:
        """One outcome a request, in order."""
        return [self._answer(request, state, now) for request, state in batch]

    def post_form(self, url: str, fields: Sequence[tuple[str, str]], now: datetime) -> None:
        """Record a form; raises the error that `bodies` has for the URL, if any."""
        _ = now
        self.posted.append((url, fields))
        body = self.bodies.get(url, b"")
        if not isinstance(body, bytes):
            raise body

    def close(self) -> None:
        """Nothing to close."""

    def _answer(
        self, request: Request, state: PollState, now: datetime
    ) -> Answer | FetchFailed | FetchRefused:
        self.asked.append(request.url)
        body = self.bodies.get(request.url)
        if body is None:
            return FetchFailed(f"{request.url} answered 404.", subject=request.url, status=404)
        if not isinstance(body, bytes):
            return body
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        unchanged = request.poll and state.etag == etag
        return Answer(
            request=request,
            status=304 if unchanged else 200,
            url=request.url,
            headers={"etag": etag},
            body=None if unchanged else body,
            at=now,
        )


@dataclass
class MemoryTransport:
    """A Transport that keeps messages in `sent`; `answers` maps a recipient to another receipt."""

    sent: list[Message] = field(default_factory=list)
    answers: Mapping[str, tuple[Outcome, int, str]] = field(default_factory=dict)

    def send(
        self,
        messages: Iterable[Message],
        now: datetime,
        *,
        held: Callable[[], bool] = lambda: True,
    ) -> Iterator[Receipt]:
        """Accept every message that `answers` does not name, until the lease is lost."""
        for message in messages:
            if not held():
                return
            outcome, code, reply = self.answers.get(
                message.recipient, (Outcome.ACCEPTED, 250, "kept")
            )
            if outcome is Outcome.ACCEPTED:
                self.sent.append(message)
            yield Receipt(
                digest_id=message.digest_id, outcome=outcome, code=code, reply=reply, at=now
            )

    def close(self) -> None:
        """Nothing to close."""


def check_source(source: Source, listing: Listing, *, now: datetime = NOW) -> Harvest:
    """Check a source with a listing that it should be able to read."""
    requests = source.requests(None, now)
    for request in requests:
        assert request.source == source.name, f"a request names the source {request.source!r}"
        assert request.url.startswith(("http://", "https://")), f"{request.url!r} is not http(s)"
    harvest = source.parse(listing)
    assert harvest == source.parse(listing), "parsing twice must give the same"
    assert harvest.items or harvest.problems, "the sample gave neither papers nor problems"
    for item in harvest.items:
        paper = item.paper
        assert ":" in paper.id, (
            f"{paper.id!r} must say what kind of id it is, like arxiv:2406.01234"
        )
        assert paper.title.strip(), f"{paper.id} has no title"
        assert paper.id in keys_of(paper), f"{paper.id} is not among its own keys"
        assert item.announcement.paper_id == paper.id, f"{paper.id} is announced under another id"
        assert item.announcement.source == source.name, f"{paper.id} is announced by another source"
        assert all(each.paper_id == paper.id for each in item.signals), f"{paper.id}: stray signal"
    for noise in NOISE:
        try:
            source.parse(replace(listing, body=noise))
        except ListingUnreadable:
            continue
    return harvest


def check_ranker(ranker: Ranker, profiles: Sequence[Profile], papers: Sequence[Paper]) -> None:
    """Check a ranker: one ranking for each profile, reasons that add up, no excluded papers."""
    candidates = Candidates(papers=papers)
    rankings = ranker.rank(profiles, candidates, without={}, now=NOW)
    assert [each.subscriber_id for each in rankings] == [p.subscriber_id for p in profiles]
    again = ranker.rank(profiles, candidates, without={}, now=NOW)
    assert rankings == again, "ranking twice must give the same"
    known = {paper.id for paper in papers}
    for ranking in rankings:
        ids = ranking.listed
        assert set(ids) <= known, "a pick is not a candidate"
        assert len(set(ids)) == len(ids), "a paper is picked once"
        best = max((pick.score for pick in ranking.picks), default=0.0)
        assert not ranking.picks or ranking.picks[0].score == best, "the best pick must come first"
        for pick in ranking.picks:
            total = sum(reason.amount for reason in pick.reasons)
            assert abs(total - pick.score) < 1e-6, f"{pick.paper_id}: reasons do not add up"  # noqa: PLR2004
    everything = {each.subscriber_id: frozenset(known) for each in profiles}
    for ranking in ranker.rank(profiles, candidates, without=everything, now=NOW):
        assert not ranking.listed, "a paper that was ruled out was picked"


def check_transport(transport: Transport, messages: Sequence[Message]) -> list[Receipt]:
    """Check a transport: one receipt for each message, and closing twice is safe."""
    receipts = list(transport.send(iter(messages), NOW))
    assert {each.digest_id for each in receipts} == {each.digest_id for each in messages}
    assert len(receipts) == len(messages), "one receipt a message"
    assert list(transport.send([], NOW)) == [], "nothing to send gives no receipts"
    transport.close()
    transport.close()
    return receipts
