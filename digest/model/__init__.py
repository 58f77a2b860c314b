"""The values that move along the line, frozen, slotted and keyword-only, but for picks and reasons.

Ids are text that we derive or mint, never row numbers: a paper is `arxiv:2406.01234` or
`doi:10.1101/…`, a subscriber `s_…`, a digest `<subscriber>.<edition>`. Every `datetime` is
aware and in UTC: the constructors refuse anything else.
"""

from __future__ import annotations

from digest.model.base import Value
from digest.model.community import Moderation, Submission, SubmissionState, Voice
from digest.model.delivery import Envelope, Message, OutboxState, Outcome, Receipt
from digest.model.digests import (
    Digest,
    Explanation,
    Mood,
    Pick,
    Ranking,
    Reason,
    ReasonKind,
    chance_of,
    score_of,
)
from digest.model.listings import (
    Announcement,
    AnnounceType,
    Harvest,
    Item,
    Link,
    LinkKind,
    Listing,
    Paper,
    Problem,
    Request,
    Signal,
)
from digest.model.mail import Evidence, EvidenceKind, Letter, SuppressionReason
from digest.model.pace import Caps, Flow, Forecast, Grant, Pace, Room, Slots, Waiting
from digest.model.people import (
    EVERYONE,
    FLOORS,
    OPINION,
    OPINIONS,
    POSITIVE,
    AddressChange,
    Cadence,
    Feedback,
    FeedbackKind,
    IdRange,
    Interest,
    InterestKind,
    Profile,
    Quiet,
    Status,
    Subscriber,
    Topic,
    Via,
)
from digest.model.polling import Answer, PollState, SourceReport, Verdict
from digest.model.site import Site

__all__ = [
    "EVERYONE",
    "FLOORS",
    "OPINION",
    "OPINIONS",
    "POSITIVE",
    "AddressChange",
    "AnnounceType",
    "Announcement",
    "Answer",
    "Cadence",
    "Caps",
    "Digest",
    "Envelope",
    "Evidence",
    "EvidenceKind",
    "Explanation",
    "Feedback",
    "FeedbackKind",
    "Flow",
    "Forecast",
    "Grant",
    "Harvest",
    "IdRange",
    "Interest",
    "InterestKind",
    "Item",
    "Letter",
    "Link",
    "LinkKind",
    "Listing",
    "Message",
    "Moderation",
    "Mood",
    "OutboxState",
    "Outcome",
    "Pace",
    "Paper",
    "Pick",
    "PollState",
    "Problem",
    "Profile",
    "Quiet",
    "Ranking",
    "Reason",
    "ReasonKind",
    "Receipt",
    "Request",
    "Room",
    "Signal",
    "Site",
    "Slots",
    "SourceReport",
    "Status",
    "Submission",
    "SubmissionState",
    "Subscriber",
    "SuppressionReason",
    "Topic",
    "Value",
    "Verdict",
    "Via",
    "Voice",
    "Waiting",
    "chance_of",
    "score_of",
]
