"""Both parts of one subscriber's digest, joined from rendered fragments and bounded in size."""

from __future__ import annotations

import html
from binascii import a2b_qp
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import compress
from typing import NamedTuple

from digest.model import Digest, Mood, Pick, Subscriber
from digest.rendering import links, wording
from digest.rendering.compiled import Edition
from digest.rendering.pieces import encode, encode_address
from digest.rendering.templates import wrap
from digest.text import clean, truncate

# Gmail clips a part at about 102 KB (undocumented; it was seen to clip one of 99 KB).
LARGEST_PART = 85_000
ABSTRACT_LENGTHS = (1200, 700, 400, 200, 0)
MOST_LINES = 50
MOST_LINES_UNLINKED = 150  # for a site without pages, where only the mail can list them
# More never fit: a pick takes 1.5 KB even without its abstract.
MOST_PICKS = 60
LONGEST_REASON = 300
KEPT_REASONS = 32_768
INDENT = 4


class Body(NamedTuple):
    """A mail's subject, and its parts as pieces of quoted-printable that are joined later."""

    subject: str
    html: Sequence[bytes]
    text: Sequence[bytes]

    @property
    def fits(self) -> bool:
        """Whether both parts are small enough once decoded, which never makes them larger."""
        return all(
            sum(map(len, part)) <= LARGEST_PART or len(decoded(part)) <= LARGEST_PART
            for part in (self.html, self.text)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """The most that may be shown: characters of an abstract, titles, picks."""

    abstract: int
    lines: int
    picks: int


def compose(
    edition: Edition, digest: Digest, subscriber: Subscriber, personal: links.Personal
) -> Body:
    """The subject and both parts, made smaller until they fit.

    Abstracts are shortened first, then the list of titles, and last the number of picks. The
    mail says how many titles were left out, and the footer always stays.
    """
    lines = MOST_LINES if personal.digest else MOST_LINES_UNLINKED
    for room in _rooms(min(len(digest.picks), MOST_PICKS), lines):
        body = _fill(edition, digest, subscriber, personal, room)
        if body.fits:
            break
    return body


def decoded(part: Sequence[bytes]) -> bytes:
    """A part as it was before quoted-printable encoding."""
    return a2b_qp(b"".join(part))


@cache
def _rooms(picks: int, lines: int) -> tuple[_Room, ...]:
    """The sizes to try, from everything to nothing."""
    rooms = [_Room(abstract=each, lines=lines, picks=picks) for each in ABSTRACT_LENGTHS]
    while lines:
        lines //= 2
        rooms.append(_Room(abstract=0, lines=lines, picks=picks))
    while picks:
        picks -= max(1, picks // 8)
        rooms.append(_Room(abstract=0, lines=0, picks=picks))
    return tuple(rooms)


def _fill(
    edition: Edition,
    digest: Digest,
    subscriber: Subscriber,
    personal: links.Personal,
    room: _Room,
) -> Body:
    picks = [
        (number, pick)
        for number, pick in enumerate(digest.picks, 1)
        if pick.paper_id in edition.papers
    ]
    rest = [each for each in digest.rest if each in edition.papers]
    shown, lines = picks[: room.picks], [edition.line(each) for each in rest[: room.lines]]
    further = len(picks) - len(shown) + len(rest)
    hidden = further - len(lines)
    said = {
        **_sentences(edition, digest, subscriber, [pick for _, pick in shown]),
        "rest_title": wording.rest_title(digest, further, after_picks=bool(shown)),
        "hidden": wording.hidden(hidden, linked=bool(personal.digest)),
        "by_mail": wording.BY_MAIL if shown and personal.reply_to else "",
    }
    addresses = {
        "full_url": personal.digest,
        "feed_url": personal.feed,
        "preferences_url": personal.preferences,
        "unsubscribe_url": personal.unsubscribe,
        "unsubscribe_mailto": personal.unsubscribe_mailto,
    }
    lists = {"picks": "shown" if shown else "", "rest": "shown" if further else ""}
    values = said | addresses | lists
    given = frozenset(compress(values, values.values()))
    html_shell, text_shell = (part.shell(given, values) for part in edition.templates.digest)
    html_values = {name: _html_value(said[name]) for name in html_shell.holes if name in said}
    text_values = {name: _text_value(said[name]) for name in text_shell.holes if name in said}
    for name, url in addresses.items():
        html_values[name], text_values[name] = encode_address(url)
    items = _items(edition, shown, room.abstract, text_values["full_url"], html_values["full_url"])
    html_values["picks"], text_values["picks"] = items
    html_values["rest"] = b"".join([each for each, _ in lines])
    text_values["rest"] = b"".join([each for _, each in lines])
    return Body(
        subject=said["subject"],
        html=html_shell.filled(html_values),
        text=text_shell.filled(text_values),
    )


def _items(
    edition: Edition,
    picks: Sequence[tuple[int, Pick]],
    abstract: int,
    text_url: bytes,
    html_url: bytes,
) -> tuple[bytes, bytes]:
    """The picks in HTML and in text, with this subscriber's reasons and links filled in."""
    html_items: list[bytes] = []
    text_items: list[bytes] = []
    for number, pick in picks:
        reason = edition.because(pick)
        html_reason, text_reason = _reason(reason)
        fragment = edition.paper(pick.paper_id, abstract, reasoned=bool(reason))
        digits, label, slashed = _numbered(number)
        html_items += fragment.html.filled((digits, label, html_reason, html_url + slashed))
        text_items += fragment.text.filled((digits, label, text_reason, text_url + slashed))
    return b"".join(html_items), b"".join(text_items)


@cache
def _numbered(number: int) -> tuple[bytes, bytes, bytes]:
    """A pick's number as in HTML, as before a title in text, and as at the end of an address."""
    return encode(str(number)), encode(f"{number}. ".rjust(INDENT)), encode(f"/{number}")


@lru_cache(maxsize=KEPT_REASONS)
def _reason(reason: str) -> tuple[bytes, bytes]:
    reason = truncate(clean(reason), LONGEST_REASON)
    return encode(html.escape(reason)), encode(wrap(reason, INDENT))


def _sentences(
    edition: Edition, digest: Digest, subscriber: Subscriber, shown: Sequence[Pick]
) -> dict[str, str]:
    """The sentences above and below the papers."""
    site = edition.templates.site
    titles = [edition.title(pick.paper_id) for pick in shown[: wording.TITLES_NAMED]]
    summary = wording.summary(digest, cadence=subscriber.cadence)
    empty = not (shown or digest.rest)
    wanting = digest.mood in (Mood.HOLIDAY, Mood.OUTAGE, Mood.BELOW) or empty
    notice = wording.notice_of(digest) if wanting else None
    return {
        "subject": wording.subject(digest, titles, len(digest.picks)),
        "preheader": wording.preheader(titles, summary),
        "day": wording.long_day(digest.edition),
        "summary": summary,
        "notice_title": notice.title if notice else "",
        "notice": notice.sentence if notice else "",
        "next": "" if shown else wording.next_digest(digest, subscriber),
        "because_you": wording.because_you(site, subscriber),
    }


# Many subscribers get the same sentences.
@lru_cache(maxsize=4096)
def _html_value(value: str) -> bytes:
    return encode(html.escape(value))


@lru_cache(maxsize=4096)
def _text_value(value: str) -> bytes:
    return encode(wrap(value))
