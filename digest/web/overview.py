"""The data of the operator's page; addresses appear only beside bounces and complaints."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from digest.app import App, troubles
from digest.delivery import said, scrub
from digest.model import Evidence, EvidenceKind, SourceReport
from digest.subscriptions.submissions import OPERATOR
from digest.web import deciding

DELIVERIES_WITHIN = timedelta(days=7)
EVIDENCE_WITHIN = timedelta(days=90)
REPORTS_WITHIN = timedelta(days=7)
MOST_SHOWN = 30
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """A source's last report, its next poll, and its failures in a row."""

    name: str
    last: SourceReport | None
    next: datetime | None
    failures: int
    error: str


def overview(app: App) -> dict[str, object]:
    """Everything the page shows, by the names that its template uses.

    `ticked` is when the worker last looked at what is due. The replies of mail servers come without
    addresses.
    """
    store, now = app.store, app.clock()
    attempts = store.ledger.deliveries(since=now - DELIVERIES_WITHIN, limit=MOST_SHOWN)
    return {
        "rows": store.counts(),
        "subscribers": {str(each): n for each, n in store.subscribers.by_status().items()},
        "outbox": store.ledger.counts(),
        "forecast": said(app.forecast(), now),
        "letters": store.post.waiting(),
        "attempts": [(receipt, scrub(receipt.reply)) for receipt, _ in attempts],
        "returned": _returned(app, now),
        "unread": store.post.evidences(kind=EvidenceKind.UNREAD, unsettled=True, limit=MOST_SHOWN),
        "sources": _sources(app, now),
        "desk": deciding.desk(store, OPERATOR, most=MOST_SHOWN, now=now),
        "megabytes": _size(Path(app.settings.db)) / MEGABYTE,
        "ticked": app.last_tick,
        "troubles": troubles(store),
        "now": now,
    }


def _returned(app: App, now: datetime) -> list[tuple[Evidence, str, str]]:
    """Bounces and complaints, each with the subscriber's address if known, and its text."""
    found = app.store.post.evidences(
        but=EvidenceKind.UNREAD, since=now - EVIDENCE_WITHIN, limit=MOST_SHOWN
    )
    people = app.store.subscribers.get({each.subscriber_id for each in found} - {""})
    emails = {key: person.email for key, person in people.items()}
    return [(each, emails.get(each.subscriber_id, ""), scrub(each.detail)) for each in found]


def _sources(app: App, now: datetime) -> list[SourceHealth]:
    last = {each.source: each for each in app.store.sources.reports(since=now - REPORTS_WITHIN)}
    found = []
    for source in app.settings.sources.values():
        if not source.enabled:
            continue
        polls = [each for each in app.store.sources.poll_states(source.name) if not each.gone]
        worst = max(polls, key=lambda each: each.failures, default=None)
        found.append(
            SourceHealth(
                name=source.name,
                last=last.get(source.name),
                next=min((each.due_at for each in polls if each.due_at), default=None),
                failures=worst.failures if worst else 0,
                error=worst.last_error if worst and worst.failures else "",
            )
        )
    return found


def _size(path: Path) -> int:
    """Bytes of the database file and its write-ahead log."""
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(each.stat().st_size for each in files if each.is_file())
