"""Letters: single mails to one person, such as questions, answers, links and exports.

All use one template, `templates/mail/letter.*`; their sentences are in `letter_wording`. They
are few, so each is rendered whole, with the style and the header rules of digests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from digest.model import Message, Site, Subscriber, Topic
from digest.rendering import links, mime, templates, wording
from digest.rendering.compiled import site_values
from digest.rendering.letter_wording import KINDS, words
from digest.rendering.occasions import Occasion, Words
from digest.rendering.pieces import encode
from digest.rendering.templates import Part
from digest.text import clean, truncate

__all__ = ["KINDS", "LetterTemplates", "compile_letters", "letter"]

LETTER = "letter"
LONGEST_SUBJECT = 120

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_COMMAND = re.compile("“[^“”]*”")


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterTemplates:
    """The compiled template of letters, and what all letters of a site print."""

    site: Site
    topics: Mapping[str, Topic]
    frame: tuple[Part, Part]
    values: Mapping[str, str]


def compile_letters(
    site: Site, topics: Mapping[str, Topic], *, folder: Path | None = None
) -> LetterTemplates:
    """Read, inline and lint the template of letters; raises ConfigError as `compile_mail` does."""
    frame = templates.load(folder, LETTER)
    context = _SPECIMEN if site.url else _SPECIMEN | dict.fromkeys(_ADDRESSES, "")
    sparse = [templates.without(context, names) for names in templates.lacks(_OPTIONAL)]
    templates.check(frame, sparse)
    return LetterTemplates(site=site, topics=topics, frame=frame, values=site_values(site))


def letter(
    compiled: LetterTemplates,
    kind: str,
    *,
    to: Subscriber | None,
    recipient: str = "",
    message_id: str,
    at: datetime,
    in_reply_to: str = "",
    attachment: mime.Attachment | None = None,
    **context: object,
) -> Message:
    """A letter as a finished message; the same arguments give the same bytes.

    It goes to `recipient`, or by default to the subscriber. Only a letter to the subscriber's own
    address has links and return addresses that act for them. An answer to a mail (`in_reply_to`)
    has the null envelope sender (RFC 3834 §3.3), so that no mail loop can start. Raises
    InvalidInput for an address that cannot be written in a header, ConfigError for a site that
    cannot send such a letter.
    """
    address = recipient or (to.email if to else "")
    # An erased subscriber has no key to sign links with.
    own = to is not None and address.lower() == to.email and not context.get("erased")
    occasion = Occasion(
        kind=kind,
        site=compiled.site,
        topics=compiled.topics,
        to=to,
        owner=to if own else None,
        at=at,
        context=context,
    )
    said = words(occasion)
    subject = truncate(clean(said.subject or said.title.rstrip(".")), LONGEST_SUBJECT)
    values = {**compiled.values, **_values(said, occasion), "subject": subject}
    html, text = ([encode(part.whole(values))] for part in compiled.frame)
    headers = [
        *mime.addressed(compiled.site, address, subject),
        *_replying(occasion, in_reply_to),
        *_unsubscribing(occasion),
        mime.verbatim("X-Auto-Response-Suppress", "OOF, AutoReply"),
        mime.date(at),
        mime.verbatim("Message-ID", message_id),
    ]
    key = message_id.strip("<>")
    written = mime.alternative(headers, text=text, html=html, key=key, attachment=attachment)
    return Message(
        digest_id=key,
        sender=_sender(occasion, in_reply_to),
        recipient=mime.mail_address(address),
        content=written.content,
        ready=written.ready,
    )


def _values(said: Words, occasion: Occasion) -> dict[str, object]:
    listed, subscribed = occasion.preferences(), occasion.subscribed
    return {
        "title": said.title,
        "paragraphs": _cleaned(said.paragraphs),
        "lines": _cleaned(said.lines),
        "notes": [_COMMAND.sub(_unbroken, each) for each in _cleaned(said.notes)],
        "button": said.button if said.url else "",
        "url": said.url,
        "preferences_url": listed if listed != said.url else "",
        "unsubscribe_url": links.unsubscribe(occasion.site, subscribed) if subscribed else "",
        "signature": wording.signature(occasion.site),
    }


def _cleaned(texts: Sequence[str]) -> list[str]:
    return [text for each in texts if (text := clean(each))]


def _unbroken(command: re.Match[str]) -> str:
    """The command with no-break spaces except after commas, so that it survives being quoted."""
    return command[0].replace(" ", "\xa0").replace(",\xa0", ", ")


def _replying(occasion: Occasion, in_reply_to: str) -> list[mime.Header]:
    """Reply-To and the fields of an automatic answer (RFC 3834 §3.1, RFC 5322 §3.6.4)."""
    headers = []
    if occasion.owner and occasion.site.inbound_domain:
        mark = occasion.word("mark")
        subject = f"{LETTER}-{mark}" if mark else LETTER
        reply_to = links.reply_to(occasion.site, occasion.owner, subject)
        headers.append(mime.mailbox("Reply-To", reply_to, occasion.site.name))
    if not in_reply_to:
        return [*headers, mime.verbatim("Auto-Submitted", "auto-generated")]
    headers.append(mime.verbatim("Auto-Submitted", "auto-replied"))
    if _MESSAGE_ID.fullmatch(in_reply_to):
        headers.append(mime.verbatim("In-Reply-To", in_reply_to))
        headers.append(mime.verbatim("References", in_reply_to))
    return headers


def _unsubscribing(occasion: Occasion) -> list[mime.Header]:
    """List-Unsubscribe, if there is a subscription to end."""
    site, person = occasion.site, occasion.subscribed
    if person is None:
        return []
    return mime.unsubscribing(
        links.unsubscribe(site, person), links.unsubscribe_mailto(site, person)
    )


def _sender(occasion: Occasion, in_reply_to: str) -> str:
    if in_reply_to:
        return ""
    site = occasion.site
    if occasion.owner and site.inbound_domain:
        return links.bounces_to(site, occasion.owner, LETTER)
    return site.bounce_to or site.mail_from


_ADDRESSES = ("home_url", "url", "button", "preferences_url", "unsubscribe_url")
_SPECIMEN: dict[str, object] = {
    **templates.specimen(
        "site_name imprint contact subject title button signature",
        "home_url url preferences_url unsubscribe_url",
    ),
    "lang": "en",
    "dir": "ltr",
    "paragraphs": ["Paragraph 1", "Paragraph 2"],
    "lines": ["Line 1", "Line 2"],
    "notes": ["Note 1", "Note 2"],
}
_OPTIONAL = (
    ("url", "button"),
    ("preferences_url", "unsubscribe_url"),
    ("preferences_url",),
    ("paragraphs",),
    ("lines",),
    ("notes",),
    ("imprint",),
    ("contact",),
)
