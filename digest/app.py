"""The composition root: settings in, ports out. Nothing else builds adapters or reads the clock."""

from __future__ import annotations

import importlib
import os
import random
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from digest import __version__, delivery, fetching, sources, subscriptions
from digest.config import Settings, SourceSettings
from digest.delivery import dkim
from digest.errors import ConfigError, InvalidInput, NotFound
from digest.model import (
    Digest,
    Envelope,
    Listing,
    Message,
    Outcome,
    Pick,
    Site,
    SourceReport,
    Subscriber,
)
from digest.pipeline import composing, delivering, ingesting, publishing
from digest.ports import Fetcher, Ranker, Source, Store, Transport
from digest.ranking import explain
from digest.rendering import mail
from digest.store import open_store

MEGABYTE = 1_000_000
NOWHERE = "https://recorded.invalid/"


def utcnow() -> datetime:
    """The one clock."""
    return datetime.now(UTC)  # noqa: TID251 - its one home


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One subscriber's edition, composed but not kept: the digest, and every paper that matched."""

    subscriber: Subscriber
    digest: Digest
    picks: tuple[Pick, ...]
    material: delivering.Material


class App:
    """Everything a command needs, built from settings when first asked for; close it when done."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utcnow,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
        self.owner = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(3)}"
        self._may_create = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened."""
        for name in ("fetcher", "transport", "store"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    # --- ports ----------------------------------------------------------------------------

    def create(self) -> Self:
        """Let the database be created if it is missing."""
        self._may_create = True
        return self

    @cached_property
    def store(self) -> Store:
        """The database, at the newest schema."""
        path = Path(self.settings.db)
        if not self._may_create and not path.is_file():
            raise ConfigError(
                f"There is no database at {path}; `digest --db {path} init` makes one.",
                subject=str(path),
            )
        store = open_store(path)
        store.migrate()
        return store

    @cached_property
    def fetcher(self) -> Fetcher:
        """Polite HTTP, with a User-Agent that says whom to write to."""
        fetch = self.settings.fetch
        contact = self.settings.site.contact or self.settings.site.url or self.settings.mail.from_
        return fetching.HttpFetcher(
            user_agent=f"paperdigest/{__version__}" + f" (+{contact})",
            allow_private=fetch.allow_private,
            timeout=fetch.timeout,
            max_wire=int(fetch.max_wire_mb * MEGABYTE),
            max_body=int(fetch.max_body_mb * MEGABYTE),
        )

    @cached_property
    def ranker(self) -> Ranker:
        """The configured ranker."""
        ranking = self.settings.ranking
        module, _, name = ranking.use.partition(":")
        try:
            factory = getattr(importlib.import_module(module, "digest.ranking"), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigError(
                f"[ranking] use names no class: {ranking.use!r}.", subject="ranking.use"
            ) from error
        try:
            ranker: Ranker = factory(
                topics=self.settings.topics, trending=ranking.trending, cap=ranking.cap
            )
        except TypeError as error:
            raise ConfigError(
                f"[ranking] use names no ranker: {ranking.use!r}.", subject="ranking.use"
            ) from error
        return ranker

    @cached_property
    def transport(self) -> Transport:
        """Where mail leaves."""
        smtp = self.settings.smtp
        return delivery.transport_from_url(
            smtp.url,
            timeout=smtp.timeout,
            hello=self.mail_domain,
            per_connection=smtp.per_connection,
        )

    @cached_property
    def signer(self) -> dkim.Signer | None:
        """The DKIM signer, if all of `[dkim]` is set."""
        settings = self.settings.dkim
        given = (settings.domain, settings.selector, settings.private_key)
        if not any(given):
            return None
        if not all(given):
            raise ConfigError(
                "[dkim] needs domain, selector and private_key, or none of them.",
                subject="dkim",
            )
        return dkim.Signer(*given[:2], given[2].encode())

    @cached_property
    def templates(self) -> mail.MailTemplates:
        """Mail templates, compiled once."""
        return mail.compile_mail(self.site, self.settings.topics)

    # --- values ---------------------------------------------------------------------------

    @property
    def site(self) -> Site:
        """The publisher."""
        site, addresses = self.settings.site, self.settings.mail
        return Site(
            name=site.name,
            url=site.url.rstrip("/"),
            mail_from=addresses.from_,
            list_id=addresses.list_id or f"digest.{self.mail_domain}",
            unsubscribe_to=addresses.unsubscribe_to,
            bounce_to=addresses.bounce_to,
            imprint=site.imprint,
            contact=site.contact,
            language=site.language,
        )

    @property
    def mail_domain(self) -> str:
        """The domain of the From address, which Message-IDs carry."""
        return self.settings.mail.from_.rpartition("@")[2]

    @property
    def newcomer(self) -> Subscriber:
        """The defaults of a new subscriber; id, address and key are filled in later."""
        given = self.settings.subscriber
        wishes = subscriptions.Wishes(
            at=given.at, tz=given.tz, cadence=given.cadence, limit=given.limit, quiet=given.quiet
        )
        blank = Subscriber(id="", email="", key="", created_at=self.clock())
        try:
            return subscriptions.with_schedule(blank, wishes)
        except InvalidInput as error:
            raise ConfigError(f"[subscriber]: {error.message}", subject="subscriber") from error

    # --- sources --------------------------------------------------------------------------

    def sources(self, *, nightly: bool = False) -> list[Source]:
        """The enabled sources of the daily polls, or of the nightly reconciliation."""
        return [
            self.source(each.name)
            for each in self.settings.sources.values()
            if each.enabled and each.nightly is nightly
        ]

    def source(self, name: str, *, recorded: bool = False) -> Source:
        """A source by its name in config, or a built-in one by its own; raises NotFound.

        `recorded` is for reading files: a feed then needs no address.
        """
        settings = self.settings.sources.get(name)
        if settings is not None:
            return sources.load(name, settings.use, self._source_options(settings))
        if name not in sources.BUILT_IN:
            known = ", ".join(sorted({*self.settings.sources, *sources.BUILT_IN}))
            raise NotFound(f"There is no source {name!r}; there are {known}.", subject=name)
        if name != "feed":
            return sources.load(name, sources.BUILT_IN[name], {})
        if not recorded:
            raise InvalidInput(
                "`feed` reads recorded files (--from FILE); to poll one, give it a name and a url "
                "in the settings, as [sources.NAME].",
                subject=name,
            )
        return sources.load(name, sources.BUILT_IN[name], {"url": NOWHERE})

    def _source_options(self, settings: SourceSettings) -> dict[str, object]:
        options = dict(settings.options)
        if settings.follow_subscribers:
            configured = options.get("categories", ())
            own = list(configured) if isinstance(configured, list | tuple) else []
            options["categories"] = [*dict.fromkeys((*own, *self._followed_categories()))]
        return options

    def _followed_categories(self) -> list[str]:
        """ArXiv categories that subscribers follow, by themselves or through a named topic."""
        followed: list[str] = []
        for topic in sorted(self.store.subscribers.topics_in_use()):
            known = self.settings.topics.get(topic)
            followed.extend(known.categories if known else ())
        return [each for each in followed if each in self.settings.topics]

    # --- verbs ----------------------------------------------------------------------------

    def ingest(
        self,
        *,
        nightly: bool = False,
        force: bool = False,
        only: str = "",
        stopping: Callable[[], bool] = lambda: False,
    ) -> list[SourceReport]:
        """Poll sources."""
        chosen = [self.source(only)] if only else self.sources(nightly=nightly)
        known = self.settings.sources.get(only)
        return ingesting.ingest(
            self.store,
            chosen,
            self.fetcher,
            policy=fetching.Policy(interval=self.settings.fetch.interval * 60),
            clock=self.clock,
            rng=self.rng,
            owner=self.owner,
            force=force,
            stopping=stopping,
            reconciling=nightly or (known is not None and known.nightly),
        )

    def ingest_files(
        self, name: str, files: Sequence[Path], *, at: date | None = None
    ) -> list[SourceReport]:
        """Ingest recorded listings as if this source had just published them.

        `at` is the UTC day they were fetched, for those that do not say themselves.
        """
        source = self.source(name, recorded=True)
        fetched_at = datetime.combine(at, time(12), tzinfo=UTC) if at else None
        reports = [
            ingesting.ingest_listing(
                self.store,
                source,
                Listing(
                    source=source.name,
                    url="",
                    body=file.read_bytes(),
                    place=file.name,
                    fetched_at=fetched_at,
                ),
                now=self.clock(),
            )
            for file in files
        ]
        ingesting.refresh_trending(self.store, now=self.clock())
        return reports

    def backfill(self, name: str, first: date, last: date) -> list[SourceReport]:
        """Fetch everything a source published between two days, page by page."""
        source = self.source(name)
        return ingesting.backfill(
            self.store,
            source,
            self.fetcher,
            first,
            last,
            policy=fetching.Policy(interval=self.settings.fetch.interval * 60),
            clock=self.clock,
            rng=self.rng,
            owner=self.owner,
        )

    def compose_due(self) -> composing.Composed:
        """Compose for whoever's hour has come."""
        return composing.compose_due(
            self.store,
            self.ranker,
            now=self.clock(),
            block=self.settings.ranking.block,
            domain=self.mail_domain,
        )

    def compose_edition(self, edition: str | None) -> composing.Composed:
        """Compose one edition for everyone."""
        return composing.compose_edition(
            self.store,
            self.ranker,
            edition,
            now=self.clock(),
            block=self.settings.ranking.block,
            domain=self.mail_domain,
        )

    def deliver(
        self,
        *,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[int], object] = lambda _: None,
    ) -> delivering.Delivered:
        """Send what is due."""
        return delivering.deliver(
            self.store,
            self.transport,
            self.renderer,
            clock=self.clock,
            rng=self.rng,
            owner=self.owner,
            block=self.settings.smtp.block,
            stopping=stopping,
            progress=progress,
        )

    def publish(self, folder: Path) -> publishing.Published:
        """Write the feeds."""
        return publishing.publish(
            self.store,
            folder,
            topics=self.settings.topics,
            site=self.site,
            now=self.clock(),
            days=self.settings.feeds.days,
            limit=self.settings.feeds.limit,
            hub=self.settings.feeds.hub,
            because=self.because,
        )

    # --- looking --------------------------------------------------------------------------

    def look(self, email: str, edition: str | None) -> Look:
        """What a subscriber would get for an edition."""
        person = subscriptions.find(self.store, email)
        digest, ranking = composing.rank_one(
            self.store, self.ranker, person, edition, now=self.clock()
        )
        whole = replace(digest, picks=ranking.picks)
        return Look(
            subscriber=person,
            digest=digest,
            picks=ranking.picks,
            material=delivering.material_for(self.store, [whole, digest]),
        )

    def preview(self, look: Look, *, form: str) -> bytes:
        """The mail as `.html`, `.txt` or `.eml`."""
        fragments = self.edition(look.material)
        if form == ".eml":
            envelope = Envelope(
                digest=look.digest,
                subscriber=look.subscriber,
                message_id=f"<{look.digest.id}@{self.mail_domain}>",
                expires_at=self.clock(),
                lease="",
            )
            return self.renderer(look.material)(envelope).content
        parts = mail.parts(fragments, look.digest, look.subscriber)
        return (parts.html if form == ".html" else parts.text).encode()

    def send_confirmation(self, person: Subscriber) -> bool:
        """Mail the link that confirms a subscription; False while no site address is set."""
        if not self.site.url:
            return False
        now = self.clock()
        message = mail.confirmation(
            self.templates,
            person,
            message_id=f"<confirm.{person.id}.{now:%Y%m%d%H%M%S}@{self.mail_domain}>",
            at=now,
        )
        if self.signer is not None:
            message = replace(message, content=self.signer.sign(message.content, now))
        receipts = list(self.transport.send([message], now))
        return receipts[0].outcome is Outcome.ACCEPTED

    # --- rendering ------------------------------------------------------------------------

    def because(self, material: delivering.Material) -> explain.Because:
        """How picks are explained, given the titles that reasons may name."""
        return explain.explainer(topics=self.settings.topics, titles=material.titles)

    def edition(self, material: delivering.Material) -> mail.Edition:
        """Fragments of a block's papers, made once."""
        return mail.edition(
            self.templates,
            material.papers,
            upvotes=material.upvotes,
            because=self.because(material),
        )

    def renderer(self, material: delivering.Material) -> Callable[[Envelope], Message]:
        """What turns a claimed envelope into a signed message."""
        fragments = self.edition(material)

        def render(envelope: Envelope) -> Message:
            now = self.clock()
            message = mail.message(
                fragments,
                envelope.digest,
                envelope.subscriber,
                message_id=envelope.message_id,
                at=envelope.digest.composed_at,
            )
            if self.signer is None:
                return message
            return replace(message, content=self.signer.sign(message.content, now))

        return render


def counts(store: Store) -> dict[str, object]:
    """What `digest status --json` and `/health` show: rows of the main tables, outbox by state."""
    rows: dict[str, object] = dict(store.counts())
    rows["outbox"] = store.ledger.counts()
    return rows
