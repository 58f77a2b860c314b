"""Author lists split into names, and names made comparable."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from digest.text.cleaning import clean
from digest.text.latex import latex_to_text
from digest.text.markup import html_to_text
from digest.text.words import words

_INNERMOST = re.compile(r"\([^()]*\)")
_NESTING = 6
_AND = re.compile(r"\s+(?:and|&)\s+|^and\s+|\s+and$", re.IGNORECASE)
_ET_AL = re.compile(r"^et\s+al\.?$|\s+et\s+al\.?$", re.IGNORECASE)
_SUFFIX = re.compile(r"^(?:jr|sr|ii|iii|iv)\.?$", re.IGNORECASE)
# What follows a name and is none, without dots; as written, since Md, Do and Ma are given names.
_DEGREES = frozenset(
    (
        "BA", "BS", "BSc", "DDS", "DO", "DPhil", "DSc", "DVM", "EdD", "FACP", "FACS", "FRCP",
        "FRCS", "FRS", "JD", "MA", "MBA", "MBBS", "MD", "MDPhD", "MEng", "MPH", "MPhil", "MS",
        "MSc", "PHD", "PharmD", "PhD", "Phd", "Prof", "RN", "ScD", "UK", "USA",
    )
)  # fmt: skip
_DEGREE_MARKS = re.compile(r"[\s./–-]+")
_ACRONYM = re.compile(r"[A-Z]{3,}$")
_PARTICLES = frozenset(
    ("al", "da", "de", "del", "della", "der", "di", "dos", "du", "el", "la", "le", "van", "von")
)
_BETWEEN = re.compile(r"([,;]|\s+(?:and|&|on behalf of)\s+)")
_UPPER = "".join(filter(str.isupper, map(chr, range(0x2000))))
# A letter each, or two before a dot: A., É, Yu. A., K.-R.
_INITIALS = re.compile(rf"(?:[{_UPPER}](?:[^\W\d_]?\.)?[\s‐‑-]*){{1,4}}$")
_SUFFIX_INITIALS = frozenset({"JR", "SR", "II", "IV"})
_SUFFIX_WORDS = frozenset({"jr", "sr", "ii", "iii", "iv"})
_INSIDE_NAME = re.compile(r"['’‘`´\-‐‑–]")
_IN_TWO_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
    | {"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe", "Å": "Aa"}
)


def split_authors(s: str) -> tuple[str, ...]:
    """The names in arXiv's one comma-joined string.

    TeX accents are decoded, affiliations in (nested) parentheses dropped with their commas,
    ` and ` parts names too, and a `Jr.` or `III` after a comma stays with its name.
    """
    text = _without_affiliations(latex_to_text(s))
    names: list[str] = []
    for part in text.split(","):
        for name in _AND.split(part) if "and" in part.lower() or "&" in part else (part,):
            bare = name.strip(" ;*")
            if not any(c.isalpha() for c in bare):
                continue
            if names and _SUFFIX.match(bare):
                names[-1] = f"{names[-1]} {bare}"
            elif bare := _ET_AL.sub("", bare):
                names.append(bare)
    return tuple(names)


def authors_semicolon(s: str) -> tuple[str, ...]:
    """The names in bioRxiv's form, `"A, B.; C, D."`, given name first: `("B. A", "D. C")`."""
    names: list[str] = []
    for part in latex_to_text(s).split(";"):
        family, _, given = part.partition(",")
        given, _, suffix = given.partition(",")
        if _SUFFIX.match(given.strip()):
            given, suffix = suffix, given
        name = clean(f"{given} {family} {suffix}")
        if name:
            names.append(name)
    return tuple(names)


def authors_in_elements(elements: Sequence[str]) -> tuple[str, ...]:
    """The names in a feed's author elements: one each, or all in one with commas or semicolons.

    HTML is decoded; degrees and countries after a name are dropped.
    """
    names: list[str] = []
    for each in elements:
        text = ";".join(map(_without_degrees, html_to_text(each).split(";")))
        if ";" in text or is_family_first(text, alone=len(elements) == 1):
            names += authors_semicolon(text)
        else:
            names += authors_with_initials(text) or split_authors(text)
    return tuple(dict.fromkeys(names))


def authors_with_initials(s: str) -> tuple[str, ...]:
    """The names in `Bee, A., Dee, C. D. & Eff, G.`, initials first; nothing where it is no such list.

    It is one when at least half of its names are a family and initials; what has none, such as
    a consortium, stands alone.
    """
    names: list[str] = []
    pairs, is_open = 0, False
    parts = [_AND.sub(" ", f" {each} ").strip() for each in _BETWEEN.split(latex_to_text(s))[::2]]
    for part in filter(None, parts):
        is_initials = bool(_INITIALS.match(part))
        # `Petrov, IV` are initials, `Bee, A., IV` and `Ada Bee, IV` are not.
        is_own = is_open and part in _SUFFIX_INITIALS and _is_family(names[-1])
        if names and _SUFFIX.match(part) and not is_own:
            names[-1] = f"{names[-1]} {part}"
        elif is_open and is_initials and ("." in part or not _INITIALS.match(names[-1])):
            # After several words, letters without a dot may stand for an institute too.
            pairs += _is_family(names[-1]) or "." in part
            names[-1], is_open = f"{part} {names[-1]}", False
        else:
            names.append(part)
            is_open = not is_initials or "." not in part  # `MA, Y.`
    return tuple(names) if pairs and pairs * 2 >= len(names) else ()


def is_family_first(s: str, *, alone: bool) -> bool:
    """Whether this is one name written `Family, Given` rather than two names.

    `alone` says that nobody else is named beside it: then it may be a list too, or a name and where
    one works. A family name has a single word then, or begins with a particle.
    """
    name, comma, suffix = s.rpartition(",")
    if comma and _SUFFIX.match(suffix.strip()):
        s = name
    family, comma, given = s.partition(",")
    if not comma or "," in given or _AND.search(s) or _ACRONYM.match(given.strip()):
        return False
    return not alone or _is_family(family)


def author_key(name: str) -> str:
    """Family name and first initial, folded: the same for every usual way to write one name.

    `Jürgen Schmidhuber`, `J. Schmidhuber` and `Schmidhuber, J.` all give `schmidhuber j`. Of a
    family name of several words the last counts, since `van der Maaten` is filed both ways.
    """
    family, _, given = name.partition(",")
    if given and _SUFFIX.match(given.strip()):
        given = ""
    before, after = _parts(family), _parts(given)
    if not after and len(before) > 1:
        if len(before[-1]) == 1:  # "Schmidhuber J", as PubMed writes it
            before, after = before[:1], before[-1:]
        else:
            before, after = before[-1:], before[:1]
    if not before:
        before, after = after, []
    if not before:
        return ""
    return f"{before[-1]} {after[0][0]}" if after else before[-1]


def author_keys(name: str) -> frozenset[str]:
    """The keys of every spelling of a name: two names may be one person's if they share a key."""
    return frozenset(filter(None, map(author_key, spellings(name))))


def spellings(name: str) -> tuple[str, ...]:
    """A name, and as it is written where there are no umlauts: `Schütze` may be `Schuetze`.

    Nothing is done to a name in ASCII, so that `Bauer` is not `Baur`.
    """
    if name.isascii():
        return (name,)
    whole = unicodedata.normalize("NFC", name)
    written_out = whole.translate(_IN_TWO_LETTERS)
    return (name,) if written_out == whole else (name, written_out)


def _is_family(s: str) -> bool:
    """Whether this can be a family name by itself: a single word, or a particle and more."""
    first, *others = s.split() or [""]
    return not others or first.casefold() in _PARTICLES


def _without_degrees(s: str) -> str:
    """One name, or names with commas, without `MD` and `Ph.D.` after them.

    In upper case these may be a family or initials too (`MA, Y.`, `Bee, M. D.`): then they count
    only after a whole name, and with a space or hyphen only where that is `Family, Given`.
    """
    first, *others = _BETWEEN.split(s)
    parts = [each.strip() for each in others[1::2]]
    # `Bee, Ada, M. D.` has no use for more initials; in `Bee, A., MA, M. D.` somebody else has.
    is_named = _is_family(first) and (not parts[2:] or not _INITIALS.match(parts[0]))
    is_one = all(_is_degree(each, spaced=is_named) or _SUFFIX.match(each) for each in parts[1:])
    kept, name = [first], first
    for place, (between, part) in enumerate(zip(others[::2], parts, strict=True)):
        is_full = not _is_family(name) and not _INITIALS.match(name)
        is_after = is_full or (is_one and place > 0) or not part.isupper()
        if is_after and _is_degree(part, spaced=is_named and is_one):
            continue
        kept += [between, part]
        if not _SUFFIX.match(part):
            name = part
    return "".join(kept)


def _is_degree(s: str, *, spaced: bool) -> bool:
    is_bare = spaced or not s.isupper() or s.replace(".", "").isalpha()
    return is_bare and _DEGREE_MARKS.sub("", s) in _DEGREES


def _parts(s: str) -> list[str]:
    found = words(_INSIDE_NAME.sub("", s))
    return [each for each in found if each not in _SUFFIX_WORDS] or found


def _without_affiliations(s: str) -> str:
    if "(" not in s and ")" not in s:
        return s
    for _ in range(_NESTING):
        s, dropped = _INNERMOST.subn(" ", s)
        if not dropped:
            break
    s = re.sub(r"\([^,]*", " ", s)  # never closed: it ends where the next name may begin
    return clean(s.replace(")", " "))
