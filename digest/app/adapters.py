"""Build adapters from settings. Nothing else builds them or reads the clock."""

from __future__ import annotations

import logging
import os
import random
import secrets
import shlex
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from digest import __version__, delivery, fetching, inbound, sources, subscriptions
from digest.config import Settings, SourceSettings
from digest.delivery import dkim
from digest.errors import ConfigError, InvalidInput, NotFound
from digest.model import Caps, Forecast, Site, Subscriber
from digest.pipeline import catalogue, pacing
from digest.ports import Acceptances, Fetcher, Source, Store, Transport
from digest.rendering import letters, mail, mime
from digest.store import SqliteStore, open_store

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000
TICKED = "ticked"
MEASURED_WITHIN = timedelta(minutes=10)
NOWHERE = "https://recorded.invalid/"
MAKING_SECONDS = 1.0
"""How long a database may be empty because another process, started with us, is making it."""


def utcnow() -> datetime:
    """The one clock."""
    return datetime.now(UTC)  # noqa: TID251 - its one home


def _in_ascii(address: str) -> str:
    """An address as it stands in mails, its domain in ASCII; unchanged if that is not possible."""
    try:
        return mime.mail_address(address)
    except InvalidInput:
        return address  # the first mail will say what is wrong


def _no_database(path: Path, *, settings_file: Path) -> ConfigError:
    """The error for a missing database; if there is one beside the settings, it names that."""
    wanted, beside = path.absolute(), settings_file.absolute().parent / path
    cure = f"`digest --db {shlex.quote(str(wanted))} init` makes one."
    if beside.is_file():
        cure = (
            f"there is {beside}, beside your settings, but a relative `db` is looked for in the "
            f"working folder: run Digest in {beside.parent}, or set `db` to the whole path."
        )
    return ConfigError(f"There is no database at {wanted}; {cure}", subject=str(path))


def _check_not_lost(path: Path) -> None:
    """Refuse an emptied file: with a fresh schema in it, nobody would notice the loss."""
    until = time.monotonic() + MAKING_SECONDS
    while path.exists() and path.stat().st_size == 0:
        if time.monotonic() >= until:
            place = path.absolute()
            raise ConfigError(
                f"The database {place} is empty: restore it from a backup, or "
                f"`digest --db {shlex.quote(str(place))} init` makes a new one in it.",
                subject=str(path),
            )
        time.sleep(0.05)


class Adapters:
    """What settings describe, built when first used: ports, and the values they need."""

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
        self._may_create = self._may_fill = False
        self._posting = threading.Lock()
        self._uncounted = 0

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

    def create(self, *, filling: bool = False) -> Self:
        """Allow a missing database to be created; with `filling`, also in an empty file."""
        self._may_create, self._may_fill = True, filling
        return self

    @cached_property
    def store(self) -> Store:
        """The database, at the newest schema."""
        store = self.open_store()
        store.migrate()
        return store

    def open_store(self) -> SqliteStore:
        """The database with whatever schema it has; the caller closes it. Raises ConfigError."""
        path = Path(self.settings.db)
        if path.is_dir():
            raise ConfigError(
                f"The database {path.absolute()} is a folder; name a file in it.", subject=str(path)
            )
        if not self._may_create and not path.is_file():
            raise _no_database(path, settings_file=Path(self.settings.origin))
        if not self._may_fill:
            _check_not_lost(path)
        return open_store(path)

    @cached_property
    def fetcher(self) -> Fetcher:
        """Polite HTTP, with a User-Agent that says whom to write to."""
        fetch = self.settings.fetch
        return fetching.HttpFetcher(
            user_agent=self.user_agent,
            allow_private=fetch.allow_private,
            timeout=fetch.timeout,
            max_wire=int(fetch.max_wire_mb * MEGABYTE),
            max_body=int(fetch.max_body_mb * MEGABYTE),
        )

    @cached_property
    def transport(self) -> Transport:
        """Where digests leave."""
        return self._transport()

    @cached_property
    def courier(self) -> Transport:
        """Where letters leave: its own connection, so that none waits for a morning's digests."""
        return self._transport()

    @cached_property
    def pacer(self) -> pacing.Pacer:
        """How fast digests leave; for the one thread that delivers."""
        return self._pacer()

    @cached_property
    def courier_pacer(self) -> pacing.Pacer:
        """How fast what the courier sends leaves."""
        return self._pacer()

    def _pacer(self) -> pacing.Pacer:
        server = delivery.server_of(self.settings.smtp.url)
        if server is None:
            return pacing.Pacer.free()
        return pacing.Pacer(
            self.store.pace, server=server.place, own=server.is_here, caps=self.caps
        )

    @property
    def caps(self) -> Caps:
        """The bounds on how many messages may go."""
        smtp = self.settings.smtp
        return Caps(per_second=smtp.per_second, per_hour=smtp.per_hour, per_day=smtp.per_day)

    def forecast(self) -> Forecast:
        """When the digests that wait will be gone."""
        server, now = delivery.server_of(self.settings.smtp.url), self.clock()
        known = self.store.pace.load(server.place) if server else None
        waiting = self.store.pace.waiting(
            now, within=MEASURED_WITHIN, domains=known.domains if known else ()
        )
        return delivery.forecast(known, self.caps if server else Caps(), waiting, now)

    def _transport(self) -> Transport:
        smtp = self.settings.smtp
        return delivery.transport_from_url(
            smtp.url,
            timeout=smtp.timeout,
            hello=self.mail_domain,
            connections=smtp.connections,
            per_connection=smtp.per_connection,
        )

    @property
    def acceptances(self) -> Acceptances | None:
        """Who knows what the mail server took: its log, if `[smtp] maillog` names one."""
        maillog = self.settings.smtp.maillog
        return delivery.MailLog(Path(maillog)) if maillog else None

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
    def user_agent(self) -> str:
        """The name that sites are given; raises ConfigError."""
        site = self.settings.site
        contacts = (site.contact, site.url, self.settings.mail.from_)
        return fetching.user_agent(f"paperdigest/{__version__}", contacts)

    @property
    def site(self) -> Site:
        """The publisher."""
        site, addresses = self.settings.site, self.settings.mail
        return Site(
            name=site.name,
            url=site.url.rstrip("/"),
            mail_from=_in_ascii(addresses.from_),
            list_id=addresses.list_id or f"digest.{self.mail_domain}",
            unsubscribe_to=_in_ascii(addresses.unsubscribe_to),
            bounce_to=_in_ascii(addresses.bounce_to),
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
        """The domain of the From address in ASCII, for Message-IDs and EHLO."""
        return _in_ascii(self.settings.mail.from_).rpartition("@")[2]

    @property
    def last_tick(self) -> datetime | None:
        """When a worker last looked at what is due."""
        ticked = self.store.sources.cursor(TICKED)
        return datetime.fromisoformat(ticked) if ticked else None

    @property
    def inbound_policy(self) -> inbound.Policy:
        """How incoming mail is treated."""
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
            at=given.at,
            tz=given.tz,
            cadence=given.cadence,
            limit=given.limit,
            quiet=given.quiet,
            floor=subscriptions.floor_name(given.floor),
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
        """A source by its name in the settings, or a built-in one; raises NotFound.

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
