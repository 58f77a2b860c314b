"""How fast mail may go, as learned: what `digest.ports.PaceStore` asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import TypeVar

from digest.model import Outcome, Pace, Waiting
from digest.store import keys
from digest.store.connections import Family
from digest.store.rows.ledger import OUTCOMES
from digest.store.rows.records import FLOWS
from digest.store.rows.scalars import at_second, listed, second

T = TypeVar("T")

# Two queries, as each set of states has its own index: one query would read all that was ever sent.
WAITING = """(
    SELECT digest, due_at, expires_at FROM outbox WHERE state IN ('queued', 'retry')
    UNION ALL SELECT digest, due_at, expires_at FROM outbox WHERE state = 'sending'
)"""
COUNT_WAITING = f"""
SELECT min(expires_at) AS expires_at, count(*) AS digests, max(due_at) AS last_due
FROM {WAITING} GROUP BY expires_at / 60 ORDER BY 1
"""  # noqa: S608 - a constant
COUNT_BY_DOMAIN = f"""
SELECT lower(substr(s.email, instr(s.email, '@') + 1)) AS domain, count(*) AS digests
FROM {WAITING} AS o CROSS JOIN readers AS r ON r.number = o.digest & {keys.MASK}
CROSS JOIN subscribers AS s ON s.id = r.subscriber_id
WHERE domain IN (SELECT value FROM json_each(?)) GROUP BY domain
"""  # noqa: S608 - a constant
THE_SERVER = ""


class Paces(Family):
    """The pace of each mail server, and of each domain that it slows down, in SQLite."""

    def load(self, server: str) -> Pace | None:
        """What is known of a mail server; None for one that is new."""
        with self._connections.read() as connection:
            return _load(connection, server)

    def change(self, server: str, change: Callable[[Pace | None], tuple[Pace, T]]) -> T:
        """Load, change and keep in one transaction; returns what `change` returns besides."""
        with self._connections.write() as connection:
            before = _load(connection, server)
            after, found = change(before)
            if after is not before:
                _keep(connection, server, before, after)
        return found

    def waiting(self, now: datetime, *, within: timedelta, domains: Iterable[str]) -> Waiting:
        """How many digests wait, in all and for these domains, and how many went lately."""
        with self._connections.read() as connection:
            groups = connection.execute(COUNT_WAITING).fetchall()
            first, sent = connection.execute(
                "SELECT min(at), count(*) FROM deliveries WHERE outcome = ? AND at >= ?",
                (OUTCOMES.index(Outcome.ACCEPTED), second(now - within)),
            ).fetchone()
            by_domain = _by_domain(connection, list(domains))
        return Waiting(
            by_expiry=tuple((at_second(row["expires_at"]), row["digests"]) for row in groups),
            last_due=at_second(max(row["last_due"] for row in groups)) if groups else None,
            domains=by_domain,
            sent=sent,
            seconds=max((now - at_second(first)).total_seconds(), 1.0) if sent else 0.0,
        )


def _load(connection: Connection, server: str) -> Pace | None:
    rows = connection.execute(
        "SELECT * FROM paces WHERE server = ? ORDER BY domain", (server,)
    ).fetchall()
    if not rows or rows[0]["domain"] != THE_SERVER:
        return None
    used = json.loads(rows[0]["used"])
    return Pace(
        server=FLOWS.read(rows[0]),
        domains={row["domain"]: FLOWS.read(row) for row in rows[1:]},
        used={cap: tuple((slot, n) for slot, n in slots) for cap, slots in used.items()},
    )


def _keep(connection: Connection, server: str, before: Pace | None, after: Pace) -> None:
    """Write what has changed; a domain that is no longer slowed down is deleted."""
    known = before.domains if before else {}
    connection.executemany(
        "DELETE FROM paces WHERE server = ? AND domain = ?",
        [(server, domain) for domain in known.keys() - after.domains.keys()],
    )
    used = json.dumps(dict(after.used), separators=(",", ":"))
    connection.execute(FLOWS.replace, FLOWS.columns(after.server, server, THE_SERVER, used))
    connection.executemany(
        FLOWS.replace,
        [
            FLOWS.columns(flow, server, domain, "{}")
            for domain, flow in after.domains.items()
            if known.get(domain) != flow
        ],
    )


def _by_domain(connection: Connection, domains: list[str]) -> dict[str, int]:
    """How many digests wait for each of these domains; reads the whole queue if there are any."""
    if not domains:
        return {}
    rows = connection.execute(COUNT_BY_DOMAIN, (listed(domains),))
    return {row["domain"]: row["digests"] for row in rows}
