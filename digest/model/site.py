"""Who publishes."""

from __future__ import annotations

from dataclasses import dataclass

from digest.model.base import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Site(Value):
    """Who publishes: the names and addresses that stand in mails, feeds and pages.

    `url` has no trailing slash and is empty when nothing is served on the web: links that need
    the service are then left out. `mail_from` is the bare From address, `list_id` a domain-like
    name (RFC 2919), `unsubscribe_to` the mailbox for mailto: unsubscribing (empty: none),
    `bounce_to` the envelope sender (empty: `mail_from`), `imprint` a line for the footer,
    `language` that of the papers. `inbound_domain` is where mail to us comes in, bounces and
    unsubscribing too (empty: nowhere).
    """

    name: str = "Digest"
    url: str = ""
    mail_from: str = "digest@localhost"
    list_id: str = "digest.localhost"
    unsubscribe_to: str = ""
    bounce_to: str = ""
    imprint: str = ""
    contact: str = ""
    language: str = "en"
    inbound_domain: str = ""
