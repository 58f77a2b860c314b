"""The composition root: settings in, ports out, and the one clock."""

from __future__ import annotations

from digest.app.adapters import utcnow
from digest.app.application import App, counts
from digest.app.looking import Look
from digest.app.troubles import Trouble, troubles, watched

__all__ = ["App", "Look", "Trouble", "counts", "troubles", "utcnow", "watched"]
