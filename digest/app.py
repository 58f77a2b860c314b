"""The composition root: settings in, ports out. Nothing else builds adapters or reads the clock."""

from __future__ import annotations

import importlib
import logging
import os
import random
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from digest import __version__, delivery, fetching, inbound, sources, subscriptions
from digest.config import Settings, SourceSettings
from digest.delivery import dkim
from digest.errors import ConfigError, DigestError, InvalidInput, NotFound
from digest.inbound import imap
from digest.model import (
    Digest,
    Envelope,
    Evidence,
    Letter,
    Listing,
    Message,
    Pick,
    Site,
    SourceReport,
    Subscriber,
)
from digest.pipeline import (
    catalogue,
    composing,
    delivering,
    ingesting,
    looking_up,
    posting,
    publishing,
    websub,
)
from digest.ports import Fetcher, Ranker, Source, Store, Transport
from digest.ranking import explain
from digest.rendering import letters, mail, mime
from digest.store import open_store

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000
TICKED = "ticked"
NOWHERE = "https://recorded.invalid/"
MOST_AT_ONCE = 10


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
        self._posting = threading.Lock()

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
        for name in ("fetcher", "transport", "courier", "store"):
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
        """Where digests leave."""
        return self._transport()

    @cached_property
    def courier(self) -> Transport:
        """Where letters leave: a way of their own, so that none waits for a morning's digests."""
        return self._transport()

    def _transport(self) -> Transport:
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

    @cached_property
    def letters(self) -> letters.LetterTemplates:
        """The frame of letters, compiled once."""
        return letters.compile_letters(self.site, self.settings.topics)

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
            inbound_domain=self.settings.inbound.domain,
        )

    @property
    def feed_terms(self) -> catalogue.Terms:
        """What feeds are made by."""
        feeds = self.settings.feeds
        return catalogue.Terms(
            topics=self.settings.topics,
            site=self.site,
            days=feeds.days,
            limit=feeds.limit,
            hub=feeds.hub,
        )

    @property
    def mail_domain(self) -> str:
        """The domain of the From address, which Message-IDs carry."""
        return self.settings.mail.from_.rpartition("@")[2]

    @property
    def last_tick(self) -> datetime | None:
        """When a worker last looked at what is due."""
        ticked = self.store.sources.cursor(TICKED)
        return datetime.fromisoformat(ticked) if ticked else None

    @property
    def inbound_policy(self) -> inbound.Policy:
        """How mail that comes in is dealt with."""
        given, web = self.settings.inbound, self.settings.web
        if not given.domain:
            raise ConfigError(
                "[inbound] domain is not set: no mail is taken in without it.",
                subject="inbound.domain",
            )
        return inbound.Policy(
            domain=given.domain,
            authserv_id=given.authserv_id,
            site=self.site,
            topics=self.settings.topics,
            defaults=self.newcomer,
            bounds=subscriptions.Bounds(signups=web.signups, letters=web.letters),
            soft_bounces=given.soft_bounces,
            soft_days=given.soft_days,
        )

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

    def note_tick(self) -> None:
        """A worker is alive, and looks at what is due."""
        self.store.sources.set_cursor(TICKED, self.clock().isoformat())

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

    def look_up_waiting(self) -> looking_up.LookedUp:
        """Fetch the papers that readers put forward, and announce what curators featured."""
        return looking_up.look_up_waiting(
            self.store, self.fetcher, clock=self.clock, owner=self.owner
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
            bounced=self.bounced,
            stopping=stopping,
            progress=progress,
        )

    def welcome(self, person: Subscriber) -> None:
        """Compose and send the first digest of someone who has just confirmed, without the clock.

        Whatever stands in the queue before it goes first; a long queue is left to the worker.
        """
        composed = composing.compose_one(
            self.store, self.ranker, person, now=self.clock(), domain=self.mail_domain
        )
        if not composed.digests:
            return
        turns = iter(range(MOST_AT_ONCE))
        with self._posting:
            delivering.deliver(
                self.store,
                self.courier,
                self.renderer,
                clock=self.clock,
                rng=self.rng,
                owner=self.owner,
                block=1,
                bounced=self.bounced,
                stopping=lambda: next(turns, None) is None,
            )

    def write(
        self,
        kind: str,
        person: Subscriber | None,
        *,
        recipient: str = "",
        in_reply_to: str = "",
        attachment: mime.Attachment | None = None,
        **context: object,
    ) -> Letter:
        """Queue a letter to `recipient`, or where the person's digests go; `post` sends it."""
        return posting.write(
            self.store,
            self.letters,
            kind,
            person,
            domain=self.mail_domain,
            now=self.clock(),
            recipient=recipient,
            in_reply_to=in_reply_to,
            attachment=attachment,
            **context,
        )

    def post(self, *, stopping: Callable[[], bool] = lambda: False) -> delivering.Delivered:
        """Send the letters that are due; from any thread, one at a time."""
        with self._posting:
            return posting.post_due(
                self.store,
                self.courier,
                self.sign,
                clock=self.clock,
                rng=self.rng,
                bounced=self.bounced,
                stopping=stopping,
            )

    def take_in(self, raw: bytes, recipients: Sequence[str] = ()) -> tuple[inbound.Reply, ...]:
        """Act on a mail that came in, answer it, and send what is due.

        Raises RetryLater while the database is locked: the mail must then be offered again.
        """
        replies = inbound.take_in(
            self.store,
            raw,
            recipients=recipients,
            policy=self.inbound_policy,
            answer=self._answer,
            now=self.clock(),
        )
        if replies:
            try:
                self.post()
            except DigestError as error:  # they are queued, and the worker tries again
                log.warning("answers wait: %s", error.message, extra={"action": "take-in"})
        return replies

    def _answer(self, reply: inbound.Reply) -> None:
        try:
            self.write(
                reply.kind,
                reply.subscriber,
                recipient=reply.recipient,
                in_reply_to=reply.in_reply_to,
                attachment=reply.attachment,
                **reply.context,
            )
        except (InvalidInput, ConfigError) as error:
            log.warning(
                "an answer cannot be written: %s", error.message, extra={"action": "take-in"}
            )

    def fetch_mail(self) -> int:
        """Take in what is new in the mailbox of `[inbound] imap`; how many mails."""
        settings = self.settings.inbound
        if not settings.imap:
            return 0
        _ = self.inbound_policy
        return imap.poll(settings.imap, settings.imap_folder, self.take_in)

    def bounced(self, evidence: Evidence) -> Subscriber | None:
        """Act on a bounce or complaint, by mail or said at SMTP time."""
        inbound = self.settings.inbound
        return subscriptions.bounce(
            self.store,
            evidence,
            soft_bounces=inbound.soft_bounces,
            soft_days=inbound.soft_days,
            now=self.clock(),
        )

    def publish(self, folder: Path) -> publishing.Published:
        """Write the feeds as files."""
        return publishing.publish(
            self.store, folder, self.feed_terms, now=self.clock(), because=self.because
        )

    def tell_hub(self) -> websub.Told:
        """Tell the WebSub hub which feeds have changed."""
        return websub.tell(self.store, self.feed_terms, self.fetcher.post_form, now=self.clock())

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
        """Mail the link that confirms a subscription; False if it did not leave at once."""
        if not self.site.url:
            return False
        self.write("confirm", person)
        return self.post().accepted > 0

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
            voices=material.voices,
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
            return replace(message, content=self.sign(message.content, now))

        return render

    def sign(self, content: bytes, now: datetime) -> bytes:
        """A message as it goes out: signed with DKIM where that is set up."""
        return self.signer.sign(content, now) if self.signer is not None else content


def counts(store: Store) -> dict[str, object]:
    """What `digest status --json` and `/health` show: rows of the main tables, outbox by state."""
    rows: dict[str, object] = dict(store.counts())
    rows["outbox"] = store.ledger.counts()
    return rows
