"""Publish: write every feed as static files for any web server, but only files that changed.

`digest web` does not need this: it makes the same documents on request.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path

from digest.model import Site, Status, Subscriber
from digest.pipeline import personal
from digest.pipeline.catalogue import Catalogue, Feed, Terms
from digest.ports import Store
from digest.rendering import opml
from digest.rendering.feeds import FORMATS

PRIVATE = "feeds/mine"
# A pause stops mails only; the feed goes on until somebody leaves.
HAVE_FEEDS = (Status.ACTIVE, Status.PAUSED)
HALF = ".part"
EVER = datetime.min.replace(tzinfo=UTC)

MADE_FOR = "feeds/.archives"
"""Holds the site's address for which archives were made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What publishing did: feeds, files in all, and files whose bytes changed."""

    feeds: int = 0
    files: int = 0
    changed: int = 0

    def __add__(self, other: Published) -> Published:
        return Published(
            feeds=self.feeds + other.feeds,
            files=self.files + other.files,
            changed=self.changed + other.changed,
        )


def publish(
    store: Store, folder: Path, terms: Terms, *, now: datetime, because: personal.Because
) -> Published:
    """Write all feeds below `folder`; private feeds of people who left are removed."""
    shared = publish_shared(store, folder, terms, now=now)
    own, _ = publish_own(store, folder, terms.site, because)
    return shared + own


def publish_shared(store: Store, folder: Path, terms: Terms, *, now: datetime) -> Published:
    """Write the public feeds, and the list of them.

    The archive of a day is written once and then left as it is, unless the site has moved to another
    address. A feed whose topic is no more is removed, but not its archives, nor what does not stand
    in every format, as that is not ours.
    """
    catalogue = Catalogue(store, terms, now)
    standing = _names(folder / "feeds")
    feeds = {slug: catalogue.find(slug) for slug in set.union(*standing)}
    feeds |= {feed.info.slug: feed for feed in catalogue.feeds}
    made_for, address = folder / MADE_FOR, terms.site.url.encode()
    moved = not made_for.is_file() or made_for.read_bytes() != address
    total = Published()
    for slug, feed in feeds.items():
        if feed is not None:
            total = _written(folder, _documents(catalogue, feed, folder, anew=moved), total)
        elif all(slug in names for names in standing):
            for kind in FORMATS:
                (folder / f"feeds/{slug}.{kind}").unlink(missing_ok=True)
    write(made_for, address)
    outlines = opml.opml([feed.info for feed in catalogue.feeds], terms.site)
    changed = write(folder / opml.PATH, outlines)
    return Published(feeds=total.feeds, files=total.files + 1, changed=total.changed + changed)


def publish_own(
    store: Store,
    folder: Path,
    site: Site,
    because: personal.Because,
    *,
    among: Collection[str] | None = None,
    after: str = "",
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[Published, str | None]:
    """Write readers' own feeds, of those `among` (None: of all), by id and `after` an id.

    Feeds that do not exist yet are written too, and those of people who left are always removed. If
    it was asked to stop, returns the id after which to go on, else None.
    """
    total, kept, last, stopped = Published(), set[str](), after, False
    for person, paths in _own(store, site):
        kept.update(paths.values())
        is_told = person.id > after and (among is None or person.id in among)
        if stopped or not (is_told or _lacks(folder, paths.values())):
            continue
        if stopping():
            stopped = True
            continue
        found = personal.documents(store, site, person, because, tuple(FORMATS))
        total = _written(folder, {paths[kind]: content for kind, content in found.items()}, total)
        last = max(last, person.id)
    _forget(folder, kept)
    return total, last if stopped else None


def forget_own(store: Store, folder: Path, site: Site) -> None:
    """Remove the own feeds of people who left, and write none."""
    _forget(folder, {path for _, paths in _own(store, site) for path in paths.values()})


def shared_by_own(store: Store, site: Site) -> str:
    """A token that changes whenever something changes that stands in everybody's own feed.

    That is the site's name and address, and who speaks for papers: a name that is taken back must
    go from every feed.
    """
    voices = store.community.voices(store.community.featured(EVER))
    told = repr((site, sorted(voices.items(), key=lambda each: each[0])))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _own(store: Store, site: Site) -> Iterator[tuple[Subscriber, dict[str, str]]]:
    """Everybody who has a feed of their own, by id, with its paths by format."""
    for person, _ in store.subscribers.all():
        if person.status in HAVE_FEEDS:
            about = personal.info(site, person)
            yield person, {kind: about.path(kind) for kind in FORMATS}


def _lacks(folder: Path, paths: Iterable[str]) -> bool:
    return not all((folder / each).is_file() for each in paths)


def write(path: Path, content: bytes) -> bool:
    """Put the content in place in one step; False, and nothing is touched, if it is there already.

    An OSError names this file, or the folder that cannot be made.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _put(path, content)
    except OSError as error:
        error.filename = str(path)  # instead of the temporary name
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


def _documents(catalogue: Catalogue, feed: Feed, folder: Path, *, anew: bool) -> dict[str, bytes]:
    """The current documents of a feed, and the archives that are missing.

    If `anew`, all archives that it reaches, but for those that hold more than the store does.
    """
    whole = _archived(folder / "feeds" / feed.info.slug)
    days = catalogue.days(feed)
    missing = (  # day by day, since a catalogue remembers the last few days only
        day
        for day in days
        if day not in whole or (anew and not _holds_more(catalogue, feed, folder, day))
    )
    found = {
        feed.info.path(kind, day): catalogue.document(feed, kind, day, among={*whole, *days})
        for day in chain((None,), missing)
        for kind in FORMATS
    }
    return {path: content for path, content in found.items() if content is not None}


def _archived(folder: Path) -> set[date]:
    """The days that have an archive in every format."""
    days = set()
    for name in set.intersection(*_names(folder)):
        with suppress(ValueError):
            days.add(date.fromisoformat(name))
    return days


def _names(folder: Path) -> list[set[str]]:
    """The names of what stands there, in each format."""
    return [{path.stem for path in folder.glob(f"[!.]*.{kind}")} for kind in FORMATS]


def _holds_more(catalogue: Catalogue, feed: Feed, folder: Path, day: date) -> bool:
    """Whether an archive that stands has papers that the store has deleted since."""
    archive = (folder / feed.info.path("json", day)).read_bytes()
    return archive.count(b'"date_published":') > len(catalogue.entries(feed, day))


def _written(folder: Path, documents: dict[str, bytes], total: Published) -> Published:
    changed = sum(write(folder / path, content) for path, content in documents.items())
    return Published(
        feeds=total.feeds + 1,
        files=total.files + len(documents),
        changed=total.changed + changed,
    )


def _forget(folder: Path, kept: set[str]) -> None:
    """Remove private feeds of people who left or whose address was revoked, and unfinished files.

    What an operator put beside them (an `.htaccess`) stays.
    """
    for pattern in (*(f"[!.]*.{kind}" for kind in FORMATS), f".*{HALF}"):
        for path in (folder / PRIVATE).glob(pattern):
            if f"{PRIVATE}/{path.name}" not in kept:
                path.unlink(missing_ok=True)
