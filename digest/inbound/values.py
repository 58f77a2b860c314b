"""What passes through this room: the mail as read, what we know of our own mail, and replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from digest.model import Site, Subscriber, Topic
from digest.model.base import Value
from digest.subscriptions import Bounds

NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming(Value):
    """A mail as read; nothing in it is proven.

    `fields` are the header fields from the top, names in lower case, values unfolded. `sender`
    is the one address in From, "" where there is none or more than one. `to` are the addresses
    the header names as recipients. `lines` are what the person typed: no quotes, no signature.
    `blank` is true where all of the mail could be read and they typed nothing: no mere riddle,
    and no quote without marks, which could have their words beneath it.
    `key` is the same for two copies of one mail, whichever way they came.
    """

    raw: bytes = field(repr=False)
    fields: tuple[tuple[str, str], ...] = ()
    sender: str = ""
    to: tuple[str, ...] = ()
    subject: str = ""
    lines: tuple[str, ...] = ()
    blank: bool = False
    message_id: str = ""
    references: tuple[str, ...] = ()
    key: str = ""

    def all(self, name: str) -> list[str]:
        """The values of every header field of this name, from the top."""
        return [value for each, value in self.fields if each == name]

    def first(self, name: str) -> str:
        """The topmost value of a header field, "" where there is none."""
        return next((value for each, value in self.fields if each == name), "")

    @property
    def has_no_sender(self) -> bool:
        """Whether its envelope sender is null (`<>`), as a report's is."""
        return self.first("return-path").replace(" ", "") == "<>"

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.first("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What this installation is called, whom it believes, and what it offers.

    `domain` is the one whose mail comes here; `authserv_id` the name under which our own mail
    server writes Authentication-Results (empty: nobody is believed by their address alone).
    """

    domain: str
    authserv_id: str = ""
    site: Site
    topics: Mapping[str, Topic]
    defaults: Subscriber
    bounds: Bounds
    soft_bounces: int = 5
    soft_days: int = 30

    @property
    def domains(self) -> frozenset[str]:
        """The domains that mail to us may be for: ours, and those of what our own mails name."""
        named = (self.site.mail_from, self.site.bounce_to, self.site.unsubscribe_to)
        others = (each.rpartition("@")[2] for each in named)
        return frozenset(each.casefold() for each in (self.domain, *others) if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Value):
    """One letter to write: its kind, to whom, and what it is to say.

    `subscriber` is None for someone proven who has no subscription. `attachment` is a name, a
    media type and the content.
    """

    kind: str
    subscriber: Subscriber | None
    recipient: str
    in_reply_to: str = ""
    context: Mapping[str, object] = field(default_factory=lambda: NOTHING)
    attachment: tuple[str, str, bytes] | None = None
