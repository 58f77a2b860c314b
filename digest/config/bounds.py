"""What settings may be: values of the right type that could only do harm are refused by name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from reprlib import repr as shortened
from urllib.parse import urlsplit

from digest.config.settings import Settings, SiteSettings, SubscriberSettings, WebSettings
from digest.editions import parse_at, parse_cadence, validate_tz
from digest.errors import ConfigError, InvalidInput
from digest.model import Quiet, Topic
from digest.text import fold, slug

ADDRESS = re.compile(r"[^\s<>@\",;:]+@[^\s<>@\",;:]+")
WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'\\^`{|}?#]+")
DOMAIN = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
CENTURY = 36_500
"""Days. With many more, what is so long ago is before the year 1, which no clock knows."""
YEAR, HOUR = 525_600, 3_600
"""The first in minutes, the other in seconds."""
COUNT = 1_000_000_000
HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
NO_PLACE = "must not hold control characters, such as a line break."
IN_ASCII = "If it is the host, write it as xn--…, as in the DNS."
LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
"""As xml:lang takes it (XML Schema part 2 §3.3.3)."""

PLACES = (
    "smtp.url",
    "smtp.maillog",
    "ranking.embedder",
    "worker.publish",
    "keep.backups",
    "web.host",
    "inbound.lmtp",
    "inbound.imap",
    "inbound.imap_folder",
)
CONTROL = re.compile(r"[\0-\x1f\x7f]")
"""What no path or host holds on purpose; no system call takes a NUL."""

SHORTEST_SECRET = 16
FEEDS = ("trending", "trending-day", "trending-week", "trending-month", "picks", "mine")
"""What the addresses of feeds have taken besides topics."""

LEAST: Mapping[str, float] = {
    "smtp.timeout": 1,
    "smtp.per_connection": 1,
    "smtp.block": 1,
    "smtp.connections": 1,
    "smtp.processes": 1,
    "smtp.per_second": 0,
    "smtp.per_hour": 0,
    "smtp.per_day": 0,
    "fetch.timeout": 1,
    "fetch.max_wire_mb": 0.1,
    "fetch.max_body_mb": 0.1,
    "fetch.interval": 1,
    "subscriber.limit": 1,
    "subscriber.floor": 0,
    "ranking.trending": 0,
    "ranking.cap": 1,
    "ranking.block": 1,
    "ranking.processes": 1,
    "ranking.explore": 0,
    "experiments.share": 0,
    "feeds.days": 1,
    "feeds.limit": 1,
    "worker.tick": 1,
    "worker.nightly_hour": 0,
    "keep.papers": 30,
    "keep.digests": 30,
    "keep.logs": 1,
    "keep.backup_count": 1,
    "web.port": 0,
    "web.signups": 1,
    "web.letters": 1,
    "web.requests": 1,
    "inbound.evidence_days": 1,
    "inbound.soft_bounces": 1,
    "inbound.soft_days": 1,
    "community.submissions_a_day": 0,
}
MOST: Mapping[str, float] = {
    "smtp.timeout": HOUR,
    "smtp.per_connection": COUNT,
    "smtp.block": 100_000,
    "smtp.connections": 1_000,
    "smtp.processes": 1_000,
    "smtp.per_second": COUNT,
    "smtp.per_hour": COUNT,
    "smtp.per_day": COUNT,
    "fetch.timeout": HOUR,
    "fetch.max_wire_mb": 1_000,
    "fetch.max_body_mb": 1_000,
    "fetch.interval": YEAR,
    "subscriber.limit": 50,
    "subscriber.floor": 1,
    "ranking.trending": 100,
    "ranking.cap": 100_000,
    "ranking.block": 100_000,
    "ranking.processes": 1_000,
    "ranking.explore": 1,
    "experiments.share": 1,
    "feeds.days": CENTURY,
    "feeds.limit": 10_000,
    "worker.tick": 6 * HOUR,  # a clock that goes on by a day is one that leapt (`pipeline.clocks`)
    "worker.nightly_hour": 23,
    "keep.papers": CENTURY,
    "keep.digests": CENTURY,
    "keep.logs": CENTURY,
    "keep.backup_count": CENTURY,
    "web.port": 65535,
    "web.signups": COUNT,
    "web.letters": COUNT,
    "web.requests": COUNT,
    "inbound.evidence_days": CENTURY,
    "inbound.soft_bounces": COUNT,
    "inbound.soft_days": CENTURY,
    "community.submissions_a_day": COUNT,
}


def check(settings: Settings) -> None:
    """Refuse values of the right type that could only do harm; raises ConfigError."""
    if CONTROL.search(settings.db):
        raise ConfigError(f"db {NO_PLACE}", subject="db")
    for key, words in _wrong(settings):
        section, name = key.split(".")
        raise ConfigError(f"[{section}] {name} {words}", subject=key)
    _check_proxies(settings.web.proxies)
    _check_topics(settings.topics)


def _wrong(settings: Settings) -> Iterator[tuple[str, str]]:
    """The keys whose values are wrong, each with what is to be said of it."""
    yield from _numbers(settings)
    for place in PLACES:
        section, name = place.split(".")
        if CONTROL.search(getattr(getattr(settings, section), name)):
            yield place, NO_PLACE
    for name in ("from_", "bounce_to", "unsubscribe_to"):
        address, key = getattr(settings.mail, name), name.rstrip("_")
        if (address or name == "from_") and not ADDRESS.fullmatch(address):
            yield f"mail.{key}", "must be a bare address, such as digest@example.org."
    yield from _site(settings.site)
    hub, domain = settings.feeds.hub, settings.inbound.domain
    if hub and not (hub.isascii() and _is_web_address(hub.replace("?", "/"))):
        yield "feeds.hub", "must be a web address in ASCII, such as https://hub.example.org/."
    if domain and not DOMAIN.fullmatch(domain):
        yield "inbound.domain", "must be a bare domain, such as papers.example.org."
    yield from _web(settings.web)
    yield from _newcomer(settings.subscriber)


def _numbers(settings: Settings) -> Iterator[tuple[str, str]]:
    for bounds, sign, words in ((LEAST, 1, "at least"), (MOST, -1, "at most")):
        for key, bound in bounds.items():
            section, name = key.split(".")
            value = getattr(getattr(settings, section), name)
            if sign * value < sign * bound:
                yield key, f"must be {words} {bound}, not {shortened(value)}."


def _site(given: SiteSettings) -> Iterator[tuple[str, str]]:
    if not given.name.strip():
        yield "site.name", "must not be empty: it is the title of pages, feeds and mails."
    if not given.url.isascii():
        yield "site.url", f"is not in ASCII: browsers ask by another name. {IN_ASCII}"
    if given.url and not _is_web_address(given.url):
        yield (
            "site.url",
            "must be a web address, such as https://digest.example.org, without a password.",
        )
    if not LANGUAGE.fullmatch(given.language):
        yield (
            "site.language",
            f"must be a language tag, such as en or pt-BR, not {given.language!r}.",
        )


def _web(given: WebSettings) -> Iterator[tuple[str, str]]:
    if not given.host.strip():
        yield "web.host", "must not be empty; 0.0.0.0 listens everywhere."
    if "/" in given.host:
        yield "web.host", "must be a bare name or address, such as 127.0.0.1."
    for each in given.hosts:
        if not HOST.fullmatch(each.strip()):
            hint = "" if each.isascii() else f" {IN_ASCII}"
            yield "web.hosts", f"are bare names, such as digest.example.org, not {each!r}.{hint}"
    if given.operator and len(given.operator.strip()) < SHORTEST_SECRET:
        yield "web.operator", f"must have at least {SHORTEST_SECRET} characters."


def _newcomer(given: SubscriberSettings) -> Iterator[tuple[str, str]]:
    """Wishes as readers may write them, too: what is refused here would be at every sign-up."""
    reads: tuple[tuple[str, Callable[[str], object], str], ...] = (
        ("at", parse_at, given.at),
        ("tz", validate_tz, given.tz),
        ("cadence", parse_cadence, given.cadence),
    )
    for name, read, text in reads:
        try:
            read(text)
        except InvalidInput as error:
            yield f"subscriber.{name}", f"is wrong: {error.message}"
    if given.quiet not in tuple(Quiet):
        yield "subscriber.quiet", f"must be 'line' or 'nothing', not {given.quiet!r}."


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:  # brackets that do not close, or a port that is none
        return False
    return is_whole and url.isprintable() and WEB_ADDRESS.fullmatch(url) is not None


def _check_topics(topics: Mapping[str, Topic]) -> None:
    """Refuse topics that can take in no paper, and those whose feed would have another's address."""
    taken = dict.fromkeys(FEEDS, "a feed of that name")
    # No paper of today has `math` for a category, so `Math` beside it takes nothing away.
    parents = {each.partition(".")[0] for each in topics if "." in each}
    archives = {
        each
        for each in parents & {*topics}
        if topics[each].categories == (each,) and not topics[each].phrases
    }
    for topic in topics.values():
        address = slug(topic.id)
        if topic.id in archives:
            continue
        other = f"a topic {address!r}" if address in archives else taken.get(address.casefold())
        if other:
            raise ConfigError(
                f"[topics.{topic.id}] must have another id: Digest has {other}, and the two would "
                "share one address; its `name` may stay.",
                subject=f"topics.{topic.id}",
            )
        taken[address.casefold()] = f"a topic {topic.id!r}"
    for topic in topics.values():
        # A phrase of marks alone is in no text.
        if not any(map(str.strip, topic.categories)) and not any(map(fold, topic.phrases)):
            raise ConfigError(
                f"[topics.{topic.id}] takes in no paper: give it categories or phrases; keywords "
                "only raise the rank of what is in it.",
                subject=f"topics.{topic.id}",
            )


def _check_proxies(proxies: tuple[str, ...]) -> None:
    """Refuse what uvicorn would take for a name, by which it knows nobody."""
    for each in () if proxies == ("*",) else proxies:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            raise ConfigError(
                "[web] proxies are addresses or networks, such as 192.0.2.7 or 10.0.0.0/8, "
                f"not {each!r}; a network has no bits behind its mask, and `*` stands alone.",
                subject="web.proxies",
            ) from None
