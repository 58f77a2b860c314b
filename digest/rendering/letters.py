"""Letters to one person, beside the digests: questions, answers, links, a file.

One frame for all of them, in `templates/mail/letter.*`; what they say is in `letter_wording`.
They are few, so each is rendered whole; what they share with digests is how they look and what
they must never do on the wire.
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
from digest.resources import templates_dir
from digest.text import clean, truncate

__all__ = ["KINDS", "LetterTemplates", "compile_letters", "letter"]

LETTER = "letter"
LONGEST_SUBJECT = 120

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_COMMAND = re.compile("“[^“”]*”")


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterTemplates:
    """The compiled frame, and the names and addresses that stand in letters."""

    site: Site
    topics: Mapping[str, Topic]
    frame: tuple[Part, Part]
    values: Mapping[str, str]


def compile_letters(
    site: Site, topics: Mapping[str, Topic], *, folder: Path | None = None
) -> LetterTemplates:
    """Read, inline and lint the frame of letters; raises ConfigError as `compile_mail` does."""
    folder = folder or templates_dir() / "mail"
    sheet = templates.read(folder / templates.STYLESHEET)
    frame = templates.load(folder, LETTER, sheet, {})
    always = ("home_url",) if site.url else ()
    sparse = [templates.without(_SPECIMEN, each) for each in templates.lacks(_OPTIONAL, always)]
    templates.check(folder, sheet, frame, sparse)
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

    It goes to `recipient`, or where the subscriber's digests go. Only in the latter case does it
    carry links, tags and return addresses that act for them. An answer to mail (`in_reply_to`)
    has the null envelope sender (RFC 3834 §3.3), so that nothing can go back and forth. Raises
    InvalidInput for an address that cannot be written in a header, ConfigError for a site that
    cannot send such a letter.
    """
    address = recipient or (to.email if to else "")
    # Who is gone has no key, and so nothing that could be signed for them.
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
    subject = truncate(clean(said.subject or said.title), LONGEST_SUBJECT)
    values = {**compiled.values, **_values(said, occasion), "subject": subject}
    html, text = ([encode(part.whole(values))] for part in compiled.frame)
    headers = [
        *mime.addressed(compiled.site, address, subject),
        *_who_answers(occasion, in_reply_to),
        *_ways_out(occasion),
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
        "paragraphs": _given(said.paragraphs),
        "lines": _given(said.lines),
        "notes": [_COMMAND.sub(_unbroken, each) for each in _given(said.notes)],
        "button": said.button if said.url else "",
        "url": said.url,
        "preferences_url": listed if listed != said.url else "",
        "unsubscribe_url": links.unsubscribe(occasion.site, subscribed) if subscribed else "",
        "signature": wording.signature(occasion.site),
    }


def _given(texts: Sequence[str]) -> list[str]:
    return [text for each in texts if (text := clean(each))]


def _unbroken(command: re.Match[str]) -> str:
    """A command that wraps at its commas alone: such a list is whole when it is written back."""
    return command[0].replace(" ", "\xa0").replace(",\xa0", ", ")


def _who_answers(occasion: Occasion, in_reply_to: str) -> list[mime.Header]:
    """Where answers go, and what this one answers (RFC 3834 §3.1, RFC 5322 §3.6.4)."""
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


def _ways_out(occasion: Occasion) -> list[mime.Header]:
    """List-Unsubscribe, for whoever has a subscription to end."""
    if occasion.subscribed is None:
        return []
    return mime.unsubscribing(
        links.unsubscribe(occasion.site, occasion.subscribed),
        links.unsubscribe_mailto(occasion.site, occasion.subscribed),
    )


def _sender(occasion: Occasion, in_reply_to: str) -> str:
    if in_reply_to:
        return ""
    site = occasion.site
    if occasion.owner and site.inbound_domain:
        return links.bounces_to(site, occasion.owner, LETTER)
    return site.bounce_to or site.mail_from


_SPECIMEN: dict[str, object] = {
    "lang": "en",
    "dir": "ltr",
    "site_name": "Site name",
    "imprint": "Imprint",
    "contact": "Contact",
    "subject": "Subject",
    "title": "Title",
    "paragraphs": ["Paragraph 1", "Paragraph 2"],
    "lines": ["Line 1", "Line 2"],
    "notes": ["Note 1", "Note 2"],
    "button": "Button",
    "url": "https://example.org/c/",
    "preferences_url": "https://example.org/me/",
    "unsubscribe_url": "https://example.org/u/",
    "signature": "Signature",
    "home_url": "https://example.org/",
}

_OPTIONAL = (
    ("home_url", "url", "button", "preferences_url", "unsubscribe_url"),
    ("url", "button"),
    ("preferences_url", "unsubscribe_url"),
    ("preferences_url",),
    ("paragraphs",),
    ("lines",),
    ("notes",),
    ("imprint",),
    ("contact",),
)
