"""Parse what a mail server reports: bounces (RFC 3464 and older forms) and complaints (RFC 5965).

Pure functions from a mail to a finding. A finding only says what kind of failure is reported, not
whom it is about: anyone can write a report.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from email.message import Message

from flufl.bounce import all_failures

from digest.delivery import policy
from digest.inbound import headers, reading
from digest.inbound.values import Incoming
from digest.model import EvidenceKind
from digest.model.base import Value
from digest.text import clean

MOST_DETAIL = 300
LEAST_SAID = 40
MOST_BLOCKS = 50
MOST_SEARCHED = 60_000
# Each of flufl.bounce's many detectors reads every line; what they look for stands at the start.
LONGEST_ODD, MOST_ODD_LINES = 200_000, 3_000

ATTACHED, JUNKED = "message/rfc822", "x-hmxmroriginalrecipient"

# It logs each detector it tries, and failures with the text they failed on.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)

_JUNKED = re.compile(rb"(?im)^%b:" % JUNKED.encode())
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_REPLY_CODE = re.compile(r"(?<![\d.:(-])([45][0-5]\d)(?![\d.:@)])")
_ADDRESS = re.compile(r"<?[^\s<>@;,]{1,80}@[^\s<>@;,]{1,120}>?")
_UNKNOWN = re.compile(
    r"(?:domain|user|recipient|mailbox|account|address|customer|e-?mail(?!.{0,60}rejected)|person"
    r"|name|alias|user ?id)\b[^\n.]{0,60}\b(?:unknown|not found|(?:does|do) ?n[o']t exist|doesn't exist|n't found|not exist"
    r"|not (?:listed|known|recognized|valid|active|in)|invalid|inactive|disabled|deactivated"
    r"|suspended|no longer|not have (?:an|a)|ambiguous|undeliverable|rejected|not unique)"
    r"|(?:unknown|invalid|no such|non-?existent|bad|illegal|unrecognized|not a valid|inactive)"
    r"[ -](?:\w+[ -]){0,3}(?:user|recipient|mailbox|account|address|customer|alias|person)"
    r"|no mailbox|not our customer|no one by that name|unrouteable|can'?t find|not a known"
    r"|user has moved|does(?:n't| not) have an? [\w.-]+ account|mailbox unavailable|final (?:e-?mail )?delivery point|not listed in|couldn'?t find|no valid recipients"
    r"|addressee unknown|left the company|has closed|been (?:disabled|discontinued|cancelled)",
    re.IGNORECASE,
)
# Exchange Online about an address that it does not have ("Fix NDR error code 550 5.4.1").
_NOT_IN_DIRECTORY = re.compile(r"recipient address rejected:\s+access denied", re.IGNORECASE)
# Postfix about a name that does not exist: the recipient's domain, or a host on the way there.
_NO_HOST = re.compile(r"\bname=(\S+)\s+type=\w+:\s+host not found(?!,? try again)", re.IGNORECASE)
_ORIGINAL = re.compile(
    r"(?im)^[ >|]*(?:-{2,}.{0,60}(?:original|copy of|returned|headers).{0,60}"
    r"|received: (?:from|by)\b.{0,200}|return-path:.{0,200})$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Value):
    """What a report says: `kind` is None for what does not count (delays, receipts, absences).

    `status` is the enhanced status code (RFC 3463) or the SMTP reply code, `detail` the mail
    server's words without addresses.
    """

    kind: EvidenceKind | None
    status: str = ""
    detail: str = ""


NOTHING = Finding(kind=None)
UNREAD = Finding(kind=EvidenceKind.UNREAD)


def is_report(mail: Incoming) -> bool:
    """Tell whether a mail may be a mail server's report about another mail."""
    return is_marked(mail) or mail.has_no_sender


def is_marked(mail: Incoming) -> bool:
    """Tell whether a mail is marked as a mail server's; a null sender is not enough, junk has it."""
    return (
        mail.content_type == "multipart/report"
        or bool(mail.first("x-failed-recipients") or mail.first("feedback-type"))
        or mail.sender.lower().startswith(("mailer-daemon@", "postmaster@"))
    )


def is_junked(mail: Incoming) -> bool:
    """Tell whether a mail is a complaint of Microsoft's JMRP: our mail attached, with its mark."""
    return bool(_JUNKED.search(mail.raw)) and _complaint(reading.parse(mail.raw)) is not None


def find(mail: Incoming, *, automatic: bool) -> Finding:
    """Return what a mail to an address for bounces says; UNREAD if it cannot be read.

    `automatic` is whether its header calls it an automatic reply. Never raises.
    """
    message = reading.parse(mail.raw)
    start = b"".join(mail.raw[:LONGEST_ODD].splitlines(keepends=True)[:MOST_ODD_LINES])
    for read, of in ((_complaint, message), (_notification, message), (_odd, reading.parse(start))):
        found = read(of)
        if found is not None:
            return found
    return NOTHING if automatic else UNREAD


def classify(status: str, words: str = "", telling: str = "") -> EvidenceKind:
    """Return whether a bounce is hard or soft, by its status code, else by the server's words.

    Hard is what will not get better (RFC 3463 §3.2): no such mailbox or domain (5.1.x, unless it is
    about the sender: 5.1.7, 5.1.8, or 5.1.0 with words that say so; for Exchange Online also 5.4.1),
    and a closed mailbox (5.2.1), but not one that only gets too much mail. `telling` is the line
    that gives the reason, if the rest is boilerplate.
    """
    code = _ENHANCED.fullmatch(status)
    subject, detail = (code[2], code[3]) if code else ("0", "0")
    is_vague = subject in ("0", "3", "5") or (subject == "2" and detail == "0")
    if (code and code[1] != "5") or policy.is_flooded(words):
        return EvidenceKind.SOFT_BOUNCE
    if (is_vague or (subject, detail) == ("1", "0")) and policy.is_about_sender(words):
        return EvidenceKind.SOFT_BOUNCE
    if subject == "1":
        wrong_sender = detail in ("7", "8")
        return EvidenceKind.SOFT_BOUNCE if wrong_sender else EvidenceKind.HARD_BOUNCE
    is_missing = (subject, detail) == ("4", "1") and _NOT_IN_DIRECTORY.search(words)
    if is_missing or (subject, detail) == ("2", "1"):
        return EvidenceKind.HARD_BOUNCE
    is_passing = policy.PASSING.search(words) or policy.is_about_policy(telling or words)
    if is_vague and _UNKNOWN.search(words) and not is_passing:
        return EvidenceKind.HARD_BOUNCE
    return EvidenceKind.SOFT_BOUNCE


def _complaint(message: Message) -> Finding | None:
    """Parse a feedback report (RFC 5965 §3); it counts if it says that the mail is not wanted."""
    for part in reading.walk(message):
        if any(each.get(JUNKED) for each in _blocks(part) if part.get_content_type() == ATTACHED):
            return Finding(kind=EvidenceKind.COMPLAINT, detail="junk")
        if part.get_content_type() != "message/feedback-report":
            continue
        named = {name: value for each in _blocks(part) for name, value in headers.fields_of(each)}
        kind = named.get("feedback-type", "").partition(";")[0].strip().lower()
        if kind in ("abuse", "fraud", "other", "opt-out", "opt-out-list", "complaint", "spam"):
            return Finding(kind=EvidenceKind.COMPLAINT, detail=kind)
        return NOTHING if kind else UNREAD
    return None


def _notification(message: Message) -> Finding | None:
    """Parse a delivery status notification (RFC 3464 §2): the worst of its recipients counts."""
    found: list[Finding] = []
    for part in reading.walk(message):
        if part.get_content_type() != "message/delivery-status":
            continue
        for block in _blocks(part):
            fields = dict(reversed(headers.fields_of(block)))
            action = fields.get("action", "").strip().lower()
            if action.startswith(("fail", "error")):
                found.append(_failure(fields, message))
            elif action:
                found.append(NOTHING)
    worst = (EvidenceKind.HARD_BOUNCE, EvidenceKind.SOFT_BOUNCE, None)
    return min(found, key=lambda each: worst.index(each.kind), default=None)


def _failure(fields: dict[str, str], message: Message) -> Finding:
    words = fields.get("diagnostic-code", "") or _telling(_words(message))
    status = _status(f"{fields.get('status', '')} {words}")
    kind = classify(status, words)
    domain = headers.domain_of(fields.get("final-recipient", ""))
    missing = {each.lower().rstrip(".") for each in _NO_HOST.findall(words)}
    if status.startswith("5.4.") and domain in missing:
        kind = EvidenceKind.HARD_BOUNCE
    return Finding(kind=kind, status=status, detail=_told(words))


def _odd(message: Message) -> Finding | None:
    """Parse one of the many formats of their own that mail servers have used."""
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001 - each detector fails in ways of its own on malformed mail
        return None
    if permanent:
        words = _words(message)
        status = _status(words)
        telling = _telling(words)
        return Finding(kind=classify(status, words, telling), status=status, detail=_told(telling))
    return NOTHING if temporary else None


def _status(text: str) -> str:
    """Return the best code in a text: an enhanced one but x.0.0 or x.5.x, any, or a reply code."""
    codes = [found[0] for found in _ENHANCED.finditer(text) if found[1] in "45"]
    telling = [each for each in codes if not each.endswith(".0.0") and each[2] != "5"]
    if telling or codes:
        return (telling or codes)[0]
    replies = _REPLY_CODE.findall(text)
    return replies[0] if replies else ""


def _words(message: Message) -> str:
    """Return the text of a report, without the mail it returns."""
    text = ""
    for part in reading.parts(message):
        if part.get_content_maintype() == "text" and len(text) < MOST_SEARCHED:
            told = reading.content(part)
            text += reading.html_lines(told) if part.get_content_subtype() == "html" else told
    start = re.match(r"\s*", text)
    body = text[start.end() if start else 0 :][:MOST_SEARCHED]
    original = _ORIGINAL.search(body, 1)
    return body[: original.start()] if original and original.start() > LEAST_SAID else body


def _telling(words: str) -> str:
    """Return the line that gives the reason."""
    lines = [each for each in words.splitlines() if each.strip()]
    for pattern in (_ENHANCED, _UNKNOWN, policy.PASSING, _REPLY_CODE):
        for each in lines:
            if pattern.search(each):
                return each
    return lines[0] if lines else ""


def _told(words: str) -> str:
    return clean(_ADDRESS.sub("…", words[: 4 * MOST_DETAIL]))[:MOST_DETAIL]


def _blocks(part: Message) -> list[Message]:
    return reading.subparts(part)[:MOST_BLOCKS]
