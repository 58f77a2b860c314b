"""Find out who wrote a mail, as far as the mail proves it.

A proof is a tag in the address it was sent to, or else the From address if our own mail server
vouches for it. A token in the text proves who may be unsubscribed. Tags and tokens name their
subscriber and carry our MAC; with one of them From does not count, and the answer goes to the
subscriber's own address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from digest import subscriptions, tokens
from digest.errors import InvalidInput
from digest.inbound import results
from digest.inbound.headers import domain_of
from digest.inbound.values import Incoming, Policy
from digest.model import Subscriber
from digest.model.base import Value
from digest.ports import Store
from digest.rendering import links

LETTER = "letter"
MOST_TAGS = 20
MOST_TOKENS = 5

_TOKEN = re.compile(
    r"(?<![\w.-])s_[0-9a-f]{4,40}\.[\w-]{0,40}\.[A-Za-z0-9_-]{22}(?![\w-])", re.ASCII
)
_EDITION = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof(Value):
    """Who wrote: `subscriber` is None if the proven address has no subscription.

    Only `address` may be answered. `edition` is the ISO date of the digest that a tag belongs to,
    or "letter" for a letter; `mark` says which letter, where it asks to agree to something.
    """

    address: str
    subscriber: Subscriber | None = None
    edition: str = ""
    mark: str = ""


def prove(store: Store, mail: Incoming, recipients: Sequence[str], policy: Policy) -> Proof | None:
    """Return who wrote this mail to these addresses of ours; None if nothing proves it."""
    tagged = by_tag(store, recipients, scope=links.REPLY, policy=policy)
    if tagged is not None:
        person, subject = tagged
        return Proof(
            address=person.email,
            subscriber=person,
            edition=edition_of(subject),
            mark=subject.partition("-")[2],
        )
    if not results.proves(
        mail.all("authentication-results"), authserv_id=policy.authserv_id, sender=mail.sender
    ):
        return None
    try:
        address = subscriptions.normal_address(mail.sender)
    except InvalidInput:
        return None
    return Proof(address=address, subscriber=store.subscribers.by_email(address))


def by_unsubscribe_token(store: Store, mail: Incoming) -> Subscriber | None:
    """Return who may be unsubscribed by a token in the subject or the first typed lines."""
    typed = " ".join((mail.subject, *mail.lines[:MOST_TOKENS])).replace("%20", " ")
    for named in _named(_TOKEN.findall(typed)[:MOST_TOKENS]):
        person = subscriptions.by_id(store, named.subscriber_id)
        if person is not None and tokens.holds(named, person.key, links.UNSUBSCRIBE):
            return person
    return None


def without_tokens(text: str) -> str:
    """Return a text without the tokens in it."""
    return _TOKEN.sub(" ", text.replace("%20", " "))


def by_tag(
    store: Store, recipients: Iterable[str], *, scope: str, policy: Policy
) -> tuple[Subscriber, str] | None:
    """Return the subscriber that a tag of this scope names, and the tag's subject."""
    for named in _tags(recipients, scope, policy):
        person = subscriptions.by_id(store, named.subscriber_id)
        if person is not None and tokens.holds_tag(named, person.key, scope):
            return person, named.subject
    return None


def edition_of(subject: str) -> str:
    """Return a tag's subject as an edition: `20260610` is 2026-06-10, all else "letter"."""
    found = _EDITION.fullmatch(subject)
    return "-".join(found.groups()) if found else LETTER


def _tags(recipients: Iterable[str], scope: str, policy: Policy) -> Iterator[tokens.Named]:
    found = []
    for each in recipients:
        local, _, _ = each.lower().rpartition("@")
        base, _, detail = local.partition("+")
        if base == scope and detail and domain_of(each) == policy.domain.lower():
            found.append(detail)
    return _named(found[:MOST_TAGS])


def _named(texts: Iterable[str]) -> Iterator[tokens.Named]:
    return (named for each in texts if (named := tokens.read(each)) is not None)
