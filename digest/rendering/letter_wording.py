"""The sentences of letters: what happened, what to do, and what happens if you do nothing.

There is one function for each kind. A letter to an address that is not confirmed has no text that
a stranger typed, or anybody could send their words to others through the sign-up form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from digest.errors import ConfigError
from digest.model import Status, Subscriber
from digest.rendering import links, wording
from digest.rendering.occasions import Occasion, Words
from digest.text import clean

CHANGE_DAYS = 7

_LINK_COMMAND = "“link” – a link to change what you get, in a browser"
COMMANDS = (
    "“topics cs.IR cs.CL” – follow only these topics; “topics +cs.IR -cs.CL” adds and removes",
    "“keywords: dense retrieval, reranking” or “authors: Ada Lovelace” – the same for keywords and authors",
    "“mute blockchain” or “unmute blockchain” – hide papers with this word, or show them again",
    "“weekly”, “weekdays”, “daily” or “at 7:30” – when digests come",
    "“pause 2 weeks” or “resume” – no digests for a while",
    "“more 2 5”, “less 3”, “save 1” or “known 4” – in reply to a digest: its papers by number",
    "“again” – last week’s digests once more",
    "“settings” – what you get",
    _LINK_COMMAND,
    "“undo” – take back your last feedback on papers",
    "“export” – everything we keep about you, as a file",
    "“unsubscribe” – no more digests",
    "“forget me” – the same, and everything about you is deleted",
    "“help” – this list",
)


def words(occasion: Occasion) -> Words:
    """What the letter says.

    Raises ConfigError for an unknown kind, and for a letter about a link if there is no `site.url`.
    """
    kind, site = occasion.kind, occasion.site
    if kind not in KINDS:
        raise ConfigError(f"There is no letter of the kind {kind!r}.", subject=kind)
    by_mail = kind == "confirm" and site.inbound_domain
    if kind in _ABOUT_A_LINK and not (site.url or by_mail):
        raise ConfigError(
            f"A letter of the kind {kind!r} needs site.url to be set.", subject="site.url"
        )
    return KINDS[kind](occasion)


def _confirm(occasion: Occasion) -> Words:
    site = occasion.site
    by_reply = "reply to this mail with “yes”." if site.inbound_domain else ""
    soon = wording.beginning(occasion.person)
    first = f"Your first digest comes {soon}. " if soon else ""
    return Words(
        subject=f"Please confirm your subscription to {occasion.name}",
        title="Confirm your subscription.",
        paragraphs=(
            (
                f"Someone, hopefully you, subscribed this address to {occasion.name}: new papers on "
                f"the topics they follow, in one mail. {wording.rhythm(occasion.person)}"
            ),
            "" if site.url else f"To confirm, {by_reply}",
        ),
        lines=occasion.asked_for(),
        button="Yes, subscribe me",
        url=links.confirm(
            site, occasion.person, occasion.at.date().isoformat(), occasion.word("mark")
        ),
        notes=(
            f"Or {by_reply}" if site.url and by_reply else "",
            "" if soon else "What you followed before is kept as well.",
            f"{first}Every digest says how to unsubscribe.",
            _not_you("nothing is sent unless you confirm", links.CONFIRM_LASTS.days),
        ),
    )


def _known(occasion: Occasion) -> Words:
    said = "Someone, perhaps you, subscribed this address again. Nothing has changed."
    return Words(
        title=f"You are already subscribed to {occasion.name}.",
        paragraphs=(
            f"{said} {_paused(occasion.person)}",
            "To change what you get, open your preferences.",
        ),
        button="Open my preferences",
        url=occasion.preferences(),
        notes=(_ALONE, "If this was not you, there is nothing you need to do."),
    )


def _link(occasion: Occasion) -> Words:
    said = "You asked for a link to your preferences: what you follow, when digests come, pausing, leaving."
    return Words(
        subject=f"Your link to {occasion.name}",
        title="Your link.",
        paragraphs=(f"{said} {_paused(occasion.person)}",),
        button="Open my preferences",
        url=links.preferences(occasion.site, occasion.person, occasion.at.date().isoformat()),
        notes=(
            f"It works for {links.PREFERENCES_LAST.days} days. {_ALONE}",
            _UNASKED,
        ),
    )


def _account(occasion: Occasion) -> Words:
    minute = int(occasion.at.timestamp()) // 60
    until = occasion.at + links.ACCOUNT_LASTS
    return Words(
        subject=f"Your account with {occasion.name}",
        title="Your account.",
        paragraphs=(
            (
                "Here you can download your data, change your address, invalidate all earlier links, "
                "or delete everything."
            ),
        ),
        button="Open my account",
        url=links.account(occasion.site, occasion.person, minute),
        notes=(
            f"The link works for one hour, until {until:%H:%M} UTC. {_ALONE}",
            _UNASKED,
        ),
    )


def _address_old(occasion: Occasion) -> Words:
    return Words(
        subject="Please confirm: move your digests to another address",
        title="Move your digests?",
        paragraphs=(
            (
                f"Someone with access to your account, hopefully you, asked to have your digests sent "
                f"to {occasion.word('email')} from now on. That happens once both addresses confirm: "
                "this one, and the new one, which gets a mail of its own."
            ),
        ),
        button="Yes, move them",
        url=_agree(occasion, links.ADDRESS_OLD),
        notes=(_not_you("your digests stay here", CHANGE_DAYS),),
    )


def _address_new(occasion: Occasion) -> Words:
    return Words(
        subject=f"Please confirm: {occasion.name} at this address",
        title="Get digests at this address?",
        paragraphs=(
            (
                f"Someone who gets {occasion.name}, hopefully you, wants it sent here from now on. "
                "That happens once both addresses confirm: this one and the current one."
            ),
        ),
        button="Yes, send them here",
        url=_agree(occasion, links.ADDRESS_NEW),
        notes=(_not_you("nothing is sent here unless you confirm", CHANGE_DAYS),),
    )


def _address_changed(occasion: Occasion) -> Words:
    if occasion.owner is None:
        return Words(
            title="Your digests have moved.",
            paragraphs=(
                (
                    "They now go to your new address, as both addresses confirmed. Nothing more is "
                    "sent here, and the links in the mails you have here no longer work."
                ),
            ),
            notes=(_ask_us(occasion, "If this was not you"),),
        )
    return Words(
        title="Your digests come here now.",
        paragraphs=(
            (
                "Both addresses confirmed. The links in earlier mails and the address of your private "
                "feed no longer work: you find new ones in your preferences."
            ),
        ),
        button="Open my preferences",
        url=occasion.preferences(),
        notes=(_ALONE,),
    )


def _goodbye(occasion: Occasion) -> Words:
    site = occasion.site
    again = f"{site.url}/subscribe" if site.url else ""
    if not again and site.inbound_domain:
        again = f"write to subscribe@{site.inbound_domain}"
    notes = (f"If this was a mistake, you can subscribe again: {again}" if again else "",)
    if occasion.context.get("erased"):
        said = (
            "Everything we kept about you is deleted. All that remains is a one-way fingerprint of "
            "this address, so that we know you asked for it."
        )
        return Words(title="Everything is deleted.", paragraphs=(said,), notes=notes)
    by_reply = site.inbound_domain and occasion.owner
    return Words(
        subject=f"You have unsubscribed from {occasion.name}",
        title="You are unsubscribed.",
        paragraphs=(
            "No more digests will come. What you follow is kept in case you come back.",
            "To have it deleted as well, reply with “forget me”." if by_reply else "",
        ),
        notes=notes,
    )


def _answer(occasion: Occasion) -> Words:
    title = occasion.word("title") or "Done."
    lines = occasion.lines()
    return Words(
        title=title,
        paragraphs=lines if len(lines) == 1 else (),
        lines=lines if len(lines) > 1 else (),
        notes=(occasion.undo(),),
    )


def _help(occasion: Occasion) -> Words:
    title = occasion.word("title") or "What you can write to us."
    domain = occasion.site.inbound_domain
    start = (
        f"To subscribe, write to subscribe@{domain}, with topics in the subject if you like, such as "
        "“cs.IR cs.CL”. We ask you to confirm, and your reply starts the digests."
    )
    return Words(
        subject=f"What {occasion.name} understands",
        title=title,
        paragraphs=(
            *occasion.lines(),
            *((start,) if domain and occasion.to is None else ()),
            (
                "Write plain words, in the subject or in the first lines of a mail. Reply to any of "
                "our mails, so that we know it is you."
            ),
        ),
        lines=[each for each in COMMANDS if occasion.site.url or each != _LINK_COMMAND],
        notes=(_ask_us(occasion, "To reach a person"),),
    )


def _export(occasion: Occasion) -> Words:
    return Words(
        subject=f"Your data with {occasion.name}",
        title="Your data.",
        paragraphs=(
            (
                "The file with this mail holds what we keep about you, as JSON: your settings, "
                "what you follow, your feedback, the digests you got, and what mail servers said "
                "about them. Its last lines say what is left out."
            ),
        ),
        notes=("It is yours to keep or delete; nothing has changed here.",),
    )


_ABOUT_A_LINK = frozenset({"confirm", "link", "account", "address-old", "address-new"})
_UNASKED = "If you did not ask for it, ignore this mail: nothing has changed."
_ALONE = "Keep the link to yourself: whoever has it can change what you get."


def _paused(person: Subscriber) -> str:
    if person.status is not Status.PAUSED:
        return ""
    if person.paused_until is None:
        return "Your digests are paused."
    until = person.paused_until.astimezone(ZoneInfo(person.tz))
    return f"Your digests are paused until {until.day} {until:%B %Y}."


def _not_you(then: str, days: int) -> str:
    return (
        f"If this was not you, ignore this mail: {then}, and the request expires after {days} days."
    )


def _agree(occasion: Occasion, scope: str) -> str:
    return links.address(occasion.site, occasion.person, scope, occasion.word("subject"))


def _ask_us(occasion: Occasion, when: str) -> str:
    contact = clean(occasion.site.contact)
    return f"{when}, write to {contact}." if contact else ""


KINDS: Mapping[str, Callable[[Occasion], Words]] = {
    "confirm": _confirm,
    "known": _known,
    "link": _link,
    "account": _account,
    "address-old": _address_old,
    "address-new": _address_new,
    "address-changed": _address_changed,
    "goodbye": _goodbye,
    "answer": _answer,
    "help": _help,
    "export": _export,
}
