"""How fast mail may go, as learned: what `digest.ports.PaceStore` asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from sqlite3 import Connection, Row
from typing import TypeVar

from digest.model import Flow, Outcome, Pace, Waiting
from digest.store import keys
from digest.store.connections import Connections
from digest.store.rows import (
    OUTCOMES,
    at_second,
    listed,
    moment,
    moment_or_none,
    second,
    stamp,
    stamp_or_none,
)

T = TypeVar("T")

# Apart, since each has an index of its own: together they were sought among all that was ever sent.
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

PUT_FLOW = """
INSERT INTO paces (
    server, domain, start, floor, ceiling, age, taken, refused, share, tolerated,
    tokens, at, cut_at, closed_until, line, used
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (server, domain) DO UPDATE SET
    start = excluded.start, floor = excluded.floor, ceiling = excluded.ceiling,
    age = excluded.age, taken = excluded.taken, refused = excluded.refused,
    share = excluded.share, tolerated = excluded.tolerated, tokens = excluded.tokens, at = excluded.at, cut_at = excluded.cut_at,
    closed_until = excluded.closed_until, line = excluded.line, used = excluded.used
"""


class Paces:
    """One row a mail server, and one a domain that it slows down."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def load(self, server: str) -> Pace | None:
        """What is known of a mail server; None for one that is new."""
        with self._connections.read() as connection:
            return _load(connection, server)

    def change(self, server: str, change: Callable[[Pace | None], tuple[Pace, T]]) -> T:
        """Load, change and keep in one transaction; what `change` returns beside is handed back.

        Nothing is written when the value comes back as it was given.
        """
        with self._connections.write() as connection:
            before = _load(connection, server)
            after, found = change(before)
            if after is not before:
                _keep(connection, server, before, after)
        return found

    def waiting(self, now: datetime, *, within: timedelta, domains: Iterable[str]) -> Waiting:
        """The digests that wait, in all and for these domains, and how many went `within` before."""
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
        server=_to_flow(rows[0]),
        domains={row["domain"]: _to_flow(row) for row in rows[1:]},
        used={cap: tuple((slot, n) for slot, n in slots) for cap, slots in used.items()},
    )


def _keep(connection: Connection, server: str, before: Pace | None, after: Pace) -> None:
    """Write what differs; a domain that is slowed down no more goes."""
    known = before.domains if before else {}
    connection.executemany(
        "DELETE FROM paces WHERE server = ? AND domain = ?",
        [(server, domain) for domain in known.keys() - after.domains.keys()],
    )
    used = json.dumps(dict(after.used), separators=(",", ":"))
    connection.execute(PUT_FLOW, (server, THE_SERVER, *_columns(after.server), used))
    connection.executemany(
        PUT_FLOW,
        [
            (server, domain, *_columns(flow), "{}")
            for domain, flow in after.domains.items()
            if known.get(domain) != flow
        ],
    )


def _columns(flow: Flow) -> tuple[float | str | None, ...]:
    return (
        flow.start,
        flow.floor,
        flow.ceiling,
        flow.age,
        flow.taken,
        flow.refused,
        flow.share,
        flow.tolerated,
        flow.tokens,
        stamp(flow.at),
        stamp_or_none(flow.cut_at),
        stamp_or_none(flow.closed_until),
        stamp_or_none(flow.line),
    )


def _to_flow(row: Row) -> Flow:
    return Flow(
        start=row["start"],
        floor=row["floor"],
        ceiling=row["ceiling"],
        age=row["age"],
        taken=row["taken"],
        refused=row["refused"],
        share=row["share"],
        tolerated=row["tolerated"],
        tokens=row["tokens"],
        at=moment(row["at"]),
        cut_at=moment_or_none(row["cut_at"]),
        closed_until=moment_or_none(row["closed_until"]),
        line=moment_or_none(row["line"]),
    )


def _by_domain(connection: Connection, domains: list[str]) -> dict[str, int]:
    """How many digests wait for each of these domains; reads the whole queue if there are any."""
    if not domains:
        return {}
    rows = connection.execute(COUNT_BY_DOMAIN, (listed(domains),))
    return {row["domain"]: row["digests"] for row in rows}
