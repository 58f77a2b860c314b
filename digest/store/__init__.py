"""The database: papers, people and the ledger of what was sent, in one SQLite file."""

from __future__ import annotations

from digest.store.sqlite import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
