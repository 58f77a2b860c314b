"""What a subscriber has yet to confirm by mail: a change of address, or a return after leaving."""

from __future__ import annotations

from datetime import datetime

from digest.model import AddressChange, Comeback
from digest.store.connections import Family
from digest.store.rows.records import ADDRESS_CHANGES, COMEBACKS
from digest.store.rows.scalars import stamp


class Agreements(Family):
    """The part of the subscriber store that holds unconfirmed requests, in SQLite."""

    def put_change(self, change: AddressChange) -> None:
        """Keep a requested change of address in place of any earlier one."""
        self._connections.run(ADDRESS_CHANGES.replace, ADDRESS_CHANGES.columns(change))

    def change(self, subscriber_id: str) -> AddressChange | None:
        """The subscriber's open change of address."""
        row = self._connections.row(
            "SELECT * FROM address_changes WHERE subscriber_id = ?", (subscriber_id,)
        )
        return None if row is None else ADDRESS_CHANGES.read(row)

    def drop_change(self, subscriber_id: str) -> None:
        """Forget an open change of address."""
        self._connections.run(
            "DELETE FROM address_changes WHERE subscriber_id = ?", (subscriber_id,)
        )

    def drop_changes(self, before: datetime) -> None:
        """Forget changes of address that were requested before then."""
        self._connections.run("DELETE FROM address_changes WHERE asked_at < ?", (stamp(before),))

    def put_comeback(self, comeback: Comeback) -> bool:
        """Keep a request to return in place of any earlier one; False if the subscriber is not pending."""
        with self._connections.write() as connection:
            pending = connection.execute(
                "SELECT 1 FROM subscribers WHERE id = ? AND status = 'pending'",
                (comeback.subscriber_id,),
            ).fetchone()
            if pending:
                connection.execute(COMEBACKS.replace, COMEBACKS.columns(comeback))
        return pending is not None

    def renew_comeback(self, comeback: Comeback, now: datetime) -> None:
        """Date a request to return as of now, unless another one has replaced it."""
        self._connections.run(
            "UPDATE comebacks SET asked_at = ? WHERE subscriber_id = ? AND asked_at = ?",
            (stamp(now), comeback.subscriber_id, stamp(comeback.asked_at)),
        )

    def comeback(self, subscriber_id: str) -> Comeback | None:
        """The subscriber's open request to return."""
        row = self._connections.row(
            "SELECT * FROM comebacks WHERE subscriber_id = ?", (subscriber_id,)
        )
        return None if row is None else COMEBACKS.read(row)

    def drop_comeback(self, subscriber_id: str) -> None:
        """Forget an open request to return."""
        self._connections.run("DELETE FROM comebacks WHERE subscriber_id = ?", (subscriber_id,))

    def drop_comebacks(self, before: datetime) -> None:
        """Forget requests to return that were made before then."""
        self._connections.run("DELETE FROM comebacks WHERE asked_at < ?", (stamp(before),))
