"""Polite, safe HTTP, and the schedule that keeps it polite; the one door to httpx."""

from __future__ import annotations

from digest.fetching.address import allowed, check_url
from digest.fetching.client import ARXIV_SPACING, HttpFetcher
from digest.fetching.schedule import Policy, body_changed, decide, is_due, prepare

__all__ = [
    "ARXIV_SPACING",
    "HttpFetcher",
    "Policy",
    "allowed",
    "body_changed",
    "check_url",
    "decide",
    "is_due",
    "prepare",
]
