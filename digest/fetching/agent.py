"""The User-Agent: our name, and a contact for the operators of the servers we ask."""

from __future__ import annotations

import re
from collections.abc import Iterable

import httpx

from digest.errors import ConfigError, FetchRefused
from digest.fetching.address import check_url

_PAGE_OR_ADDRESS = re.compile(r"https?://[^\s<>\"]+|[^\s<>\"@(),;:]+@[^\s<>\"@(),;:]+")


def user_agent(product: str, contacts: Iterable[str]) -> str:
    """`product (+contact)`, with the first web page or mail address in any of these texts.

    Plain ASCII (RFC 9110 §10.1.5), with domains in IDNA. Raises ConfigError where there is none.
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
    """The contact with its domain in ASCII; empty if that is impossible."""
    try:
        if "://" in contact:
            return check_url(contact).replace("(", "%28").replace(")", "%29")
        local, _, domain = contact.partition("@")
        return f"{local}@{httpx.URL(f'https://{domain}').raw_host.decode()}"
    except (FetchRefused, httpx.InvalidURL, ValueError):
        return ""
