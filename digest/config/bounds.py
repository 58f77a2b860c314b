"""What settings may be: values of the right type that could only do harm are refused by name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from digest.config.settings import Settings
from digest.errors import ConfigError
from digest.model import Topic
from digest.text import fold

ADDRESS = re.compile(r"[^\s<>@\",;:]+@[^\s<>@\",;:]+")
WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'\\^`{|}?#]+")
DOMAIN = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
CENTURY = 36_500
"""Days. With many more, what is so long ago is before the year 1, which no clock knows."""
YEAR, DAY = 525_600, 86_400
"""The one in minutes, the other in seconds."""

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
    "fetch.interval": YEAR,
    "subscriber.floor": 1,
    "experiments.share": 1,
    "feeds.days": CENTURY,
    "worker.tick": DAY,
    "worker.nightly_hour": 23,
    "keep.papers": CENTURY,
    "keep.digests": CENTURY,
    "keep.logs": CENTURY,
    "web.port": 65535,
    "inbound.evidence_days": CENTURY,
    "inbound.soft_days": CENTURY,
}


def check(settings: Settings) -> None:
    """Refuse values of the right type that could only do harm; raises ConfigError."""
    for bounds, sign, words in ((LEAST, 1, "at least"), (MOST, -1, "at most")):
        for key, bound in bounds.items():
            section, name = key.split(".")
            value = getattr(getattr(settings, section), name)
            if sign * value < sign * bound:
                raise ConfigError(
                    f"[{section}] {name} must be {words} {bound}, not {value}.", subject=key
                )
    for name in ("from_", "bounce_to", "unsubscribe_to"):
        address, key = getattr(settings.mail, name), name.rstrip("_")
        if (address or name == "from_") and not ADDRESS.fullmatch(address):
            raise ConfigError(
                f"[mail] {key} must be a bare address, such as digest@example.org.",
                subject=f"mail.{key}",
            )
    url = settings.site.url
    if url and not WEB_ADDRESS.fullmatch(url):
        raise ConfigError(
            "[site] url must be a web address, such as https://digest.example.org.",
            subject="site.url",
        )
    if settings.inbound.domain and not DOMAIN.fullmatch(settings.inbound.domain):
        raise ConfigError(
            "[inbound] domain must be a bare domain, such as papers.example.org.",
            subject="inbound.domain",
        )
    _check_proxies(settings.web.proxies)
    _check_topics(settings.topics)


def _check_topics(topics: Mapping[str, Topic]) -> None:
    """Refuse names that are taken, and topics that can take in no paper."""
    for reserved in ("trending", "picks", "mine"):
        if reserved in topics:
            raise ConfigError(
                f"[topics.{reserved}] must have another name: Digest has a feed of that name.",
                subject=f"topics.{reserved}",
            )
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
