"""Checks of the settings' values: those of the right type that can only do harm are refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from reprlib import repr as shortened
from typing import Any
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
"""Days; subtracting many more from today would lead before the year 1."""
YEAR = 525_600
"""Minutes."""
HOUR = 3_600
"""Seconds."""
COUNT = 1_000_000_000
HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
NO_CONTROLS = "must not hold control characters, such as a line break."
IN_ASCII = "If it is the host, write it as xn--…, as in the DNS."
LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
"""The form of xml:lang (XML Schema part 2 §3.3.3)."""

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

SHORTEST_SECRET = 16
FEEDS = ("trending", "trending-day", "trending-week", "trending-month", "picks", "mine")
"""The names of feeds that are not topics'."""

OFFERED = ("cap", "explore", "trending")
"""The numbers of `[ranking]` that a ranker gets."""

RANGES: Mapping[str, tuple[float, float]] = {
    "smtp.timeout": (1, HOUR),
    "smtp.per_connection": (1, COUNT),
    "smtp.block": (1, 100_000),
    "smtp.connections": (1, 1_000),
    "smtp.processes": (1, 1_000),
    "smtp.per_second": (0, COUNT),
    "smtp.per_hour": (0, COUNT),
    "smtp.per_day": (0, COUNT),
    "fetch.timeout": (1, HOUR),
    "fetch.max_wire_mb": (0.1, 1_000),
    "fetch.max_body_mb": (0.1, 1_000),
    "fetch.interval": (30, YEAR),  # fetching spares servers any shorter wait
    "subscriber.limit": (1, 50),
    "subscriber.floor": (0, 1),
    "ranking.trending": (0, 100),
    "ranking.cap": (1, 100_000),
    "ranking.block": (1, 100_000),
    "ranking.processes": (1, 1_000),
    "ranking.explore": (0, 1),
    "experiments.share": (0, 1),
    "feeds.days": (1, CENTURY),
    "feeds.limit": (1, 10_000),
    "worker.tick": (1, 6 * HOUR),  # more is taken for a clock that was set (`pipeline.clocks`)
    "worker.nightly_hour": (0, 23),
    "keep.papers": (30, CENTURY),
    "keep.digests": (30, CENTURY),
    "keep.logs": (1, CENTURY),
    "keep.backup_count": (1, CENTURY),
    "web.port": (0, 65535),
    "web.signups": (1, COUNT),
    "web.letters": (1, COUNT),
    "web.requests": (1, COUNT),
    "inbound.evidence_days": (1, CENTURY),
    "inbound.soft_bounces": (1, COUNT),
    "inbound.soft_days": (1, CENTURY),
    "community.submissions_a_day": (0, COUNT),
}
"""The least and the most that each number may be."""


def check(settings: Settings) -> None:
    """Refuse values of the right type that could only do harm; raises ConfigError."""
    if CONTROL.search(settings.db):
        raise ConfigError(f"db {NO_CONTROLS}", subject="db")
    for key, words in _wrong(settings):
        section, name = key.split(".")
        raise ConfigError(f"[{section}] {name} {words}", subject=key)
    _check_proxies(settings.web.proxies)
    _check_topics(settings.topics)


def _wrong(settings: Settings) -> Iterator[tuple[str, str]]:
    """The keys whose values are wrong, each with the end of a sentence that says what is."""
    for key, (least, most) in RANGES.items():
        value = _value(settings, key)
        if value < least:
            yield key, f"must be at least {least}, not {shortened(value)}."
        if value > most:
            yield key, f"must be at most {most}, not {shortened(value)}."
    yield from _options(settings)
    for key in PLACES:
        if CONTROL.search(_value(settings, key)):
            yield key, NO_CONTROLS
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


def _value(settings: Settings, key: str) -> Any:
    section, name = key.split(".")
    return getattr(getattr(settings, section), name)


def _options(settings: Settings) -> Iterator[tuple[str, str]]:
    """What the second ranker gets in place of a number of `[ranking]` is bound as that is."""
    given = settings.experiments
    for name in OFFERED:
        if not given.against or name not in given.options:
            continue
        value = given.options[name]
        least, most = RANGES[f"ranking.{name}"]
        is_float = isinstance(_value(settings, f"ranking.{name}"), float)
        kinds = (float, int) if is_float else int
        if isinstance(value, bool) or not (isinstance(value, kinds) and least <= value <= most):
            kind = "a number" if is_float else "a whole number"
            said = f"must be {kind} from {least} to {most}, not {shortened(value)}."
            yield "experiments.options", f"{name} {said}"


def _site(given: SiteSettings) -> Iterator[tuple[str, str]]:
    if not given.name.strip():
        yield "site.name", "must not be empty: it is the title of pages, feeds and mails."
    if not given.url.isascii():
        yield "site.url", f"must be in ASCII. {IN_ASCII}"
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
            yield (
                "web.hosts",
                f"must be bare names, such as digest.example.org, not {each!r}.{hint}",
            )
    if given.operator and len(given.operator.strip()) < SHORTEST_SECRET:
        yield "web.operator", f"must have at least {SHORTEST_SECRET} characters."


def _newcomer(given: SubscriberSettings) -> Iterator[tuple[str, str]]:
    """The defaults of a new subscriber, in the forms that subscribers may write as well."""
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
    except ValueError:  # unclosed brackets, or an impossible port
        return False
    return is_whole and url.isprintable() and WEB_ADDRESS.fullmatch(url) is not None


def _check_topics(topics: Mapping[str, Topic]) -> None:
    """Refuse topics that no paper can be in, and those whose feed would have another's address."""
    taken = dict.fromkeys(FEEDS, "a feed of that name")
    # `math` is an archive but no paper's category today, so a topic `Math` may stand beside it.
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
                f"[topics.{topic.id}] must have another id: there is {other} already, and their "
                "feeds would have one address; its `name` may stay.",
                subject=f"topics.{topic.id}",
            )
        taken[address.casefold()] = f"a topic {topic.id!r}"
    for topic in topics.values():
        # A phrase of punctuation alone folds to nothing.
        if not any(map(str.strip, topic.categories)) and not any(map(fold, topic.phrases)):
            raise ConfigError(
                f"[topics.{topic.id}] has no papers: give it categories or phrases, as keywords "
                "only change the order of its papers.",
                subject=f"topics.{topic.id}",
            )


def _check_proxies(proxies: tuple[str, ...]) -> None:
    """Refuse what is no address, since uvicorn would silently trust nobody by it."""
    for each in () if proxies == ("*",) else proxies:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            raise ConfigError(
                "[web] proxies must be addresses or networks, such as 192.0.2.7 or 10.0.0.0/8, "
                f"or `*` alone, not {each!r}; a network's host bits must be zero.",
                subject="web.proxies",
            ) from None
