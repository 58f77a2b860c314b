"""Text from outside made safe to store, to show and to write into XML."""

from __future__ import annotations

import re
import unicodedata

# Illegal in XML 1.0 (section 2.2), C1 controls, and characters that are invisible or turn the
# direction of what follows, with which one string can be dressed up as another (UTR 36).
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
# What was meant by C1 controls, as HTML reads `&#146;` (html.spec.whatwg.org, 13.2.5.80).
_MEANT = {chr(code): bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
# Joiners shape Arabic, Indic and emoji sequences; beside Latin letters they only hide.
_STRAY_JOINER = re.compile(
    "(?<![^\x00-\u024f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f\u200c\u200d])"
)


def clean(s: str) -> str:
    """One line of safe text: NFC, no control or spoofing characters, single spaces, stripped.

    What goes: characters that XML 1.0 forbids, bidi controls, zero-width characters. C1 controls
    are read as windows-1252. ZWJ and ZWNJ stay between letters of scripts that need them. Idempotent.
    """
    if not s.isprintable():
        s = " ".join(_UNSAFE.sub(_meant, s).split())
        if "\u200c" in s or "\u200d" in s:
            s = " ".join(_STRAY_JOINER.sub("", s).split())
    elif "  " in s:  # of all white space only this is printable
        s = " ".join(s.split())
    else:
        s = s.strip(" ")
    return s if unicodedata.is_normalized("NFC", s) else unicodedata.normalize("NFC", s)


def _meant(match: re.Match[str]) -> str:
    return _MEANT.get(match[0]) or (" " if match[0].isspace() else "")
