"""The values of this package: a mail as read, the installation's policy, what came of it, replies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from digest.model import Site, Subscriber, Topic
from digest.model.base import Value
from digest.ports import Store
from digest.subscriptions import Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming(Value):
    """A mail as read; nothing in it is proven.

    `fields` are the header fields from the top, names in lower case, values unfolded. `sender`
    is the one address in From, "" if there is none or more than one. `to` are the addresses the
    header names as recipients. `lines` are what the person typed, without quotes and signature.
    `blank` is true if all of the mail could be read and nothing was typed; it is false if it ends
    in a quote without `>`, which may have text beneath it. `key` is the same for copies of a mail.
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
        """Return the values of every header field of this name, from the top."""
        return [value for each, value in self.fields if each == name]

    def first(self, name: str) -> str:
        """Return the topmost value of a header field; "" if there is none."""
        return next((value for each, value in self.fields if each == name), "")

    @property
    def has_no_sender(self) -> bool:
        """Whether the envelope sender is null (`<>`), as a report's is."""
        return self.first("return-path").replace(" ", "") == "<>"

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.first("content-type").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings of this installation that incoming mail needs.

    `domain` is the one whose mail comes here. `authserv_id` is the name our mail server writes into
    Authentication-Results; without one, no From address is believed.
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
        """The domains whose mail is taken: ours, and those of the addresses in our own mails."""
        named = (self.site.mail_from, self.site.bounce_to, self.site.unsubscribe_to)
        others = (each.rpartition("@")[2] for each in named)
        return frozenset(each.casefold() for each in (self.domain, *others) if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A subscriber's mail being acted on.

    `edition` is that of the digest it answers and `mark` that of the letter, "" for none.
    """

    store: Store
    person: Subscriber
    policy: Policy
    edition: str
    mark: str
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Value):
    """What came of a command: sentences to answer, commands that undo it, and a letter to send.

    `mark` is the one that a reply to the answer must have to agree to something; `failed` is true
    if nothing was done.
    """

    lines: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    letter: str = ""
    context: Mapping[str, object] | None = None
    attachment: tuple[str, str, bytes] | None = None
    mark: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Value):
    """A letter to write: its kind, its recipient, and the variables of its template.

    `subscriber` is None if the recipient has no subscription. `attachment` is a file name, a media
    type and the content.
    """

    kind: str
    subscriber: Subscriber | None
    recipient: str
    in_reply_to: str = ""
    context: Mapping[str, object] = field(default_factory=dict)
    attachment: tuple[str, str, bytes] | None = None
