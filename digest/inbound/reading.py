"""Parse a mail into `Incoming`, whatever its encodings, nesting and defects."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from email.parser import BytesParser

from digest.inbound import headers, quoting
from digest.inbound.values import Incoming
from digest.text import clean, html_to_text

MOST_BYTES = 1_000_000
MOST_PARTS = 100
MOST_BOUNDARIES = 20
MOST_TEXT = 200_000
MOST_REFERENCES = 50
LONGEST_TYPE = 80

RECIPIENT_FIELDS = ("delivered-to", "x-original-to", "envelope-to", "to", "cc", "resent-to")

# What makes the standard library's parser slow: it compares each line with every open boundary,
# and splits the parameters of a field in quadratic time.
_LONG_FIELD = re.compile(rb"(?im)^content-[a-z-]{1,30}:(?:[^\r\n]|\r?\n[ \t]){2000}")
_NESTING = re.compile(rb"(?i)boundary\s*\*?[\d*]*=|message/rfc822")
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,400}>")
_BREAK = re.compile(
    r"<(?:br|/?(?:p|div|li|tr|h[1-6]|hr|ul|ol|dl|dt|dd|table|blockquote|pre|center|section|article"
    r"|header|footer))\b",
    re.IGNORECASE,
)
# In a mail everything that looks like a tag is one, even if unknown: Word writes <o:p>, <st1:date>,
# <![if !supportLists]>. Sub- and superscripts and table cells are left to `html_to_text`.
_TAG = re.compile(
    r"""<(?:[!?]|/?(?!(?:su[bp]|t[dh])\b)[a-z][\w:.-]*(?=[\s/>]))(?:[^<>"']|"[^"]*"|'[^']*')*>""",
    re.IGNORECASE,
)
# None of these can fail after a long search, so that none takes quadratic time.
_PRE = re.compile(r"<pre\b.*?(?:</pre|\Z)", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"<!(?=--).*?-->")
_HEAD = re.compile(r"<head(?=[ >/]).*?</head[^>]*(?:>|\Z)", re.IGNORECASE)
_UP_TO_LAST_HEAD = re.compile(r".*</head[^>]*(?:>|\Z)", re.IGNORECASE)
_UNSEEN = re.compile(
    r"<(style|script|title|xml)(?=[ >/]).*?(?:</\1[^>]*(?:>|\Z)|\Z)", re.IGNORECASE
)
_BLOCKQUOTE = re.compile(r"<(/?)blockquote\b", re.IGNORECASE)
_FLOWED = re.compile(r";\s*format\s*=\s*\"?flowed\b", re.IGNORECASE)
_DELSP = re.compile(r";\s*delsp\s*=\s*\"?yes\b", re.IGNORECASE)


def read(raw: bytes) -> Incoming:
    """Return what a mail says; never raises.

    At most 1 MB is read; of a mail built to be slow to parse, only the header.
    """
    message = parse(raw)
    found = Incoming(raw=raw, fields=headers.fields_of(message))
    senders = found.all("from")
    sender = headers.one_address(senders[0]) if len(senders) == 1 else ""
    subject = clean(headers.words_of(found.first("subject")))
    lines = quoting.typed(_text(message))
    named = _MESSAGE_ID.search(found.first("message-id"))
    message_id = named[0] if named else ""
    recipients = (
        each
        for name in RECIPIENT_FIELDS
        for value in found.all(name)
        for each in headers.addresses(value)
    )
    return replace(
        found,
        sender=sender,
        to=tuple(dict.fromkeys(recipients))[:MOST_REFERENCES],
        subject=subject,
        lines=lines,
        blank=not any(lines)
        and len(raw) <= MOST_BYTES
        and not _is_slow_to_parse(raw)
        and _is_blank(message),
        message_id=message_id,
        references=_references(found),
        key=_key(message_id, sender, subject, *lines) if message_id else _key(raw),
    )


def parse(raw: bytes) -> Message:
    """Parse a mail, or only its header if parsing the body would be slow; never raises."""
    raw = raw[:MOST_BYTES]
    if not _is_slow_to_parse(raw):
        try:
            return BytesParser().parsebytes(raw)
        except Exception:  # noqa: BLE001, S110 - the parser's own failures, of which there are many kinds
            pass
    end = _END_OF_HEADER.search(raw)
    try:
        message = BytesParser().parsebytes(raw[: end.start() if end else 0], headersonly=True)
        kind = str(message.get("content-type", "")).partition(";")[0][:LONGEST_TYPE]
        del message["content-type"]
    except Exception:  # noqa: BLE001 - as above; then it is an empty mail
        return Message()
    message["content-type"] = headers.unfolded(kind)
    return message


def walk(message: Message) -> Iterator[Message]:
    """Yield a mail and its parts, but not those of attached mails; 100 at most."""
    waiting = [message]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        yield part
        if part.get_content_maintype() == "multipart":
            waiting.extend(reversed(subparts(part)))


def parts(message: Message) -> Iterator[Message]:
    """Yield the leaves of a mail, without attached mails."""
    for part in walk(message):
        if not part.is_multipart() and part.get_content_maintype() != "message":
            yield part


def subparts(part: Message) -> list[Message]:
    """Return the parts of a multipart or an attached mail; a leaf has none."""
    # The text of a leaf is not asked for: an unknown charset would raise.
    payload = part.get_payload() if part.is_multipart() else ()
    return [each for each in payload if isinstance(each, Message)]


def content(part: Message) -> str:
    """Return the text of a leaf, decoded as well as can be; never raises."""
    try:
        octets = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001 - a transfer encoding that is none
        octets = b""
    try:
        charset = part.get_content_charset("utf-8")
    except Exception:  # noqa: BLE001 - RFC 2231 parameters can be malformed in many ways
        charset = "utf-8"
    return headers.decoded(octets[:MOST_TEXT], charset) if isinstance(octets, bytes) else ""


def html_lines(source: str) -> str:
    """Return an HTML mail as lines of text; a quotation becomes a line `>`."""
    breaks = _PRE.sub(lambda found: found[0].replace("\n", "<br>"), source.replace("\r\n", "\n"))
    source = re.sub(r"\s", " ", breaks)
    source = _without_quotes(_without_unseen(_without_comments(source)))
    lines = _BREAK.sub(lambda found: f"\n{found[0]}", source).split("\n")
    return "\n".join(html_to_text(_TAG.sub("", each)) for each in lines[: quoting.MOST_LINES])


def _text(message: Message) -> str:
    """Return the first plain text that is not empty, else the first HTML as text."""
    html = ""
    for part in parts(message):
        if not _is_typed(part):
            continue
        text = _unflowed(part)
        if part.get_content_subtype() == "html":
            html = html or text
        elif text.strip():
            return text
    return html_lines(html)


def _unflowed(part: Message) -> str:
    kind = str(part.get("content-type", ""))
    if not _FLOWED.search(kind):
        return content(part)
    return quoting.unflowed(content(part), deletes_space=bool(_DELSP.search(kind)))


def _is_blank(message: Message) -> bool:
    """Tell whether every part of a mail is text, and nothing was typed in any."""
    if not all(map(_is_typed, parts(message))):
        return False
    plain: list[str] = []
    html: list[str] = []
    for each in parts(message):
        (html if each.get_content_subtype() == "html" else plain).append(content(each))
    texts = plain if any(map(str.strip, plain)) else map(html_lines, html)
    return all(map(quoting.is_blank, texts))


def _is_typed(part: Message) -> bool:
    """Tell whether a leaf is text that a person types: no attachment, calendar or card."""
    disposition = str(part.get("content-disposition", "")).strip().lower()
    typed = part.get_content_type() in ("text/plain", "text/html")
    return typed and not disposition.startswith("attachment")


def _is_slow_to_parse(raw: bytes) -> bool:
    """Tell whether a mail would take long to parse."""
    return len(_NESTING.findall(raw)) > MOST_BOUNDARIES or bool(_LONG_FIELD.search(raw))


def _without_comments(source: str) -> str:
    """Return HTML without its comments, which may hold tags; one that does not end is left."""
    end = source.rfind("-->") + len("-->")
    return _COMMENT.sub("", source[:end]) + source[end:]


def _without_unseen(source: str) -> str:
    """Return HTML without the elements that are not shown; only <head> needs no end tag."""
    found = _UP_TO_LAST_HEAD.match(source)
    end = found.end() if found else 0
    return _UNSEEN.sub("", _HEAD.sub("", source[:end]) + source[end:])


def _without_quotes(source: str) -> str:
    """Return HTML with each outermost <blockquote> as a line `>`."""
    kept: list[str] = []
    at = depth = 0
    for found in _BLOCKQUOTE.finditer(source):
        if found[1]:
            depth = max(depth - 1, 0)
            if not depth:
                at = max(at, found.start())
        else:
            if not depth:
                kept.append(f"{source[at : found.start()]}<br>&gt;<br>")
                at = found.start()
            depth += 1
    return "".join(kept) + ("" if depth else source[at:])


def _references(mail: Incoming) -> tuple[str, ...]:
    """Return the Message-IDs that a mail refers to, the latest first."""
    given = f"{mail.first('references')} {mail.first('in-reply-to')}"
    return tuple(dict.fromkeys(reversed(_MESSAGE_ID.findall(given))))[:MOST_REFERENCES]


def _key(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for each in parts:
        octets = each if isinstance(each, bytes) else each.encode("utf-8", "replace")
        digest.update(b"%d:" % len(octets) + octets)
    return digest.hexdigest()
