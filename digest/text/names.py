"""Splits author lists into names, and makes names comparable."""

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
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_SUFFIX = re.compile(rf"^(?:{'|'.join(_SUFFIXES)})\.?$", re.IGNORECASE)
# Degrees and countries after a name, without dots. Case matters: Md, Do and Ma are given names.
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
# One letter each, or two before a dot: A., É, Yu. A., K.-R.
_INITIALS = re.compile(rf"(?:[{_UPPER}](?:[^\W\d_]?\.)?[\s‐‑-]*){{1,4}}$")
_INSIDE_NAME = re.compile(r"['’‘`´\-‐‑–]")
_IN_TWO_LETTERS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
    | {"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe", "Å": "Aa"}
)


def split_authors(s: str) -> tuple[str, ...]:
    """The names in one string as arXiv writes it, separated by commas or `and`.

    LaTeX accents are decoded, affiliations in (nested) parentheses dropped, and a `Jr.` or `III`
    after a comma stays with its name.
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
    """The names in a string as bioRxiv writes it: `"A, B.; C, D."` gives `("B. A", "D. C")`."""
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
    """The names in a feed's author elements: one in each, or all in one element.

    HTML is decoded; what is in parentheses, degrees and countries after a name are dropped.
    """
    names: list[str] = []
    for each in elements:
        named = _without_affiliations(html_to_text(each))
        text = ";".join(map(_without_degrees, named.split(";")))
        if ";" in text or is_family_first(text, alone=len(elements) == 1):
            names += authors_semicolon(text)
        else:
            names += authors_with_initials(text) or split_authors(text)
    return tuple(dict.fromkeys(names))


def authors_with_initials(s: str) -> tuple[str, ...]:
    """The names in `Bee, A., Dee, C. D. & Eff, G.`, initials first; () if it is no such list.

    At least half of the names must be a family name with initials. Others, such as a consortium,
    are names by themselves.
    """
    names: list[str] = []
    pairs, is_open = 0, False
    parts = [_AND.sub(" ", f" {each} ").strip() for each in _BETWEEN.split(latex_to_text(s))[::2]]
    for part in filter(None, parts):
        is_initials = bool(_INITIALS.match(part))
        if names and _SUFFIX.match(part):
            names[-1] = f"{names[-1]} {part}"
        elif is_open and is_initials and ("." in part or not _INITIALS.match(names[-1])):
            # After several words, letters without a dot may be an institute.
            pairs += _is_family(names[-1]) or "." in part
            names[-1], is_open = f"{part} {names[-1]}", False
        else:
            names.append(part)
            is_open = not is_initials or "." not in part  # `MA, Y.`
    return tuple(names) if pairs and pairs * 2 >= len(names) else ()


def is_family_first(s: str, *, alone: bool) -> bool:
    """Whether this is one name written `Family, Given`, and not two names.

    If it is the only element (`alone`), it may also be a list, or a name and an institute. Then
    the family name must be one word or begin with a particle.
    """
    name, comma, suffix = s.rpartition(",")
    if comma and _SUFFIX.match(suffix.strip()):
        s = name
    family, comma, given = s.partition(",")
    if not comma or "," in given or _AND.search(s) or _ACRONYM.match(given.strip()):
        return False
    return not alone or _is_family(family)


def author_key(name: str) -> str:
    """Family name and first initial, folded: the same for all usual ways to write a name.

    `Jürgen Schmidhuber`, `J. Schmidhuber` and `Schmidhuber, J.` all give `schmidhuber j`. Only
    the last word of a family name counts, because `van der Maaten` is also filed under M.
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
    """The keys of all spellings of a name; two names that share a key may be one person's."""
    return frozenset(filter(None, map(author_key, spellings(name))))


def spellings(name: str) -> tuple[str, ...]:
    """A name, and its spelling without umlauts: `Schütze` may be `Schuetze`.

    A name in ASCII has one spelling, so that `Bauer` and `Baur` stay apart.
    """
    if name.isascii():
        return (name,)
    whole = unicodedata.normalize("NFC", name)
    written_out = whole.translate(_IN_TWO_LETTERS)
    return (name,) if written_out == whole else (name, written_out)


def _is_family(s: str) -> bool:
    """Whether this can be a family name: one word, or several after a particle."""
    first, *others = s.split() or [""]
    return not others or first.casefold() in _PARTICLES


def _without_degrees(s: str) -> str:
    """One name, or names with commas, without degrees (`MD`, `Ph.D.`) after them.

    In upper case a degree may also be a family name or initials (`MA, Y.`, `Bee, M. D.`). Then it
    is dropped only after a whole name, and with a space or hyphen in it only after `Family, Given`.
    """
    first, *others = _BETWEEN.split(s)
    parts = [each.strip() for each in others[1::2]]
    # In `Bee, Ada, M. D.` that is a degree; in `Bee, A., MA, M. D.` it is initials.
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
    return [each for each in found if each not in _SUFFIXES] or found


def _without_affiliations(s: str) -> str:
    if "(" not in s and ")" not in s:
        return s
    for _ in range(_NESTING):
        s, dropped = _INNERMOST.subn(" ", s)
        if not dropped:
            break
    s = re.sub(r"\([^,]*", " ", s)  # never closed: it ends where the next name may begin
    return clean(s.replace(")", " "))
