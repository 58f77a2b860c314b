"""Polite, safe HTTP, and the schedule that keeps it polite; the one door to httpx."""

from __future__ import annotations

from digest.fetching.agent import user_agent
from digest.fetching.client import HttpFetcher
from digest.fetching.schedule import (
    Policy,
    body_changed,
    decide,
    forgotten,
    is_due,
    prepare,
)

__all__ = [
    "HttpFetcher",
    "Policy",
    "body_changed",
    "decide",
    "forgotten",
    "is_due",
    "prepare",
    "user_agent",
]
