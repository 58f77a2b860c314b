"""Publish: every feed as static files, written only where bytes changed, for any web server.

`digest web` needs none of it: it makes the same documents when they are asked for.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from pathlib import Path

from digest.model import Status, Subscriber
from digest.pipeline import personal
from digest.pipeline.catalogue import Catalogue, Feed, Terms
from digest.ports import Store
from digest.rendering import opml
from digest.rendering.feeds import FORMATS

PRIVATE = "feeds/mine"
HALF = ".part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing came to: feeds, files in all, and files whose bytes changed."""

    feeds: int = 0
    files: int = 0
    changed: int = 0


def publish(
    store: Store, folder: Path, terms: Terms, *, now: datetime, because: personal.Because
) -> Published:
    """Write all feeds below `folder`; private ones that are not due any more are removed.

    The archive of a day is written once, and then left as it is.
    """
    catalogue = Catalogue(store, terms, now)
    total = Published()
    for feed in catalogue.feeds:
        total = _written(folder, _documents(catalogue, feed, folder), total)
    kept: set[str] = set()
    # A pause is a rest from mails; only who has left has no feed.
    for person in chain(_all(store, Status.ACTIVE), _all(store, Status.PAUSED)):
        found = personal.documents(store, terms.site, person, because, tuple(FORMATS))
        about = personal.info(terms.site, person)
        files = {about.path(kind): content for kind, content in found.items()}
        kept.update(files)
        total = _written(folder, files, total)
    _forget(folder, kept)
    outlines = opml.opml([feed.info for feed in catalogue.feeds], terms.site)
    changed = write(folder / opml.PATH, outlines)
    return Published(feeds=total.feeds, files=total.files + 1, changed=total.changed + changed)


def write(path: Path, content: bytes) -> bool:
    """Put the content in place in one step; False, and nothing touched, if it is there already.

    What the system says against it (OSError) names this file, or the folder that cannot be made.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _put(path, content)
    except OSError as error:
        error.filename = str(path)  # nobody knows the half's name
        raise
    return True


def _put(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=HALF)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _documents(catalogue: Catalogue, feed: Feed, folder: Path) -> dict[str, bytes]:
    """The current documents of a feed, and the archives that do not stand yet."""
    archived = _archived(folder, feed)
    days = [None, *(day for day in catalogue.days(feed) if day not in archived)]
    found = {
        feed.info.path(kind, day): catalogue.document(feed, kind, day, archived=archived)
        for day in days
        for kind in FORMATS
    }
    return {path: content for path, content in found.items() if content is not None}


def _archived(folder: Path, feed: Feed) -> frozenset[date]:
    """Days whose archive stands already: it was promised never to change."""
    found = set()
    for path in (folder / "feeds" / feed.info.slug).glob("????-??-??.atom"):
        with suppress(ValueError):
            found.add(date.fromisoformat(path.stem))
    return frozenset(found)


def _written(folder: Path, documents: dict[str, bytes], total: Published) -> Published:
    changed = sum(write(folder / path, content) for path, content in documents.items())
    return Published(
        feeds=total.feeds + 1,
        files=total.files + len(documents),
        changed=total.changed + changed,
    )


def _all(store: Store, status: Status) -> Iterator[Subscriber]:
    return (person for person, _ in store.subscribers.all(status))


def _forget(folder: Path, kept: set[str]) -> None:
    """Remove private feeds of people who left or whose address was revoked, and halves of any.

    What an operator put beside them (an `.htaccess`) stays.
    """
    for pattern in (*(f"[!.]*.{kind}" for kind in FORMATS), f".*{HALF}"):
        for path in (folder / PRIVATE).glob(pattern):
            if f"{PRIVATE}/{path.name}" not in kept:
                path.unlink(missing_ok=True)
