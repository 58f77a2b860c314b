"""What a subscriber, or an operator for them, can do: functions of the store and `now`.

Web pages, mail and the command line all use these. Each may be called twice without harm, and
returns the values as stored.
"""

from __future__ import annotations

from digest.editions import WEEKDAYS
from digest.subscriptions.addresses import (
    address_hash,
    agree,
    ask_address,
    change_subject,
    gives_way,
    refusals,
    standing_change,
    suppressed,
    suppression,
    vouch,
)
from digest.subscriptions.bounces import bounce, undo_bounce
from digest.subscriptions.changing import change, drop, weigh
from digest.subscriptions.confirming import (
    activate,
    ask,
    asked_again,
    confirm,
    forget_pending,
    to_be_asked,
)
from digest.subscriptions.feedback import evidence_of, give, undo
from digest.subscriptions.leaving import end, erase, export, revoke, unsubscribe
from digest.subscriptions.pausing import pause, resume, resume_due
from digest.subscriptions.people import (
    CONFIRMED,
    by_id,
    find,
    new_ids,
    new_key,
    newcomer,
    normal_address,
)
from digest.subscriptions.resending import again
from digest.subscriptions.returning import Question, agreed, overtaken, question, schedule_of
from digest.subscriptions.signing_up import (
    Bounds,
    SignUp,
    renew_link,
    request_link,
    sign_up,
    subscribe,
)
from digest.subscriptions.spans import parse_span
from digest.subscriptions.submissions import (
    LOOKUP,
    decide,
    is_curator,
    submit,
    undecided,
    unfound,
)
from digest.subscriptions.wishes import (
    ALL_TOPICS,
    LISTS,
    MOST_INTERESTS,
    Wishes,
    asked_for,
    check_number,
    checked_name,
    checked_weight,
    floor_name,
    interests_of,
    paper_key,
    topic_id,
    with_schedule,
)

__all__ = [
    "ALL_TOPICS",
    "CONFIRMED",
    "LISTS",
    "LOOKUP",
    "MOST_INTERESTS",
    "WEEKDAYS",
    "Bounds",
    "Question",
    "SignUp",
    "Wishes",
    "activate",
    "address_hash",
    "again",
    "agree",
    "agreed",
    "ask",
    "ask_address",
    "asked_again",
    "asked_for",
    "bounce",
    "by_id",
    "change",
    "change_subject",
    "check_number",
    "checked_name",
    "checked_weight",
    "confirm",
    "decide",
    "drop",
    "end",
    "erase",
    "evidence_of",
    "export",
    "find",
    "floor_name",
    "forget_pending",
    "give",
    "gives_way",
    "interests_of",
    "is_curator",
    "new_ids",
    "new_key",
    "newcomer",
    "normal_address",
    "overtaken",
    "paper_key",
    "parse_span",
    "pause",
    "question",
    "refusals",
    "renew_link",
    "request_link",
    "resume",
    "resume_due",
    "revoke",
    "schedule_of",
    "sign_up",
    "standing_change",
    "submit",
    "subscribe",
    "suppressed",
    "suppression",
    "to_be_asked",
    "topic_id",
    "undecided",
    "undo",
    "undo_bounce",
    "unfound",
    "unsubscribe",
    "vouch",
    "weigh",
    "with_schedule",
]
