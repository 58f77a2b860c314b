"""What waits for the owner of a mailbox to agree: a change of address, and a return."""

from __future__ import annotations

from datetime import datetime

from digest.model import AddressChange, Comeback
from digest.store.connections import Connections
from digest.store.rows import change_columns, comeback_columns, stamp, to_change, to_comeback


class Agreements:
    """The part of the store of subscribers that nobody has agreed to yet, in SQLite."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def put_change(self, change: AddressChange) -> None:
        """Keep a wished change of address; the latest wish of a subscriber counts.

        Raises NotFound for an unknown subscriber.
        """
        with self._connections.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO address_changes VALUES (?, ?, ?, ?, ?)",
                change_columns(change),
            )

    def change(self, subscriber_id: str) -> AddressChange | None:
        """The subscriber's open change of address."""
        with self._connections.read() as connection:
            row = connection.execute(
                "SELECT * FROM address_changes WHERE subscriber_id = ?", (subscriber_id,)
            ).fetchone()
        return None if row is None else to_change(row)

    def drop_change(self, subscriber_id: str) -> None:
        """Forget an open change of address."""
        with self._connections.write() as connection:
            connection.execute(
                "DELETE FROM address_changes WHERE subscriber_id = ?", (subscriber_id,)
            )

    def drop_changes(self, before: datetime) -> None:
        """Forget changes of address that were asked for before then."""
        with self._connections.write() as connection:
            connection.execute("DELETE FROM address_changes WHERE asked_at < ?", (stamp(before),))

    def put_comeback(self, comeback: Comeback) -> bool:
        """Keep what was asked for in the name of someone who had left; the latest counts.

        False, and nothing is kept, for whoever does not wait to confirm.
        """
        with self._connections.write() as connection:
            return bool(
                connection.execute(
                    """
                    INSERT OR REPLACE INTO comebacks
                    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
                    WHERE EXISTS (SELECT 1 FROM subscribers WHERE id = ? AND status = 'pending')
                    """,
                    (*comeback_columns(comeback), comeback.subscriber_id),
                ).rowcount
            )

    def renew_comeback(self, comeback: Comeback, now: datetime) -> None:
        """Have what was asked for count as of now, unless something else was asked for since."""
        with self._connections.write() as connection:
            connection.execute(
                "UPDATE comebacks SET asked_at = ? WHERE subscriber_id = ? AND asked_at = ?",
                (stamp(now), comeback.subscriber_id, stamp(comeback.asked_at)),
            )

    def comeback(self, subscriber_id: str) -> Comeback | None:
        """What was last asked for in the subscriber's name, if they have yet to agree."""
        with self._connections.read() as connection:
            row = connection.execute(
                "SELECT * FROM comebacks WHERE subscriber_id = ?", (subscriber_id,)
            ).fetchone()
        return None if row is None else to_comeback(row)

    def drop_comeback(self, subscriber_id: str) -> None:
        """Forget what was asked for in the subscriber's name."""
        with self._connections.write() as connection:
            connection.execute("DELETE FROM comebacks WHERE subscriber_id = ?", (subscriber_id,))

    def drop_comebacks(self, before: datetime) -> None:
        """Forget what was asked for before then in the name of those who had left."""
        with self._connections.write() as connection:
            connection.execute("DELETE FROM comebacks WHERE asked_at < ?", (stamp(before),))
