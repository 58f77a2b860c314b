"""What follows from a receipt: when to retry, whom to stop mailing, what may be written down.

Pure functions of receipts, envelopes and `now`. Enhanced status codes are those of RFC 3463; if a
server gives none, the basic codes of RFC 5321 §4.2.3 have to do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from digest.model import Envelope, Evidence, EvidenceKind, Outcome, Receipt

FIRST_DELAY = timedelta(minutes=5)
FIRST_DELAY_WHEN_THROTTLED = timedelta(minutes=15)
LONGEST_DELAY = timedelta(hours=2)
JITTER = 0.2
REFUSALS_IN_A_ROW = 3
MASS_REFUSAL = 3
LONGEST_REPLY = 500

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_MAILBOX_UNKNOWN = frozenset({550, 551, 553})
# 5.1.7 and 5.1.8 are about the sender; 5.1.9 is a success about the relay beyond.
_NOT_THE_RECIPIENT = frozenset({"5.1.7", "5.1.8", "5.1.9"})
_WHOEVERS_ADDRESS = frozenset({"", "5.1.0"})
_STAGES_NOT_ABOUT_THE_RECIPIENT = ("MAIL: ", "DATA: ", "after DATA: ")
# Refusals that may be over soon: a full mailbox, or a message of a kind or size that is not taken.
PASSING = re.compile(
    r"quota|(?:is|was|mailbox) full|full mailbox|exceed|insufficient|too (?:large|big|many)|spam"
    r"|virus|block(?:ed|list)|blacklist|policy|greylist|loop|disk|not accepting mail|timed out",
    re.IGNORECASE,
)
# Links to explanations: the host may tell (a block list's), the path may hold any words.
_PATH = re.compile(r"(https?://[^\s/?#]+)\S*", re.IGNORECASE)
_POLICY_WORDS = re.compile(
    r"spam|block|black ?list|reputation|rbl|dnsbl|\bpolicy|denied|relay(?! recipient table)"
    r"|\bspf\b|dkim|dmarc|gr[ae]y-?list|frequency limited|\bclient host\b|\bdns mx\b"
    r"|reverse (?:host ?name|lookup)|find your (?:reverse )?host"
    r"|\bban(ned)?\b|(?<!not )\blisted\b|authenticat|not permitted|unsolicited|phish|suspicious"
    r"|\bsecurity\b|\bcontent\b(?!-)|temporar|\b(?:helo|ehlo)\b|\bptr\b|\br(?:everse )?dns\b"
    r"|\bip:? (?:address|\[?\d)|\b(?:your|client|sending) ip\b",
    re.IGNORECASE,
)
_SENDER_WORDS = re.compile(
    r"\bsend(?:er|ing)(?:['’]?s)? (?:rejected|verif|domain|(?:e-?mail )?a(?:ddress|ccount))"
    r"|\b(?:domain|address) of (?:the )?sender\b|\b(?:from (?:address|domain)|your domain)\b"
    r"|\bverification failed for\b|\breturn.?path\b|\bmail from\b|badmailfrom"
    r"|\b(?:invalid|unknown|envelope) sender\b|\bsender not\b"
    r"|\b(?:suspended|disabled) (?:for|from) sending\b|\bsending (?:is|was|has been) (?:suspended|disabled)\b",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"receiving\s+(?:e-?)?mail\s+(?:at\s+a\s+rate|too\s+quickly)|ReceivingRate", re.IGNORECASE
)
_EMAIL = re.compile(r"""<?(?:"[^"]*"|[^\s<>@"'(),:;]+)@(?:\[[^\]\s]*\]|[^\s<>@"'(),:;]+)>?""")


def settle_times(
    receipts: Sequence[Receipt],
    envelopes: Sequence[Envelope],
    now: datetime,
    rng: Random,
    *,
    ours: bool = False,
) -> list[Receipt]:
    """Give every deferred receipt its `retry_at`; None if that would be past `expires_at`.

    The delay grows from 5 minutes, doubling up to 2 hours, or from 15 minutes if the server asks
    for a slower pace, ± 20 % so that a block does not come back at once. RFC 5321 §4.5.4.1 leaves
    the intervals open; the first is Postfix's `minimal_backoff_time`. Refusals that are `ours` (see
    `is_ours`) are deferred too.
    """
    by_id = {each.digest.id: each for each in envelopes}
    if ours:
        receipts = [_deferred(each) for each in receipts]
    return [
        replace(each, retry_at=_retry_at(each, by_id.get(each.digest_id), now, rng))
        if each.outcome is Outcome.DEFERRED
        else each
        for each in receipts
    ]


def is_ours(receipts: Sequence[Receipt], before: Sequence[Receipt] = ()) -> bool:
    """Whether refusals are about us (a blocked IP, a suspended account), not about readers.

    True if three or more, and more than half, were refused for reasons other than their addresses.
    That counts the answers just received and the last ones `before`, since a group may hold a
    single message. Such mail is worth another try once the operator has mended the cause, and must
    not count against its readers. True also if as many are refused in the very same words, which
    only seem to be about addresses, and none was accepted: the server may be refusing our own
    address.
    """
    everything = (*receipts, *before)
    refused = sum(is_policy_refusal(each) for each in everything)
    if not any(each.outcome is Outcome.ACCEPTED for each in receipts):
        alike = Counter(scrub(each.reply) for each in everything if _is_vague(each))
        refused = max(refused, *alike.values(), 0)
    return refused >= MASS_REFUSAL and refused * 2 > len(everything)


def is_address_failure(code: int, reply: str) -> bool:
    """Whether a refusal says that the address is no good, so that nothing more should be sent.

    True for 5.1.x about the recipient (unknown or malformed mailbox or domain, moved, null MX) and
    for 5.2.1 (mailbox disabled): RFC 3463 §3.2 and §3.3, RFC 7505. False for 5.7.x and the rest,
    which are about policy, content or a full mailbox. Without an enhanced code, 550, 551 and 553
    count, unless they answer another command than RCPT or their words are about policy or a full
    mailbox, which RFC 5321 §4.2.3 allows. False if the words say that the mailbox gets too much
    mail, and if the code does not tell whose address is meant and the words say that it is ours.
    """
    if is_flooded(reply):
        return False
    enhanced = enhanced_code(code, reply)
    if enhanced in _WHOEVERS_ADDRESS and is_about_sender(reply):
        return False
    if enhanced:
        about_address = enhanced.startswith("5.1.") or enhanced == "5.2.1"
        return about_address and enhanced not in _NOT_THE_RECIPIENT
    if reply.startswith(_STAGES_NOT_ABOUT_THE_RECIPIENT):
        return False
    is_passing = PASSING.search(reply) or is_about_policy(reply)
    return code in _MAILBOX_UNKNOWN and not is_passing


def is_about_policy(words: str) -> bool:
    """Whether a server's words are about us or one message, not about the recipient's address."""
    return bool(_POLICY_WORDS.search(_PATH.sub(r"\1", words)))


def is_about_sender(words: str) -> bool:
    """Whether a server's words say that it rejects or cannot verify the sender's address.

    Some say so only at RCPT, such as Exim (`verify = sender`) and Postfix
    (`reject_unlisted_sender`).
    """
    return bool(_SENDER_WORDS.search(words))


def is_flooded(words: str) -> bool:
    """Whether a server's words say that a mailbox gets more mail than allowed, from anybody.

    Gmail says so with 4.2.1 and even with 5.2.1, which elsewhere means a closed mailbox.
    """
    return bool(_RATE.search(words))


def is_throttled(code: int, reply: str) -> bool:
    """Whether the server asks for a slower pace: 421, 454, or 4xx with 4.7.x (greylisting, rates).

    454 is how Amazon SES says "Maximum sending rate exceeded".
    """
    return code in (421, 454) or enhanced_code(code, reply).startswith("4.7.")


def should_suppress(receipt: Receipt, refusals: int) -> bool:
    """Whether to stop mailing the recipient after this receipt.

    At once if the address is no good; after three refused digests in a row if a server refuses our
    mail for that person. `refusals` is the length of that row, this receipt included. What we
    refused ourselves (code 0) suppresses nobody unless the address is unusable.
    """
    if receipt.outcome is not Outcome.REFUSED:
        return False
    if is_address_failure(receipt.code, receipt.reply):
        return True
    return receipt.code > 0 and refusals >= REFUSALS_IN_A_ROW


def evidence(receipt: Receipt, *, subscriber_id: str, attempt: int, hard: bool) -> Evidence:
    """A refusal at SMTP time as a bounce: no mail to keep, only the server's words.

    A server that refuses before it has the message sends no bounce, so this is the only evidence.
    """
    return Evidence(
        id=f"{receipt.digest_id}.{attempt}",
        kind=EvidenceKind.HARD_BOUNCE if hard else EvidenceKind.SOFT_BOUNCE,
        subscriber_id=subscriber_id,
        digest_id=receipt.digest_id,
        status=enhanced_code(receipt.code, receipt.reply) or str(receipt.code),
        detail=scrub(receipt.reply),
        at=receipt.at,
    )


def enhanced_code(code: int, reply: str) -> str:
    """The enhanced status code in a reply (`5.1.1`), or nothing; it must agree with `code`."""
    for match in _ENHANCED.finditer(reply):
        if not code or int(match[1]) == code // 100:
            return match[0]
    return ""


def scrub(reply: str) -> str:
    """A server's words, fit for logs and ledger: one line of 500 characters, no email addresses."""
    start = reply[: 4 * LONGEST_REPLY]  # bounds the search, for a server may say anything
    if not start.isprintable():
        start = "".join([each if each.isprintable() else " " for each in start])
    line = " ".join(_EMAIL.sub("<address>", start).split())
    return line if len(line) <= LONGEST_REPLY else line[: LONGEST_REPLY - 1] + "…"


def _retry_at(
    receipt: Receipt, envelope: Envelope | None, now: datetime, rng: Random
) -> datetime | None:
    throttled = is_throttled(receipt.code, receipt.reply)
    delay = FIRST_DELAY_WHEN_THROTTLED if throttled else FIRST_DELAY
    earlier = max(envelope.attempts - 1, 0) if envelope else 0
    # Ten doublings are past the longest delay already; forty would overflow.
    delay = min(delay * (1 << min(earlier, 10)), LONGEST_DELAY)
    retry_at = now + delay * rng.uniform(1 - JITTER, 1 + JITTER)
    if envelope and retry_at >= envelope.expires_at:
        return None
    return retry_at


def is_policy_refusal(receipt: Receipt) -> bool:
    """Whether a server refuses a message for good, for other reasons than its address.

    Also for a receipt that was deferred because the refusal was taken to be about us.
    """
    return receipt.code // 100 == 5 and not is_address_failure(receipt.code, receipt.reply)  # noqa: PLR2004


def _is_vague(receipt: Receipt) -> bool:
    """Whether a refusal seems to be about an address, but its code does not say whose."""
    enhanced = enhanced_code(receipt.code, receipt.reply)
    return enhanced in _WHOEVERS_ADDRESS and is_address_failure(receipt.code, receipt.reply)


def _deferred(receipt: Receipt) -> Receipt:
    may_be_ours = is_policy_refusal(receipt) or _is_vague(receipt)
    return replace(receipt, outcome=Outcome.DEFERRED) if may_be_ours else receipt
