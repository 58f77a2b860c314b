"""What the core needs from outside, as protocols: sources, fetcher, ranker, transport, store.

Adapters need not inherit from them; `digest.testing` holds the fakes and the contract checks that a
plug-in must pass. Methods take and return values of `digest.model`, in batches.
"""

from __future__ import annotations

from digest.ports.mail import Ledger, PaceStore, PostStore
from digest.ports.outside import (
    Acceptances,
    Candidates,
    Fetcher,
    Keeper,
    Ranker,
    Source,
    Transport,
)
from digest.ports.papers import Entered, Ingested, PaperStore, SourceStore, Within
from digest.ports.people import CommunityStore, FeedbackStore, Newcomer, Settled, SubscriberStore
from digest.ports.spaces import Learned, SpaceStore
from digest.ports.store import Store

__all__ = [
    "Acceptances",
    "Candidates",
    "CommunityStore",
    "Entered",
    "FeedbackStore",
    "Fetcher",
    "Ingested",
    "Keeper",
    "Learned",
    "Ledger",
    "Newcomer",
    "PaceStore",
    "PaperStore",
    "PostStore",
    "Ranker",
    "Settled",
    "Source",
    "SourceStore",
    "SpaceStore",
    "Store",
    "SubscriberStore",
    "Transport",
    "Within",
]
