"""Tell a WebSub hub which feeds have changed, so that their readers need not poll.

One hash a feed remembers what the hub was told. A feed for which that failed keeps its old hash,
and the hub is told the next time.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from digest.errors import FetchFailed, FetchRefused
from digest.pipeline.catalogue import Catalogue, Feed, Terms
from digest.ports import Store
from digest.rendering.feeds import FORMATS

log = logging.getLogger(__name__)

TOLD = "websub"
TOGETHER = 30
"""Feeds in one request: `hub.url` may be repeated (PubSubHubbub 0.3 §7.1)."""

PostForm = Callable[[str, Sequence[tuple[str, str]], datetime], None]


def tell(store: Store, terms: Terms, post_form: PostForm, *, now: datetime) -> None:
    """Ping the hub for each feed that has changed since it was last told.

    Nothing happens without a hub or a site address. `post_form` raises FetchFailed or FetchRefused,
    which are logged.
    """
    if not terms.hub or not terms.site.url:
        return
    catalogue = Catalogue(store, terms, now)
    now_in = {feed.info.slug: _mark(catalogue, feed) for feed in catalogue.feeds}
    known = _read(store.sources.cursor(TOLD))
    changed = [
        feed for feed in catalogue.feeds if known.get(feed.info.slug) != now_in[feed.info.slug]
    ]
    kept = {slug: known.get(slug, "") for slug in now_in}
    for start in range(0, len(changed), TOGETHER):
        block = changed[start : start + TOGETHER]
        try:
            post_form(terms.hub, list(_fields(block, terms)), now)
        except (FetchFailed, FetchRefused) as error:
            # The rest waits too: a hub in trouble is not helped by more requests.
            log.warning("the hub was not told: %s", error.message, extra={"action": "websub"})
            break
        kept |= {feed.info.slug: now_in[feed.info.slug] for feed in block}
        store.sources.set_cursor(TOLD, json.dumps(kept))


def _fields(feeds: Sequence[Feed], terms: Terms) -> Iterator[tuple[str, str]]:
    yield "hub.mode", "publish"
    for feed in feeds:
        for kind in FORMATS:
            yield "hub.url", feed.info.url(terms.site, kind)


def _mark(catalogue: Catalogue, feed: Feed) -> str:
    content = catalogue.document(feed, "atom") or b""
    return hashlib.sha256(content).hexdigest()[:16]


def _read(cursor: str | None) -> Mapping[str, str]:
    return dict(json.loads(cursor)) if cursor else {}
