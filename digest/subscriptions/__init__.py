"""What a reader (or an operator for them) can do, as functions of the store and `now`.

All of them may be called twice without harm, and say what they did by returning the values as
kept. Web pages, mail and the command line all come through here.
"""

from __future__ import annotations

from digest.subscriptions.addresses import (
    address_hash,
    admission,
    agree,
    ask_address,
    change_subject,
    refusals,
    standing_change,
    suppression,
)
from digest.subscriptions.bounces import bounce, undo_bounce
from digest.subscriptions.changing import change, drop, weigh
from digest.subscriptions.feedback import Conviction, evidence_of, give, undo
from digest.subscriptions.leaving import erase, export, revoke, suppress, unsubscribe
from digest.subscriptions.pausing import pause, resume, resume_due
from digest.subscriptions.people import (
    ID_BYTES,
    KEY_BYTES,
    find,
    new_id,
    new_ids,
    new_key,
    newcomer,
    normal_address,
)
from digest.subscriptions.resending import again
from digest.subscriptions.signing_up import (
    Bounds,
    SignUp,
    activate,
    asked_again,
    confirm,
    forget_pending,
    request_link,
    sign_up,
    subscribe,
    to_be_asked,
)
from digest.subscriptions.spans import parse_span
from digest.subscriptions.submissions import decide, is_curator, submit
from digest.subscriptions.wishes import (
    ALL_TOPICS,
    LONGEST_INTEREST,
    MOST_INTERESTS,
    WEEKDAYS,
    Wishes,
    asked_for,
    check_number,
    checked_name,
    checked_weight,
    described,
    floor_name,
    interests_of,
    paper_key,
    parse_cadence,
    parse_floor,
    topic_id,
    with_schedule,
)

__all__ = [
    "ALL_TOPICS",
    "ID_BYTES",
    "KEY_BYTES",
    "LONGEST_INTEREST",
    "MOST_INTERESTS",
    "WEEKDAYS",
    "Bounds",
    "Conviction",
    "SignUp",
    "Wishes",
    "activate",
    "address_hash",
    "admission",
    "again",
    "agree",
    "ask_address",
    "asked_again",
    "asked_for",
    "bounce",
    "change",
    "change_subject",
    "check_number",
    "checked_name",
    "checked_weight",
    "confirm",
    "decide",
    "described",
    "drop",
    "erase",
    "evidence_of",
    "export",
    "find",
    "floor_name",
    "forget_pending",
    "give",
    "interests_of",
    "is_curator",
    "new_id",
    "new_ids",
    "new_key",
    "newcomer",
    "normal_address",
    "paper_key",
    "parse_cadence",
    "parse_floor",
    "parse_span",
    "pause",
    "refusals",
    "request_link",
    "resume",
    "resume_due",
    "revoke",
    "sign_up",
    "standing_change",
    "submit",
    "subscribe",
    "suppress",
    "suppression",
    "to_be_asked",
    "topic_id",
    "undo",
    "undo_bounce",
    "unsubscribe",
    "weigh",
    "with_schedule",
]
