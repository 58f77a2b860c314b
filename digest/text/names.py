"""Author lists split into names, and names made comparable."""

from __future__ import annotations

import re

from digest.text.cleaning import clean
from digest.text.latex import latex_to_text
from digest.text.words import words

_INNERMOST = re.compile(r"\([^()]*\)")
_NESTING = 6
_AND = re.compile(r"\s+(?:and|&)\s+|^and\s+|\s+and$", re.IGNORECASE)
_ET_AL = re.compile(r"^et\s+al\.?$|\s+et\s+al\.?$", re.IGNORECASE)
_SUFFIX = re.compile(r"^(?:jr|sr|ii|iii|iv)\.?$", re.IGNORECASE)
_NO_NAME = re.compile(r"(?i:(?:d\.?phil|ph\.? ?d|m\.?d|m\.?sc|b\.?sc|frs|prof|dr)\.?)$|[A-Z]{3,}$")
_PARTICLES = frozenset(
    ("al", "da", "de", "del", "della", "der", "di", "dos", "du", "el", "la", "le", "van", "von")
)
_BETWEEN = re.compile(r",|\s+(?:and|&)\s+")
_INITIALS = re.compile(r"(?:[A-Z]\.?[\s-]*){1,4}$")
_SUFFIX_WORDS = frozenset({"jr", "sr", "ii", "iii", "iv"})
_INSIDE_NAME = re.compile(r"['’‘`´\-‐‑–]")


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


def authors_with_initials(s: str) -> tuple[str, ...]:
    """The names in `Bee, A., Dee, C. D. & Eff, G.`, initials first; nothing where it is no such list."""
    parts = [_AND.sub(" ", f" {each} ").strip() for each in _BETWEEN.split(latex_to_text(s))]
    parts = [each for each in parts if each]
    families, initials = parts[::2], parts[1::2]
    if len(families) != len(initials) or any(map(_INITIALS.match, families)):
        return ()
    if not all(map(_INITIALS.match, initials)):
        return ()
    return tuple(f"{own} {family}" for family, own in zip(families, initials, strict=True))


def is_family_first(s: str, *, alone: bool) -> bool:
    """Whether this is one name written `Family, Given` rather than two names.

    `alone` says that nobody else is named beside it: then it may be a list too, or a name and where
    one works. A family name has a single word then, or begins with a particle.
    """
    name, comma, suffix = s.rpartition(",")
    if comma and _SUFFIX.match(suffix.strip()):
        s = name
    family, comma, given = s.partition(",")
    if not comma or "," in given or _AND.search(s) or _NO_NAME.match(given.strip()):
        return False
    first, *others = family.split() or [""]
    return not alone or not others or first.casefold() in _PARTICLES


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
