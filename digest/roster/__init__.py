"""Subscribers in and out as CSV or JSON Lines, a million rows in constant memory."""

from __future__ import annotations

from digest.roster.loading import Loaded, load
from digest.roster.reading import read
from digest.roster.writing import write

__all__ = ["Loaded", "load", "read", "write"]
