"""Makes outside text safe to store, to show and to write into XML."""

from __future__ import annotations

import re
import unicodedata

# What XML 1.0 forbids (section 2.2), C1 controls, and characters that are invisible or change the
# direction of text, with which one string can look like another (UTR 36).
_UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
# What C1 controls stand for, as in HTML's `&#146;` (html.spec.whatwg.org, 13.2.5.80).
_MEANT = {chr(code): bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
# Arabic, Indic scripts and emoji need joiners; beside Latin letters they are only invisible.
_STRAY_JOINER = re.compile(
    "(?<![^\x00-\u024f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\u024f\u200c\u200d])"
)


def clean(s: str) -> str:
    """One line of safe text: NFC, no control or spoofing characters, single spaces, stripped.

    It removes characters that XML 1.0 forbids, bidi controls and zero-width characters, but keeps
    ZWJ and ZWNJ in scripts that need them. C1 controls are read as windows-1252. Idempotent.
    """
    if not s.isprintable():
        s = " ".join(_UNSAFE.sub(_meant, s).split())
        if "\u200c" in s or "\u200d" in s:
            s = " ".join(_STRAY_JOINER.sub("", s).split())
    elif "  " in s:  # the only white space that is printable
        s = " ".join(s.split())
    else:
        s = s.strip(" ")
    return s if unicodedata.is_normalized("NFC", s) else unicodedata.normalize("NFC", s)


def _meant(match: re.Match[str]) -> str:
    return _MEANT.get(match[0]) or (" " if match[0].isspace() else "")
