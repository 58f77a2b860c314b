"""Safe web addresses, and the links in an abstract."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

from digest.model import Link, LinkKind

MAX_LINKS = 5
_MAX_LENGTH = 2_000
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_ODD = re.compile(r"[ \xa0\"<>\\^`{|}]")
_PLAIN = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,4})?(?:[/?#][A-Za-z0-9!#$%&'()*+,./:;=?@_~-]*)?"
)
_CODE_HOSTS = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "huggingface.co",
               "4open.science", "zenodo.org", "sr.ht", "sourceforge.net")  # fmt: skip
_HOST = r"(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|huggingface\.co|zenodo\.org|anonymous\.4open\.science|[\w-]+\.github\.io)"
_ADDRESS = re.compile(
    rf"https?://[^\s<>\"|\\^`]+|(?<![\w./@-]){_HOST}/[^\s<>\"|\\^`]+", re.IGNORECASE
)
_NOT_A_PROJECT = ("arxiv.org", "doi.org", "creativecommons.org")
_TRAILING = ".,;:!?'’”\"*_~…"
_BRACES = dict.fromkeys(map(ord, "{}"))
_PAIRS = {")": "(", "]": "[", "}": "{", "›": "‹", "»": "«"}


def safe_url(s: str, *, base: str = "") -> str:
    """The address if it is safe to follow, else an empty text.

    Only http and https with a host are (`javascript:`, `data:`, `file:` never). Control and
    invisible characters are removed; spaces, quotation marks and other illegal characters are
    percent-encoded, as in browsers (url.spec.whatwg.org); a relative address is joined to `base`.
    """
    if len(s) <= _MAX_LENGTH and _PLAIN.fullmatch(s):
        return s
    return _safe_url(s[: _MAX_LENGTH + 1], base)


@lru_cache(maxsize=1024)
def _safe_url(s: str, base: str) -> str:
    url = _UNSEEN.sub("", s).strip(" \xa0")
    if url.startswith(("<", '"')):  # an address in brackets or quotation marks
        url = url.strip('<>" \xa0')
    if not url or len(s) > _MAX_LENGTH:
        return ""
    try:
        if base and not urlsplit(url).scheme:
            url = urljoin(base, url)
        parts = urlsplit(url)
        is_safe = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        return ""
    if not is_safe or _ODD.search(parts.netloc):
        return ""
    url = _ODD.sub(_encoded, url)
    return url if len(url) <= _MAX_LENGTH else ""


def _encoded(match: re.Match[str]) -> str:
    return quote(match[0])


def find_links(abstract: str) -> tuple[Link, ...]:
    """The first few distinct addresses in a text: repositories as `code`, others as `project`.

    Punctuation and brackets around an address are trimmed and TeX braces removed; `github.com/x/y`
    needs no scheme.
    """
    if "/" not in abstract:
        return ()
    found: dict[str, Link] = {}
    for match in _ADDRESS.finditer(abstract):
        url = safe_url(_trimmed(match[0]).translate(_BRACES))
        kind = _kind(url) if url else None
        key = url.lower().rstrip("/").removesuffix(".git").split("://", 1)[-1]
        if kind is None or key in found:
            continue
        found[key] = Link(kind=kind, url=url)
        if len(found) == MAX_LINKS:
            break
    return tuple(found.values())


def _trimmed(address: str) -> str:
    """The address without the sentence's punctuation, up to the first unpaired closing bracket."""
    for closer, opener in _PAIRS.items():
        unpaired = -1
        level = 0
        for at, char in enumerate(address):
            level += (char == opener) - (char == closer)
            if level < 0:
                unpaired = at
                break
        if unpaired >= 0:
            address = address[:unpaired]
    address = address.rstrip(_TRAILING + "([{")
    return address if "://" in address[:8] else f"https://{address}"


def _kind(url: str) -> LinkKind | None:
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if _is_at(host, _NOT_A_PROJECT):
        return None
    if _is_at(host, _CODE_HOSTS) and parts.path.strip("/"):
        return LinkKind.CODE
    return LinkKind.PROJECT


def _is_at(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
