"""Decide which mail is never answered: that of machines, mailing lists, bounces and our own.

Two machines that answer each other never stop. So no mail that a program wrote is answered
(RFC 3834 §2); our answers are marked as automatic and have a null envelope sender; and each
address is answered only so often, in case all those marks are lost.
"""

from __future__ import annotations

import re
from datetime import datetime

from digest.inbound.headers import address, domain_of
from digest.inbound.values import Incoming, Policy
from digest.ports import Store
from digest.subscriptions.limits import DAY, HOUR, mailbox, may

AN_HOUR, A_DAY = 10, 30
MAILBOXES = frozenset({"bounce", "confirm", "digest", "help", "reply", "subscribe", "unsubscribe"})

AUTOMATIC_FIELDS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply-from",
    "x-mail-autoreply",
    "x-loop",
    "x-failed-recipients",
    "feedback-type",
    "mailing-list",
)
_BULK = frozenset({"bulk", "list", "junk", "auto_reply", "auto-reply"})
_ROBOT = re.compile(
    r"mailer-?daemon|no-?reply|do-?not-?reply|bounces?|owner-.*|.*-(?:request|owner|bounces)"
    r"|(?:bounces?|no-?reply)[+=_.-].*",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"(?:auto(?:matic|matische|matische[rs]?)?[ -]?(?:reply|response|antwort|svar|antwoord)"
    r"|auto:|out of (?:the )?office|ooo\b|abwesen|réponse automatique|respuesta automática"
    r"|risposta automatica|resposta automática|afwezig|fuera de (?:la )?oficina"
    r"|vacation (?:reply|response))",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"undeliver|unzustellbar|(?:mail )?delivery (?:status|fail|notification)|failure notice"
    r"|returned mail",
    re.IGNORECASE,
)


def silence(mail: Incoming, policy: Policy) -> str:
    """Return why this mail must not be answered or obeyed, as a word for the log; "" if it may."""
    own = any(_is_ours(each, policy) for each in (mail.sender, _return_path(mail)))
    robot = mail.has_no_sender or _ROBOT.fullmatch(mail.sender.rpartition("@")[0])
    for why, is_so in (
        ("no-sender", not mail.sender),
        ("own", own),
        ("robot", robot),
        ("report", mail.content_type == "multipart/report"),
        ("automatic", _is_automatic(mail)),
        ("automatic", _AWAY.match(mail.subject) or _FAILED.match(mail.subject)),
        ("list", _is_from_a_list(mail)),
    ):
        if is_so:
            return why
    return ""


def is_chatter(mail: Incoming, policy: Policy) -> bool:
    """Tell whether this is an absence note or list mail, and not about an undelivered mail.

    A null envelope sender says nothing: both may have one. Our own mail is never list mail, though
    it is marked as such.
    """
    if _is_ours(mail.sender, policy) or _FAILED.match(mail.subject):
        return False
    if _AWAY.match(mail.subject) or _is_from_a_list(mail):
        return True
    return _submitted(mail) != "auto-generated" and _is_automatic(mail)


def may_answer(store: Store, recipient: str, *, now: datetime) -> bool:
    """Count one answer to this address; False once it had 10 in an hour or 30 in a day."""
    name = mailbox(recipient)
    return may(store, "answers.hour", name, now=now, seconds=HOUR, most=AN_HOUR) and may(
        store, "answers.day", name, now=now, seconds=DAY, most=A_DAY
    )


def may_explain(store: Store, recipient: str, *, now: datetime) -> bool:
    """Count one help letter to this address; False if it had one within a day."""
    return may(store, "answers.help", mailbox(recipient), now=now, seconds=DAY, most=1)


def _submitted(mail: Incoming) -> str:
    """Return the keyword of Auto-Submitted (RFC 3834 §5); "" if there is none."""
    return mail.first("auto-submitted").partition(";")[0].partition("(")[0].strip().lower()


def _is_automatic(mail: Incoming) -> bool:
    if _submitted(mail) not in ("", "no"):
        return True
    suppressed = mail.first("x-auto-response-suppress").lower()
    if any(each in suppressed for each in ("all", "autoreply", "oof")):
        return True
    return any(mail.first(each) for each in AUTOMATIC_FIELDS)


def _is_from_a_list(mail: Incoming) -> bool:
    if mail.first("precedence").strip().lower() in _BULK:
        return True
    return any(name.startswith("list-") for name, _ in mail.fields)


def _return_path(mail: Incoming) -> str:
    return address(mail.first("return-path").strip().strip("<>"))


def _is_ours(sender: str, policy: Policy) -> bool:
    if not sender:
        return False
    ours = (policy.site.mail_from, policy.site.bounce_to, policy.site.unsubscribe_to)
    folded = sender.casefold()
    if domain_of(sender) == policy.domain.casefold():
        return folded.partition("@")[0].partition("+")[0] in MAILBOXES
    return folded in {each.casefold() for each in ours}
