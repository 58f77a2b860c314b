"""By which name we ask, and whom those we ask can write to."""

from __future__ import annotations

import re
from collections.abc import Iterable

import httpx

from digest.errors import ConfigError, FetchRefused
from digest.fetching.address import check_url

_PAGE_OR_ADDRESS = re.compile(r"https?://[^\s<>\"]+|[^\s<>\"@(),;:]+@[^\s<>\"@(),;:]+")


def user_agent(product: str, contacts: Iterable[str]) -> str:
    """`product (+contact)`, with the first web page or address that any of these texts holds.

    Plain ASCII (RFC 9110 §10.1.5): domains are written as IDNA has them. Raises ConfigError where no
    text holds one.
    """
    for text in contacts:
        for found in _PAGE_OR_ADDRESS.findall(text):
            contact = _ascii(found.rstrip(".,;)"))
            if contact and contact.isascii() and contact.isprintable():
                return f"{product} (+{contact})"
    raise ConfigError(
        "[site] contact must hold an address or a web page, such as ada@example.org: sites we "
        "fetch from want to know whom to write to.",
        subject="site.contact",
    )


def _ascii(contact: str) -> str:
    """With its domain in ASCII; empty where that cannot be."""
    try:
        if "://" in contact:
            return check_url(contact).replace("(", "%28").replace(")", "%29")
        local, _, domain = contact.partition("@")
        return f"{local}@{httpx.URL(f'https://{domain}').raw_host.decode()}"
    except (FetchRefused, httpx.InvalidURL, ValueError):
        return ""
