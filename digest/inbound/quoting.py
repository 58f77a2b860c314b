"""Separate what a person typed from quotes and signatures.

Mail programs quote in two ways: with `>` before each line, or everything beneath a heading. What
stands beneath such a heading, or beneath the `-- ` of a signature, was not typed; what stands
beneath lines with `>` may have been.
"""

from __future__ import annotations

import re

from digest.text import clean

MOST_LINES = 2_000
LONGEST_LINE = 8_000
MOST_MATCHED = 500
LONGEST_HEADING = 3
LOOK_AHEAD = 6
SIGNATURE = "-- "

_QUOTE = re.compile(r"\s{0,3}(?:>|\|\s)")
_SIGNATURE = re.compile(r"--|—|__")
_SENT_FROM = re.compile(
    r"(?:(?:sent|gesendet|von meinem|envoyé|enviado|inviato|verzonden|verstuurd|skickat|sendt"
    r"|lähetetty|wysłan[eo]|odesláno|отправлено|get outlook|télécharger|holen sie sich|obtén|obtener"
    r"|scarica)\b|发自).{0,60}(?:iphone|ipad|ios|android|galaxy|samsung|outlook|mobil|handy|phone"
    r"|proton|yahoo|gmail|mail|blackberry|mailbox|windows|thunderbird|iphonu)\b.{0,80}"
    r"|.{0,20}(?:iphone|ipad|ios|android|galaxy).{0,60}"
    r"(?:から送信|에서 보냄|gönderildi|herunterladen|beziehen)\W*",
    re.IGNORECASE,
)
# What mail servers put beneath every mail, and the words that tell it from what a person typed.
_DISCLAIMER = re.compile(
    r"\W{0,3}(?:(?:legal |confidentiality |e-?mail )?(?:disclaimer|notice)|(?:the (?:information|"
    r"contents?) (?:contained |transmitted )?(?:in|of|by) )?(?:this|diese|cet?|este|questo|deze|dit)"
    r" (?:e-?mail|mail|message|communication|nachricht|courriel|mensaje|correo|messaggio|bericht))\b",
    re.IGNORECASE,
)
_CONFIDENTIAL = (
    *("confidenti", "confidenci", "intended", "privileged", "vertraulich", "vertrouwelijk"),
    *("destinat", "riservat"),
)
_ORIGINAL = re.compile(
    r"\s*[-_=*]{2,}\s*(?:(?:original|forwarded|replied|ursprüngliche|weitergeleitete|oorspronkelijk"
    r"|doorgestuurd|messaggio|mensaje|mensagem|message|wiadomość|ursprungligt)\b[^-_=]{0,60}"
    r"|originalnachricht|original-nachricht)\s*[-_=*]{2,}\s*|\s*[_]{20,}\s*"
    r"|\s*begin forwarded message:\s*",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"\s*\*?(?:from|von|de|da|van|från|fra|od|от|发件人|差出人|보낸 사람)\*?\s?[:：]", re.IGNORECASE
)
_BESIDE_FROM = re.compile(
    r"\s*\*?(?:sent|date|to|subject|cc|gesendet|datum|an|betreff|envoyé|à|objet|enviado|fecha|para"
    r"|asunto|inviato|data|a|oggetto|verzonden|aan|onderwerp|skickat|till|ämne|assunto|reply-to"
    r"|отправлено|кому|тема|发送时间|收件人|主题|送信日時|宛先|件名)\*?\s?[:：]",
    re.IGNORECASE,
)
_WROTE = re.compile(
    r"(?:wrote|writes|schrieb(?:en)?|a écrit|escribió|ha scritto|schreef|escreveu|skrev"
    r"|kirjoitti|napisał\(?a?\)?|napsal\(?a?\)?|írta|yazdı|пише[тш]?|написал\(?а?\)?|写道|のメール"
    r"|님이 작성)\s*(?:folgendes)?\s*[:：]\s*$",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    r"\s*(?:on|am|le|el|il|op|em|den|på|pe|w dniu|dnia|dne|\d{1,4}[-./年])(?=[\s,\d])",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"\d.*<[^<>\s]{1,80}@[^<>\s]{1,80}>.{0,20}[:：]\s*$")


def typed(text: str) -> tuple[str, ...]:
    """Return the lines that were typed, cleaned, with "" for empty lines between them.

    At most 2,000 lines are read. A line of more than 8,000 characters is cut, and ends in " …".
    """
    kept, _ = _parted(_lines(text))
    whole = "\n".join(kept).strip("\n")
    return tuple(whole.split("\n")) if whole else ()


def is_blank(text: str) -> bool:
    """Tell whether a text is nothing but marked quotes and a signature.

    An unmarked quote beneath a heading is not blank: some people type below it.
    """
    lines = _lines(text)
    kept, rest = _parted(lines)
    if rest and _SIGNATURE.fullmatch(rest[0]):
        quote = next((n for n in range(1, len(rest)) if _is_quote(rest, n)), len(rest))
        below, rest = _parted(rest[quote:])
        kept += below
    return len(lines) < MOST_LINES and not any((*kept, *rest))


def unflowed(text: str, *, deletes_space: bool = False) -> str:
    """Return a `format=flowed` text with its typed lines joined again (RFC 3676 §4).

    Quoted lines stay as they are. `deletes_space` is `delsp=yes`.
    """
    lines: list[str] = []
    flows = False
    for each in text.splitlines():
        is_quote = each.startswith(">")
        line = each if is_quote else each.removeprefix(" ")
        if flows and line.strip() and not is_quote and line != SIGNATURE:
            lines[-1] += line
        else:
            lines.append(line)
        flows = line.endswith(" ") and not is_quote and line != SIGNATURE
        if flows and deletes_space:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


def _lines(text: str) -> list[str]:
    lines = text.splitlines()[:MOST_LINES]
    cut = (e if len(e) <= LONGEST_LINE else f"{e[:MOST_MATCHED]} …" for e in lines)
    return [each.replace("\xa0", " ").rstrip() for each in cut]


def _parted(whole: list[str]) -> tuple[list[str], list[str]]:
    """Return what was typed, and the rest from where a signature or an unmarked quote begins."""
    lines = [each[:MOST_MATCHED] for each in whole]
    kept: list[str] = []
    at = 0
    while at < len(lines) and not _ends(lines, at):
        line = lines[at]
        heading = _heading(lines, at)
        if heading:
            if not _is_quoted_next(lines, at + heading):
                break
            at += heading
            continue
        if not _QUOTE.match(line) and not _SENT_FROM.fullmatch(line.strip()):
            kept.append(clean(whole[at]))
        at += 1
    return kept, whole[at:]


def _is_quote(lines: list[str], at: int) -> bool:
    return bool(_QUOTE.match(lines[at]) or _heading(lines, at) or _ends(lines, at))


def _ends(lines: list[str], at: int) -> bool:
    """Tell whether a signature, a disclaimer or an original without marks begins here."""
    line = lines[at]
    if _SIGNATURE.fullmatch(line) or _ORIGINAL.fullmatch(line):
        return True
    if not _QUOTE.match(line) and _DISCLAIMER.match(line):
        text = " ".join(lines[at : at + LOOK_AHEAD]).lower()
        return any(each in text for each in _CONFIDENTIAL)
    if not _FROM.match(line):
        return False
    return sum(bool(_BESIDE_FROM.match(each)) for each in lines[at + 1 : at + LOOK_AHEAD]) > 1


def _heading(lines: list[str], at: int) -> int:
    """Return how many lines a heading like "On Tuesday Ada wrote:" takes here; 0 for no heading."""
    joined = ""
    for height, line in enumerate(lines[at : at + LONGEST_HEADING], 1):
        if not line.strip():
            return 0
        if height > 1 and (_BEGINS.match(line) or not _BEGINS.match(lines[at])):
            return 0
        joined = f"{joined} {line.strip()}".strip()
        if _WROTE.search(joined) and (len(joined.split()) > 2 or height > 1):  # noqa: PLR2004 - who and when, at least
            return height
        if _ADDRESSED.search(joined):
            return height
    return 0


def _is_quoted_next(lines: list[str], at: int) -> bool:
    following = next((each for each in lines[at : at + LOOK_AHEAD] if each.strip()), "")
    return bool(_QUOTE.match(following))
