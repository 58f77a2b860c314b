"""A subscriber's own feed: what their digests picked, why, and where to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from digest.model import Digest, Pick, Site, Subscriber
from digest.pipeline import delivering, entries
from digest.ports import Store
from digest.rendering import links
from digest.rendering.feeds import FeedEntry, FeedInfo, document

DIGESTS = 14

Because = Callable[[delivering.Material], Callable[[Pick], str]]


def info(site: Site, subscriber: Subscriber) -> FeedInfo:
    """The feed's name and address; the address is as good as a password."""
    return FeedInfo(
        slug=f"mine/{links.feed_token(subscriber)}",
        title=f"Your papers · {site.name}",
        description="What your digests picked for you.",
        private=True,
    )


def documents(
    store: Store, site: Site, subscriber: Subscriber, because: Because, kinds: Sequence[str]
) -> dict[str, bytes]:
    """The subscriber's feed in these formats, by format."""
    digests = store.ledger.recent(subscriber.id, limit=DIGESTS)
    found = list(_entries(store, site, subscriber, digests, because))
    about = info(site, subscriber)
    return {kind: document(kind, about, found, site) for kind in kinds}


def _entries(
    store: Store,
    site: Site,
    subscriber: Subscriber,
    digests: Sequence[Digest],
    because: Because,
) -> Iterator[FeedEntry]:
    """Every pick, newest digest first; a paper that was picked twice is in the later one only."""
    material = delivering.material_for(store, [replace(each, rest=()) for each in digests])
    voices = store.community.voices(material.papers)
    announcements = store.papers.announcements(material.papers)
    sentence = because(material)
    told = set()
    for digest in digests:
        address = links.digest(site, subscriber, digest.edition)
        for number, pick in enumerate(digest.picks, 1):
            paper = material.papers.get(pick.paper_id)
            if paper is None or paper.id in told:
                continue
            told.add(paper.id)
            news = announcements.get(paper.id, ())
            yield FeedEntry(
                paper=paper,
                seen_at=digest.composed_at,
                updated=entries.updated(digest.composed_at, news),
                announce=entries.came_as(news),
                because=sentence(pick),
                pick=pick,
                place=number - 1,
                upvotes=material.upvotes.get(pick.paper_id, 0),
                voices=tuple(voices.get(paper.id, ())),
                answers=address and f"{address}/{number}",
            )
