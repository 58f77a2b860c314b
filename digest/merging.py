"""When two records are of one paper, and how they are merged; pure functions.

A paper has keys, the strongest first: its arXiv id, its DOI, the address of its page, and the key
of its title and first author. Records that share a key are one paper, unless both have arXiv ids
and those differ. A shared title is not enough for records with different publishers' DOIs, nor
for pages that one source lists as a series under one title (see the store).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from digest.model import Link, LinkKind, Paper
from digest.text import author_key, fold

ARCHIVES = frozenset(
    (
        "acc-phys", "adap-org", "alg-geom", "ao-sci", "astro-ph", "atom-ph", "bayes-an",
        "chao-dyn", "chem-ph", "cmp-lg", "comp-gas", "cond-mat", "cs", "dg-ga", "econ", "eess",
        "funct-an", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math", "math-ph",
        "mtrl-th", "nlin", "nucl-ex", "nucl-th", "patt-sol", "physics", "plasm-ph", "q-alg",
        "q-bio", "q-fin", "quant-ph", "solv-int", "stat", "supr-con",
    )
)  # fmt: skip
_STRENGTH = {"arxiv": 0, "doi": 1, "url": 2, "title": 3}
_MIN_WORDS = 4
_MIN_LENGTH = 20
_MAX_ID = 300
_CUT = ("…", "...")
_GENERIC = re.compile(
    r"(?:author |publisher )?(?:correction|corrigendum|erratum|addendum|retraction|withdrawn)\b"
    r"|(?:editorial|preface|foreword|obituary|in memoriam|book review|table of contents)\b"
    r"|(?:message|letter|note) from (?:the|our|your)\b"
    r"|(?:comment|reply|response|introduction) (?:on|to)\b|(?:front|back) (?:cover|matter)\b"
)
_ARXIV_PREFIX = re.compile(
    r"(?:oai:arxiv\.org:|arxiv:\s*"
    r"|(?:https?://)?(?:[a-z]{2,6}\.)?(?:arxiv|alphaxiv)\.org/"
    r"(?:abs|pdf|html|ps|format|e-print|src|overview)/"
    r"|(?:https?://)?ar5iv(?:\.labs\.arxiv)?\.org/(?:abs|html)/"
    r"|(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/papers/"
    r"|(?:(?:https?://)?(?:dx\.)?doi\.org/|doi:\s*)?10\.48550/arxiv\.)",
    re.IGNORECASE,
)
# Five digits since January 2015 (https://info.arxiv.org/help/arxiv_identifier.html).
_ARXIV_ID = re.compile(
    r"(?:(?P<new>(?:(?:0[7-9]|1[0-4])(?:0[1-9]|1[0-2])\.\d{4}|(?:1[5-9]|[2-9]\d)(?:0[1-9]|1[0-2])\.\d{5}))"
    r"|(?P<archive>[a-z]{2,5}(?:-[a-z]{2,4})?)(?:\.[a-z]{2}(?:-[a-z]{2,4})?)?/(?P<number>\d{7}))"
    r"(?:v(?P<version>[1-9]\d{0,2}))?(?:\.pdf)?/?(?:[?#].*)?",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_DOI_PREFIX = re.compile(r"(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi:\s*|info:doi/", re.IGNORECASE)
# SICI, which journals had before 2003: `10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9`.
SICI = r"<[^\s\"<>\x00-\x20\x7f]+>\d\.\d\.[A-Z]{2};[\w#-]{1,4}"
_DOI = re.compile(rf"10\.\d{{4,9}}/[^\s\"<>\x00-\x20\x7f]+(?:{SICI})?", re.IGNORECASE)
_SAFE_IN_PATHS = "!$&'()*+,/:;=@~"
_ARXIV_DOI = "10.48550/arxiv."
_OF_PAGES = frozenset((LinkKind.ABSTRACT, LinkKind.PDF))
# DOIs of preprint servers and archives (arXiv, bioRxiv, SSRN, Research Square, Preprints.org,
# ChemRxiv, OSF, TechRxiv, Authorea, ESSOAr, Zenodo, figshare), and of journals with a DOI for each
# version (eLife, F1000Research). The published paper has another DOI and mostly the same title.
_PREPRINT_DOI = re.compile(
    r"10\.(?:48550|64898|2139|21203|20944|26434|312\d\d|35542|36227|22541|5281|6084|12688)/"
    r"|10\.1101/\d|10\.1002/essoar|10\.7554/elife\.\d+\.\d"
)
# PubMed's feeds put the time when they were made into every link.
_PUBMED = "pubmed.ncbi.nlm.nih.gov"
# bioRxiv: /content/10.1101/2026.06.01.123456v2.full.pdf
_VERSION_OF_PAGE = re.compile(r"(?<=\d)v(\d{1,3})(?:\.[a-z.-]+)?/?(?:[?#].*)?\Z", re.ASCII)
_TRACKING = re.compile(r"utm_|rss$|af$|mi$|fbclid$|gclid$", re.IGNORECASE)


# --- names of papers --------------------------------------------------------------------------


def arxiv_id(s: str) -> tuple[str, int] | None:
    """The arXiv id in `s` without version, and the version (0 where there is none).

    Reads old and new ids, `arXiv:` and `oai:arXiv.org:` forms, arXiv's DOIs, and addresses at
    arxiv.org, alphaxiv.org, ar5iv.org and huggingface.co/papers. Old ids lose their subject class
    (`math.GT/0309136` becomes `math/0309136`), as at arXiv. None for anything else.
    """
    text = s.strip()[:_MAX_ID]
    if prefix := _ARXIV_PREFIX.match(text):
        text = text[prefix.end() :]
    match = _ARXIV_ID.fullmatch(text)
    if not match:
        return None
    version = int(match["version"] or 0)
    if match["new"]:
        return match["new"], version
    archive = match["archive"].lower()
    return (f"{archive}/{match['number']}", version) if archive in ARCHIVES else None


def canonical_doi(s: str) -> str:
    """The DOI in `s`, in lower case and without resolver or `doi:`; empty if it is not one.

    DOIs are case-insensitive (DOI Handbook, 2.4).
    """
    text = s.strip()[:_MAX_ID]
    if prefix := _DOI_PREFIX.match(text):
        text = unquote(text[prefix.end() :])
    match = _DOI.fullmatch(text.rstrip(".,;"))
    return match[0].lower() if match else ""


def doi_url(doi: str) -> str:
    """The address of a DOI's paper at the resolver."""
    return f"https://doi.org/{quote(doi, safe=_SAFE_IN_PATHS)}"


def canonical_url(s: str) -> str:
    """An address for comparison: https, no `www.`, no fragment, no tracking parameters.

    A page at PubMed has no query at all.
    """
    try:
        parts = urlsplit(s.strip())
        host = (parts.hostname or "").removeprefix("www.")
        host = f"{host}:{parts.port}" if parts.port not in {None, 80, 443} else host
    except ValueError:
        return s.strip()
    query = [
        pair
        for pair in parse_qsl(parts.query, keep_blank_values=True)
        if not _TRACKING.match(pair[0])
    ]
    path = parts.path.rstrip("/")
    if host == _PUBMED and path:
        query = []
    return urlunsplit(("https", host, path, urlencode(query), ""))


def url_key(address: str) -> str:
    """The key of a paper by its page's address."""
    return f"url:{_hash(canonical_url(address))}"


def title_key(title: str, authors: Iterable[str]) -> str:
    """The key of title and first author; empty where these do not identify a paper.

    That is without an author, for titles under four words or twenty characters, and for those
    that many papers have (editorials, corrections, replies).
    """
    folded = fold(title)
    author = author_key(next(iter(authors), ""))
    is_short = len(folded) < _MIN_LENGTH or folded.count(" ") + 1 < _MIN_WORDS
    if not author or is_short or _GENERIC.match(folded):
        return ""
    return f"title:{_hash(folded)}|{author}"


def keys_of(paper: Paper) -> tuple[str, ...]:
    """All distinct keys of this paper, the strongest kind first."""
    keys = [paper.id, *paper.identifiers]
    if doi := canonical_doi(paper.doi):
        keys.append(f"doi:{doi}")
    keys += [
        f"arxiv:{found[0]}"
        for key in keys
        if key.startswith(f"doi:{_ARXIV_DOI}") and (found := arxiv_id(key))
    ]
    keys.append(title_key(paper.title, paper.authors))
    distinct = dict.fromkeys(filter(None, keys))
    return tuple(sorted(distinct, key=lambda key: _STRENGTH.get(key.partition(":")[0], 2)))


def published_dois(keys: Iterable[str]) -> frozenset[str]:
    """The keys that are publishers' DOIs; records with different ones are different papers."""
    return frozenset(
        key for key in keys if key.startswith("doi:") and not _PREPRINT_DOI.match(key, 4)
    )


# --- two records of one paper -------------------------------------------------------------------


def join(old: Paper, new: Paper) -> Paper:
    """Merge two records of one paper.

    The old record's fields stay, so that a paper does not change each time another source names
    it; empty fields are filled. The exceptions:

    - a later version of the same id brings its title, abstract, authors and comment, since the
      links now lead to it; but no abstract or list of authors of less than half the old length,
      which is a teaser and not a revision;
    - an abstract that was cut off (…) is replaced by a longer one;
    - `id` is the arXiv id, if only the new record has one; then `version` and `url` are that
      record's too;
    - of addresses that differ in a version number only, the latest is taken;
    - a publisher's DOI replaces the one that arXiv gives to every paper;
    - `published` is the earlier of the two, `updated` the later.

    Categories, links and identifiers are united, the old ones first, so that the primary category
    stays. Merging a record twice changes nothing.
    """
    rekeyed = _is_arxiv(new.id) and not _is_arxiv(old.id)
    named, other = (new, old) if rekeyed else (old, new)
    is_later = old.id == new.id and new.version > old.version
    recent, former = (new, old) if is_later else (old, new)
    ids = (old.id, new.id) if old.id != new.id else ()
    return replace(
        old,
        id=named.id,
        version=max(old.version, new.version) if old.id == new.id else named.version,
        title=recent.title or former.title,
        abstract=_abstract(old.abstract, new.abstract, is_later=is_later),
        authors=_authors(old.authors, new.authors, is_later=is_later),
        categories=_united(old.categories, new.categories),
        published=min(filter(None, (old.published, new.published)), default=None),
        updated=max(filter(None, (old.updated, new.updated)), default=None),
        url=_page(named.url or other.url, other.url),
        doi=(new.doi or old.doi) if old.doi.lower().startswith(_ARXIV_DOI) else old.doi or new.doi,
        journal_ref=recent.journal_ref or former.journal_ref,
        comment=recent.comment or former.comment,
        licence=recent.licence or former.licence,
        links=_links((*old.links, *new.links)),
        identifiers=_united(old.identifiers, new.identifiers, ids),
    )


def _hash(s: str) -> str:
    return hashlib.sha256(s.encode("utf-8", "replace")).hexdigest()[:20]


def _is_arxiv(paper_id: str) -> bool:
    return paper_id.startswith("arxiv:")


def _abstract(old: str, new: str, *, is_later: bool) -> str:
    if not old or (old.endswith(_CUT) and len(new) > len(old)):
        return new or old
    is_cut = new.endswith(_CUT) and len(old) > len(new)
    return new if is_later and not is_cut and len(new) * 2 >= len(old) else old


def _authors(old: tuple[str, ...], new: tuple[str, ...], *, is_later: bool) -> tuple[str, ...]:
    return new if not old or (is_later and len(new) * 2 >= len(old)) else old


def _united(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for group in groups for each in group))


def _page(ours: str, theirs: str) -> str:
    """The first address, or the other if that is a later version of the same page."""
    (page, version), (other, later) = _page_and_version(ours), _page_and_version(theirs)
    return theirs if page == other and later > version > 0 else ours


def _page_and_version(address: str) -> tuple[str, int]:
    """An address without its version, and the version; 0 where it has none."""
    match = _VERSION_OF_PAGE.search(address)
    return (address[: match.start()], int(match[1])) if match else (address, 0)


def _links(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """The distinct links, with the latest version of a page in place of earlier ones."""
    latest: dict[tuple[LinkKind, str], tuple[int, Link]] = {}
    for link in links:
        page, version = _page_and_version(link.url)
        if link.kind in _OF_PAGES and version > latest.get((link.kind, page), (0, link))[0]:
            latest[link.kind, page] = version, link
    first: dict[str, Link] = {}
    for link in links:
        page, version = _page_and_version(link.url)
        newest, instead = latest.get((link.kind, page), (0, link))
        kept = instead if newest > version > 0 else link
        first.setdefault(kept.url, kept)
    return tuple(first.values())
