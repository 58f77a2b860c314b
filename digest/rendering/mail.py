"""One subscriber's digest as a finished message.

`compile_mail` prepares the templates once, an `Edition` renders each paper once for all readers,
and `message` joins these bytes with the reader's own signed links.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from digest.model import Digest, Message, Site, Subscriber
from digest.rendering import bodies, links, mime
from digest.rendering.compiled import Edition, MailTemplates, compile_mail

__all__ = ["Edition", "MailTemplates", "Parts", "compile_mail", "message", "parts"]

_NOT_IN_A_LIST_ID = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a reader sees of a mail, for previews."""

    subject: str
    html: str
    text: str


def message(
    edition: Edition, digest: Digest, subscriber: Subscriber, *, message_id: str, at: datetime
) -> Message:
    """A digest as a finished message; the same arguments give the same bytes.

    Raises InvalidInput when the subscriber's address cannot be written in a header, ConfigError
    when the site's cannot.
    """
    site = edition.templates.site
    personal = links.personal(site, subscriber, digest.edition)
    body = bodies.compose(edition, digest, subscriber, personal)
    headers = _headers(site, digest, subscriber, personal, body.subject)
    headers += [mime.date(at), mime.verbatim("Message-ID", message_id)]
    written = mime.alternative(headers, text=body.text, html=body.html, key=digest.edition)
    return Message(
        digest_id=digest.id,
        sender=personal.bounces_to or site.bounce_to or site.mail_from,
        recipient=mime.mail_address(subscriber.email),
        content=written.content,
        ready=written.ready,
    )


def parts(edition: Edition, digest: Digest, subscriber: Subscriber) -> Parts:
    """What `message` would send, decoded."""
    personal = links.personal(edition.templates.site, subscriber, digest.edition)
    body = bodies.compose(edition, digest, subscriber, personal)
    return Parts(subject=body.subject, html=_as_text(body.html), text=_as_text(body.text))


def _headers(
    site: Site, digest: Digest, subscriber: Subscriber, personal: links.Personal, subject: str
) -> list[mime.Header]:
    """The header fields of list mail that must not be answered automatically.

    Sources: RFC 2369 and 2919 (List-*), RFC 8058 (one click), RFC 3834 (Auto-Submitted). Gmail
    groups complaints by Feedback-ID, which names no person.
    """
    headers = mime.addressed(site, subscriber.email, subject)
    if personal.reply_to:
        headers.append(mime.named("Reply-To", personal.reply_to, site.name))
    headers += mime.unsubscribing(personal.unsubscribe, personal.unsubscribe_mailto)
    cadence = subscriber.cadence.value
    headers += _marks(site.list_id, site.name, links.help_address(site), digest.edition, cadence)
    return headers


@lru_cache(maxsize=64)
def _marks(
    list_id: str, name: str, help_at: str, edition: str, cadence: str
) -> Sequence[mime.Header]:
    """The fields that are the same for all readers of an edition."""
    list_id = _NOT_IN_A_LIST_ID.sub("", list_id)
    return (
        mime.named("List-Id", list_id, name),
        *([mime.verbatim("List-Help", f"<{help_at}>")] if help_at else []),
        mime.verbatim("Auto-Submitted", "auto-generated"),
        mime.verbatim("Precedence", "bulk"),
        mime.verbatim("X-Auto-Response-Suppress", "OOF, AutoReply"),
        mime.verbatim("Feedback-ID", f"{edition}:{cadence}:digest:{list_id}"),
    )


def _as_text(part: Sequence[bytes]) -> str:
    return bodies.decoded(part).decode().replace("\r\n", "\n")
