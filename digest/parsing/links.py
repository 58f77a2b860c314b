"""Links that can be followed safely, and what they lead to."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urljoin, urlsplit

from digest.model import Link, LinkKind

MAX_LINKS = 5
_MAX_LENGTH = 2_000
_UNSAFE = re.compile(
    r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\"<>\\^`{|}]"
)
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
_PAIRS = {")": "(", "]": "[", "}": "{", "›": "‹", "»": "«"}


def safe_url(s: str, *, base: str = "") -> str:
    """The address if it can be followed safely, else nothing.

    Only http and https with a host pass (`javascript:`, `data:`, `file:` never); control
    characters, spaces and quotation marks are removed; a relative address is taken to `base`.
    """
    if len(s) <= _MAX_LENGTH and _PLAIN.fullmatch(s):
        return s
    return _safe_url(s[: _MAX_LENGTH + 1], base)


@lru_cache(maxsize=1024)
def _safe_url(s: str, base: str) -> str:
    url = _UNSAFE.sub("", s)
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
    return url if is_safe else ""


def find_links(abstract: str) -> tuple[Link, ...]:
    """The first few addresses in a text: repositories as `code`, everything else as `project`.

    Punctuation, brackets and TeX braces around an address are trimmed, `github.com/x/y` counts
    without its scheme, and each address is named once.
    """
    if "/" not in abstract:
        return ()
    found: dict[str, Link] = {}
    for match in _ADDRESS.finditer(abstract):
        url = safe_url(_trimmed(match[0]))
        kind = _kind(url) if url else None
        key = url.lower().rstrip("/").removesuffix(".git").split("://", 1)[-1]
        if kind is None or key in found:
            continue
        found[key] = Link(kind=kind, url=url)
        if len(found) == MAX_LINKS:
            break
    return tuple(found.values())


def _trimmed(address: str) -> str:
    """Without what belongs to the sentence; a bracket stays only with its partner."""
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
