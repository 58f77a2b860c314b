"""The words of commands by mail, greetings and polite phrases, as patterns of a line.

A command is a whole line. `unsubscribe` cannot be undone by a further mail, so a line only counts
as one if nothing but polite words stands beside it.
"""

from __future__ import annotations

import re
from enum import StrEnum

from digest.model import FeedbackKind


class Verb(StrEnum):
    """The commands by mail."""

    SUBSCRIBE = "subscribe"
    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    TOPICS = "topics"
    KEYWORDS = "keywords"
    AUTHORS = "authors"
    UNFOLLOW = "unfollow"
    MUTE = "mute"
    UNMUTE = "unmute"
    PAUSE = "pause"
    RESUME = "resume"
    CADENCE = "cadence"
    AT = "at"
    ZONE = "zone"
    LIMIT = "limit"
    FLOOR = "floor"
    ANSWER = "answer"
    UNDO = "undo"
    AGAIN = "again"
    SEEN = "seen"
    SETTINGS = "settings"
    LINK = "link"
    EXPORT = "export"
    FORGET = "forget"
    HELP = "help"


KINDS = {
    "more": FeedbackKind.MORE,
    "like": FeedbackKind.MORE,
    "liked": FeedbackKind.MORE,
    "less": FeedbackKind.LESS,
    "fewer": FeedbackKind.LESS,
    "dislike": FeedbackKind.LESS,
    "hide": FeedbackKind.LESS,
    "mute": FeedbackKind.LESS,
    "save": FeedbackKind.SAVE,
    "keep": FeedbackKind.SAVE,
    "known": FeedbackKind.KNOWN,
    "knew": FeedbackKind.KNOWN,
    "know": FeedbackKind.KNOWN,
    "upvote": FeedbackKind.UPVOTE,
    "vote": FeedbackKind.UPVOTE,
}
SIGNS = {"+": FeedbackKind.MORE, "-": FeedbackKind.LESS, "−": FeedbackKind.LESS}

POLITE = frozenset(
    {
        *("please", "pls", "plz", "kindly", "thanks", "thank", "you", "hi", "hello", "hey", "dear"),
        *("now", "could", "would", "can", "i", "want", "to", "like", "bitte", "danke", "merci"),
        *("svp", "gracias", "grazie"),
    }
)
OF_MAILS = frozenset(
    {
        *("me", "my", "from", "this", "the", "these", "all", "your", "list", "lists", "newsletter"),
        *("newsletters", "digest", "digests", "mailing", "mail", "mails", "email", "emails"),
        "emailing",
        *("message", "messages", "subscription", "sending", "it", "of"),
    }
)

_LEAVING = re.compile(
    r"\b(?:un-?subscribe|unsub|stop|remove|cancel|quit|sign[ -]?off|opt[ -]?out|take me off"
    r"|abmelden|abbestellen|austragen|(?:se |me )?désabonner|désinscri(?:re|ption)|darme de baja"
    r"|cancelar suscripción|disiscriviti|afmelden|uitschrijven)\b"
)
# With any other word it may be about what is in the digests: "no more digests like this".
_NO_MORE = re.compile(
    r"\s*(?:please[\s,]+)?no more (?:e-?mails|mails|digests)(?:[\s,.!]|please|thanks|thank you)*"
)
_CONFIRMING = (
    "yes", "y", "ok", "okay", "confirm", "confirmed", "i confirm", "yes i confirm", "yes confirm",
    "i agree", "agree", "sure", "yep", "confirm subscription", "confirm my subscription", "ja", "oui",
    "si", "sí", "sim", "tak", "да",
)  # fmt: skip
_THANKS = re.compile(r"(?:\b(?:please|thanks|thank you|many|bitte|danke|merci)\W*)+$")
_TAIL = r"(?:[\s,]+(?:please|thanks|thank you|pls|now|bitte|danke|merci))*"
_LEAD = re.compile(
    r"(?:(?:please|pls|plz|kindly|hi|hello|hey|bitte|i(?:'d| would| want| wish)?|could you|can you"
    r"|would you|(?:would )?like to|want to|send|digest)[\s,:!]+)+",
    re.IGNORECASE,
)
_MARKS = "*_\"'“”‘’«»`"
_DAYS = (
    r"mon(?:day)?s?|tue(?:sday)?s?|wed(?:nesday)?s?|thu(?:rsday)?s?|fri(?:day)?s?|sat(?:urday)?s?"
    r"|sun(?:day)?s?"
)
_CADENCE = rf"daily|every day|each day|weekdays|workdays|weekly|every week|once a week|{_DAYS}"
_TIME = r"\d{1,2}(?:[:.h]\d{2})?\s?h?(?:\s?[ap]\.?m\.?)?"

# Each is matched against a whole line; its first group is the command's argument.
PATTERNS: tuple[tuple[Verb, re.Pattern[str]], ...] = tuple(
    (verb, re.compile(f"(?:{shape}){_TAIL}", re.IGNORECASE))
    for verb, shape in (
        (Verb.HELP, r"(?:help|hilfe|aide|ayuda|info|commands|\?)(?: me)?"),
        (Verb.FORGET, r"forget me"),
        (Verb.EXPORT, r"export(?: (?:all )?(?:of )?my data| everything| all)?"),
        (Verb.SETTINGS, r"(?:my )?(?:settings|status|preferences|profile)"),
        (Verb.LINK, r"(?:me )?(?:my |the |a )?(?:link|preferences link|login)"),
        (Verb.UNDO, r"undo(?: (?:that|it|this|last|the last one))?"),
        (Verb.AGAIN, r"(?:me )?(?:(?:it |last week(?:'?s)? )?again|last week(?:'?s)?)"),
        (Verb.SEEN, r"(?:mark )?(?:all|everything)(?: as)? (?:seen|read)|seen all|caught up"),
        (Verb.RESUME, r"resume|unpause|continue|restart|start again|go on"),
        (Verb.PAUSE, r"(?:pause|snooze|suspend|take a break)(?: (?:digests?|mails?|it))?[:,]?(?: (.+?))?"),
        (Verb.CADENCE, rf"(?:(?:me|it|digests?|on|only|weekly on|make it) )*({_CADENCE})"),
        (Verb.AT, rf"(?:(?:me|it|digests?) )*(?:at|around|um)[: ]+({_TIME})(?: o'?clock)?"),
        (Verb.ZONE, r"(?:my )?(?:time ?zone|zone|tz)(?: is)?[:= ]+([\w+-]+(?:/[\w+-]+){0,2})"),
        (Verb.LIMIT, r"(?:(?:limit|papers|at most|max(?:imum)?|(?:show )?only|show)(?: (?:is|to|me|of))?[:= ]+)(\d{1,4})(?: papers?)?"),
        (Verb.FLOOR, r"(?:my )?(?:floor|bar)(?: (?:is|to))?[:= ]+(any|likely|sure|\d?\.\d{1,6}|\d{1,3} ?%|[01])"),
    )
)  # fmt: skip

# Commands whose argument is the rest of the line, in any words.
OPEN: tuple[tuple[Verb, re.Pattern[str]], ...] = tuple(
    (verb, re.compile(shape, re.IGNORECASE))
    for verb, shape in (
        (Verb.UNFOLLOW, r"(?:un-?follow|stop following)\b\s*[:=]?\s*(?:(?:author|keyword)s?:?\s+)?(.+)"),
        (Verb.UNMUTE, r"un-?mute\b\s*[:=]?\s*(.+)"),
        (Verb.MUTE, r"(?:mute|hide)\b\s*[:=]?\s*(.+)"),
        (Verb.TOPICS, r"(?:my )?topics?\b\s*[:=]?\s*(.*)"),
        (Verb.KEYWORDS, r"(?:my )?key-?words?\b\s*[:=]?\s*(.*)"),
        (Verb.AUTHORS, r"(?:my )?authors?\b\s*[:=]?\s*(.*)"),
        (Verb.SUBSCRIBE, r"(?:(?:re-?)?subscribe|sign me up|sign up|abonnieren)\b\s*[:=]?\s*(.*)"),
        # "Follow up on paper 3" and "add paper 3" are remarks about a digest.
        (Verb.SUBSCRIBE, r"(?:follow|add)\b(?![\s-]*up(?![\w-])|.*\bpapers?\s*#?\d)\s*[:=]?\s*(\S+(?:\s\S+){0,5})"),
    )
)  # fmt: skip

# With a colon or a sign after the name of a list, the rest is its values and not a remark.
_SURE = re.compile(
    r"(?:my )?(?:topics?|key-?words?|authors?)\b(?:\s*[:=]|\s+[+\-−]\s?\S)", re.IGNORECASE
)
_REMARK = re.compile(
    r"^(?:of|in|for|from|on|by|with|and|or|to|at|as|but)\b(?!-)|\?$"
    r"|(?<!-)\b(?:are|is|was|were|be|been|am|isn't|aren't|seems?|looks?|has|have|had|do|does|did|don't"
    r"|doesn't|didn't|can|can't|could|should|would|will|i|i'm|me|my|we|our|you|your|it|they|them"
    r"|their|there|this|that|these|those|too|very|missing|wrong|today|yesterday)\b(?!-)"
    r"|(?:^|[,;])\s*[^\s,;]+(?:\s+[^\s,;]+){6}",
    re.IGNORECASE,
)
# Two to four words that begin with a capital: Will and Can and Do are names too.
_NAME = re.compile(r"\s*(?:(?![a-z\d_])\w\S*(?:\s+|$)){2,4}")
_ANSWERS = re.compile(
    rf"(?P<word>{'|'.join(KINDS)})(?: (?:like|of|this|these|it|about|already|paper|papers|number|numbers|nr|no))*"
    r"\s*[:#]?\s*(?P<numbers>#?\d{1,3}(?:\s*(?:,|;|&|\+|and|und|\s)\s*#?\d{1,3}){0,49})",
)
_SIGNED = re.compile(r"(?:[+\-−]\s?\d{1,3}[\s,;]*){1,50}")
_ONE_SIGNED = re.compile(r"([+\-−])\s?(\d{1,3})")
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening)|hallo|guten tag|liebe[rs]?"
    r"|bonjour|hola|ciao|sehr geehrte)\b[^?]{0,40}"
)
# Words about what is best, such as "best first search"; "Best Ada" is goodbye.
_BEST_OF_ALL = re.compile(r"[Bb]est[ -](?!regards|wishes|thanks|greetings)[a-z]")
_CLOSING = re.compile(
    r"(?:(?:many |kind |best |warm |with )*(?:regards|wishes|thanks|cheers|best|sincerely|yours|greetings"
    r"|thank you)|(?:viele |liebe |mit freundlichen )?(?:grüße|grüßen|danke)|cordialement|merci"
    r"|saludos|gracias)\b[^?]{0,40}"
)


def plain(line: str) -> str:
    """Return a line without quotation marks, final punctuation and polite words before it."""
    text = line.strip().strip(f"{_MARKS} ")
    if text != "?":
        text = text.rstrip(f"{_MARKS}.!?,; ")
    lead = _LEAD.match(text)
    return text[lead.end() :] if lead and lead.end() < len(text) else text


def is_leaving(line: str) -> bool:
    """Tell whether a line says that its writer wants no more digests, and nothing else."""
    if _NO_MORE.fullmatch(line.casefold()):
        return True
    text = re.sub(r"[^\w\s'-]", " ", line.casefold())
    beside, leaving = _LEAVING.subn(" ", text)
    return leaving > 0 and all(each in POLITE or each in OF_MAILS for each in beside.split())


def is_agreeing(line: str) -> bool:
    """Tell whether a line is a yes."""
    return " ".join(re.findall(r"\w+", _THANKS.sub("", line.casefold()))) in _CONFIRMING


def is_greeting(line: str) -> bool:
    """Tell whether a line is a greeting and nothing else."""
    return bool(_GREETING.fullmatch(line.casefold()))


def is_closing(line: str) -> bool:
    """Tell whether a line closes a mail: what follows is a name."""
    return bool(_CLOSING.fullmatch(line.casefold())) and not _BEST_OF_ALL.match(line)


def answers(line: str) -> tuple[tuple[FeedbackKind, int], ...]:
    """Return the answers in a line like `more 2 and 5` or `+2 -3`, by number; () if it is none."""
    text = plain(line).casefold()
    if _SIGNED.fullmatch(text):
        return tuple((SIGNS[sign], int(number)) for sign, number in _ONE_SIGNED.findall(text))
    said: list[tuple[FeedbackKind, int]] = []
    at = 0
    for found in _ANSWERS.finditer(text):
        between = text[at : found.start()].strip(" ,;/&.")
        if between not in ("", "and", "und", "but", "i", "already", "i already"):
            return ()
        numbers = dict.fromkeys(int(each) for each in re.findall(r"\d+", found["numbers"]))
        said.extend((KINDS[found["word"]], number) for number in numbers)
        at = found.end()
    rest = text[at:].strip(" ,;/&.")
    return tuple(said) if set(rest.split()) <= POLITE | {"for", "later"} else ()


def fixed(line: str) -> tuple[Verb, str] | None:
    """Return the command that a whole line is, and its argument."""
    text = plain(line)
    for verb, shape in PATTERNS:
        if found := shape.fullmatch(text):
            return verb, (found[1] or "" if found.re.groups else "")
    return None


def is_sure(line: str) -> bool:
    """Tell whether a line surely gives the values of a list: `keywords: maps`, `topics +cs.IR`."""
    return bool(_SURE.match(plain(line)))


def is_remark(verb: Verb, text: str) -> bool:
    """Tell whether the text after the name of a list reads like a remark, not like values."""
    if verb is Verb.AUTHORS:
        text = ", ".join(each for each in re.split("[,;]", text) if not _NAME.fullmatch(each))
    return bool(_REMARK.search(text.replace("’", "'")))


def opened(line: str) -> tuple[Verb, str] | None:
    """Return the command that begins a line, and the rest of the line as its argument."""
    text = plain(line)
    is_prefix = re.search(r"\w\*\W*$", line) and not re.match(r"\W*\*", line)
    if is_prefix and not re.search(r"\*\W*$", text):
        text += "*"  # "keywords transform*", which is not bold as "*keywords maps*" is
    for verb, shape in OPEN:
        if found := shape.fullmatch(text):
            return verb, (found[1] or "").strip()
    return None
