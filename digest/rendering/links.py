"""The addresses in mails, feeds and pages.

Links need `site.url`, and mail addresses need `site.inbound_domain`. Without it the functions here
return "", and templates leave the link out. A token is signed once for each scope in a message.
"""

from __future__ import annotations

import re
from datetime import timedelta
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

# How long links work: pages check it, and letters say it.
CONFIRM_LASTS = timedelta(days=14)
PREFERENCES_LAST = timedelta(days=90)
ACCOUNT_LASTS = timedelta(hours=1)

# Scopes of tags in mail addresses (`tokens.make_tag`).
REPLY = "reply"
BOUNCE = "bounce"

LONGEST = 1_000

_NOT_IN_A_URL = re.compile(r"[^\x21-\x7e]|[\"<>\\^`{|}]")


class Personal(NamedTuple):
    """The signed addresses in one digest; a tuple because one is made for each message."""

    digest: str
    feed: str
    unsubscribe: str
    unsubscribe_mailto: str
    preferences: str
    reply_to: str
    bounces_to: str


def personal(site: Site, subscriber: Subscriber, edition: str) -> Personal:
    """All signed addresses that a digest needs."""
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
    """The digest's web page; with `/3/more` (or less, save, known) added, an answer to pick 3."""
    return _signed(site, "d", subscriber, DIGEST, edition)


def unsubscribe(site: Site, subscriber: Subscriber) -> str:
    """Ends the subscription; a mail client may post to it (RFC 8058)."""
    return _signed(site, "u", subscriber, UNSUBSCRIBE)


def confirm(site: Site, subscriber: Subscriber, on: str = "", mark: str = "") -> str:
    """Confirms a subscription; `on` is the day of the letter.

    `mark` names the letter, if it asks somebody to confirm changes to an earlier subscription.
    """
    return _signed(site, "c", subscriber, CONFIRM, f"{on}_{mark}" if mark else on)


def preferences(site: Site, subscriber: Subscriber, on: str) -> str:
    """The preferences page; `on` is the day (ISO) of the mail that has the link."""
    return _signed(site, "me", subscriber, PREFERENCES, on)


def account(site: Site, subscriber: Subscriber, at: int) -> str:
    """The account page: export, change of address, erasure.

    `at` is when it was asked for, in minutes since 1970; the link works for an hour.
    """
    return _signed(site, "account", subscriber, ACCOUNT, str(at))


def address(site: Site, subscriber: Subscriber, scope: str, subject: str) -> str:
    """Where the old (ADDRESS_OLD) or new (ADDRESS_NEW) address confirms a change of address."""
    return _signed(site, "a", subscriber, scope, subject)


def personal_feed(site: Site, subscriber: Subscriber) -> str:
    """The subscriber's own picks as Atom; anybody who has the address can read it."""
    return site.url and f"{site.url}/feeds/mine/{feed_token(subscriber)}.atom"


def feed_token(subscriber: Subscriber) -> str:
    """The token in the address of a subscriber's own feed."""
    return tokens.make(subscriber.key, FEED, subscriber.id)


def unsubscribe_mailto(site: Site, subscriber: Subscriber) -> str:
    """Unsubscribing by mail: a mailto: address with the token in its subject."""
    return _leaving_by_mail(site, tokens.make(subscriber.key, UNSUBSCRIBE, subscriber.id))


def reply_to(site: Site, subscriber: Subscriber, subject: str) -> str:
    """Where replies go; `subject` is an edition without hyphens, `letter`, or `letter-<mark>`."""
    return _tagged(site, subscriber, REPLY, subject)


def bounces_to(site: Site, subscriber: Subscriber, subject: str) -> str:
    """The envelope sender that names whose mail bounced (VERP); `subject` as in `reply_to`."""
    return _tagged(site, subscriber, BOUNCE, subject)


def home(site: Site) -> str:
    """The front page."""
    return site.url and f"{site.url}/"


def help_address(site: Site) -> str:
    """The contact, if it is a mail or web address; else the front page."""
    return _contact(site.contact.strip()) or home(site)


@lru_cache(maxsize=16)
def _contact(contact: str) -> str:
    if re.fullmatch(r"[^\s<>@,]+@[^\s<>@,]+", contact):
        return f"mailto:{quote(contact, safe='@+')}"
    return safe(contact)


def paper(site: Site, paper_id: str) -> str:
    """A paper's page."""
    return site.url and f"{site.url}/papers/{quote(paper_id, safe=':/')}"


def slug(topic_id: str) -> str:
    """A topic id as in addresses and file names."""
    return text.slug(topic_id)


@lru_cache(maxsize=1024)
def safe(url: str) -> str:
    """An outside link that is safe to print, or "" if it is not http(s) or too long.

    Characters that RFC 3986 §2 forbids in a URL are percent-encoded.
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
