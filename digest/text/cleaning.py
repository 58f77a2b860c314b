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
# Joiners shape Arabic, Indic and emoji sequences; beside Latin letters they only hide.
_STRAY_JOINER = re.compile(
    "(?<![^\x00-\u024f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f\u200c\u200d])"
)


def clean(s: str) -> str:
    """One line of safe text: NFC, no control or spoofing characters, single spaces, stripped.

    What goes: characters that XML 1.0 forbids, C1 controls, bidi controls, zero-width
    characters. ZWJ and ZWNJ stay between letters of scripts that need them. Idempotent.
    """
    if not s.isprintable():
        s = _UNSAFE.sub("", " ".join(s.split()))
        s = _STRAY_JOINER.sub("", s)
        s = " ".join(s.split())
    elif "  " in s:  # of all white space only this is printable
        s = " ".join(s.split())
    else:
        s = s.strip(" ")
    return s if unicodedata.is_normalized("NFC", s) else unicodedata.normalize("NFC", s)
