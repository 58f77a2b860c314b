"""The addresses that mails, feeds and pages print; the web app answers them.

Links need a served site, and addresses to write to a domain whose mail comes in: without, the
functions here return "" and what they are for is left out. A message costs one MAC a scope, however many links it has.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from digest import text, tokens
from digest.model import Site, Subscriber

DIGEST = "digest"
UNSUBSCRIBE = "unsubscribe"
CONFIRM = "confirm"
FEED = "feed"
PREFERENCES = "preferences"
ACCOUNT = "account"
ADDRESS_OLD = "address-old"
ADDRESS_NEW = "address-new"

# Scopes of tags in mail addresses (`tokens.make_tag`).
REPLY = "reply"
BOUNCE = "bounce"

LONGEST = 1_000

_NOT_IN_A_URL = re.compile(r"[^\x21-\x7e]|[\"<>\\^`{|}]")


class Personal(NamedTuple):
    """The signed addresses in one digest, for body and header; a tuple, as each message has one."""

    digest: str
    feed: str
    unsubscribe: str
    unsubscribe_mailto: str
    preferences: str
    reply_to: str
    bounces_to: str


def personal(site: Site, subscriber: Subscriber, edition: str) -> Personal:
    """All that a digest links to on behalf of its reader."""
    subject = edition.replace("-", "")
    leaving = tokens.make(subscriber.key, UNSUBSCRIBE, subscriber.id)
    return Personal(
        digest=digest(site, subscriber, edition),
        feed=personal_feed(site, subscriber),
        unsubscribe=site.url and f"{site.url}/u/{leaving}",
        unsubscribe_mailto=_leaving_by_mail(site, leaving),
        preferences=preferences(site, subscriber, edition),
        reply_to=reply_to(site, subscriber, subject),
        bounces_to=bounces_to(site, subscriber, subject),
    )


def digest(site: Site, subscriber: Subscriber, edition: str) -> str:
    """One edition in full, in the browser; `/3/more` after it (less, save, known) answers its third."""
    return _signed(site, "d", subscriber, DIGEST, edition)


def unsubscribe(site: Site, subscriber: Subscriber) -> str:
    """Where a person, or a mail client for them (RFC 8058), ends the subscription."""
    return _signed(site, "u", subscriber, UNSUBSCRIBE)


def confirm(site: Site, subscriber: Subscriber, on: str = "", mark: str = "") -> str:
    """Where a new subscriber says that the address is theirs; `on` is the day of the letter.

    `mark` says which letter, where one asks for more than what its reader had.
    """
    return _signed(site, "c", subscriber, CONFIRM, f"{on}_{mark}" if mark else on)


def preferences(site: Site, subscriber: Subscriber, on: str) -> str:
    """All that a reader can see and change; `on` is the day (ISO) of the mail that carries it."""
    return _signed(site, "me", subscriber, PREFERENCES, on)


def account(site: Site, subscriber: Subscriber, at: int) -> str:
    """What only the owner of the mailbox may do: export, change of address, erasure.

    `at` is the minute it was asked for, in minutes since 1970; the web app lets it live an hour.
    """
    return _signed(site, "account", subscriber, ACCOUNT, str(at))


def address(site: Site, subscriber: Subscriber, scope: str, subject: str) -> str:
    """Where the old (ADDRESS_OLD) or the new (ADDRESS_NEW) address agrees to a change."""
    return _signed(site, "a", subscriber, scope, subject)


def personal_feed(site: Site, subscriber: Subscriber) -> str:
    """The subscriber's own picks as Atom; whoever has the address can read it."""
    url = _signed(site, "feeds/mine", subscriber, FEED)
    return url and f"{url}.atom"


def feed_token(subscriber: Subscriber) -> str:
    """What the address of a subscriber's own feed ends in, before its form."""
    return tokens.make(subscriber.key, FEED, subscriber.id)


def unsubscribe_mailto(site: Site, subscriber: Subscriber) -> str:
    """The mailto: form of the same, with the token in its subject; "" without a mailbox for it."""
    return _leaving_by_mail(site, tokens.make(subscriber.key, UNSUBSCRIBE, subscriber.id))


def reply_to(site: Site, subscriber: Subscriber, subject: str) -> str:
    """Where a reader answers by mail; `subject` is an edition without hyphens, or `letter`.

    That may be followed by a hyphen and what `confirm` calls its mark.
    """
    return _tagged(site, subscriber, REPLY, subject)


def bounces_to(site: Site, subscriber: Subscriber, subject: str) -> str:
    """The envelope sender that tells whose mail came back (VERP), with the same subjects."""
    return _tagged(site, subscriber, BOUNCE, subject)


def home(site: Site) -> str:
    """The front page."""
    return site.url and f"{site.url}/"


def help_address(site: Site) -> str:
    """Where a reader can ask: the contact if it is an address or a web page, else the front page."""
    return _contact(site.contact.strip()) or home(site)


@lru_cache(maxsize=16)
def _contact(contact: str) -> str:
    if re.fullmatch(r"[^\s<>@,]+@[^\s<>@,]+", contact):
        return f"mailto:{quote(contact, safe='@+')}"
    return safe(contact)


def paper(site: Site, paper_id: str) -> str:
    """One paper's page, with the papers most like it."""
    return site.url and f"{site.url}/papers/{quote(paper_id, safe=':/')}"


def slug(topic_id: str) -> str:
    """A topic id as it stands in addresses and file names."""
    return text.slug(topic_id)


@lru_cache(maxsize=1024)
def safe(url: str) -> str:
    """An outside link as we are willing to print it, or "" for what is not plain http(s).

    Characters that no URL may hold (RFC 3986 §2) are percent-encoded rather than refused.
    """
    url = url.strip()
    if not url.lower().startswith(("http://", "https://")) or len(url) > LONGEST:
        return ""
    url = _NOT_IN_A_URL.sub(lambda bad: quote(bad[0], errors="replace"), url)
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return ""
    return url if host else ""


def _leaving_by_mail(site: Site, token: str) -> str:
    mailbox = site.unsubscribe_to
    if not mailbox and site.inbound_domain:
        mailbox = f"{UNSUBSCRIBE}@{site.inbound_domain}"
    if not mailbox:
        return ""
    return f"mailto:{quote(mailbox, safe='@+')}?subject=unsubscribe%20{token}"


def _tagged(site: Site, subscriber: Subscriber, scope: str, subject: str) -> str:
    if not site.inbound_domain:
        return ""
    tag = tokens.make_tag(subscriber.key, scope, subscriber.id, subject)
    return f"{scope}+{tag}@{site.inbound_domain}"


def _signed(site: Site, path: str, subscriber: Subscriber, scope: str, subject: str = "") -> str:
    if not site.url:
        return ""
    return f"{site.url}/{path}/{tokens.make(subscriber.key, scope, subscriber.id, subject)}"
