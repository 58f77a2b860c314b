"""Which addresses may be fetched from: a deny list for IP addresses, and rules for URLs.

`ipaddress.ip_address(ip).is_global` is not enough: on Python 3.11 it is true of NAT64, 6to4,
IPv4-compatible, site-local and multicast addresses, which can lead into the operator's network.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from digest.errors import FetchFailed, FetchRefused

MAX_URL = 8000
"""Characters; RFC 9110 §4.1 asks everyone to support at least 8,000 octets."""

_MAX_PORT = 65535

_SHOWN = 200

_DENIED_V4 = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network, unspecified
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)

_GLOBAL_UNICAST = ip_network("2000::/3")

_DENIED_V6 = tuple(
    ip_network(block)
    for block in (
        "2001::/23",  # IETF protocol assignments: Teredo, ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 wraps any IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def allowed(ip: str | IPv4Address | IPv6Address) -> bool:
    """Whether this is an ordinary public address, by the IANA special-purpose registries.

    Of IPv6 only 2000::/3 is global unicast (RFC 4291 §2.4); that excludes loopback, mapped and
    compatible IPv4, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), 5f00::/16, unique-local, link-local,
    site-local and multicast. False for what is not an address.
    """
    try:
        address = ip_address(ip)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _DENIED_V4)
    return address in _GLOBAL_UNICAST and not any(address in block for block in _DENIED_V6)


def check_url(url: str) -> str:
    """The URL as it will be requested: normalised, without fragment.

    Raises FetchRefused unless it is http or https, has a host, a valid port, no user name or
    password, and at most `MAX_URL` characters. The address of the host is checked later, when
    the connection is made.
    """
    where = shown(url) or "An empty address"
    if len(url) > MAX_URL:
        raise refused(where, f"is longer than {MAX_URL} characters: shorten the query")
    try:
        parsed = httpx.URL(url).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        raise refused(where, "is not a URL: check how it is written") from None
    if parsed.scheme not in {"http", "https"}:
        raise refused(where, "is neither http nor https: give a web address")
    if not parsed.host:
        raise refused(where, "names no host: check how it is written")
    if parsed.userinfo:
        raise refused(where, "contains a user name or password: use an address without")
    if parsed.port is not None and not 0 < parsed.port <= _MAX_PORT:
        raise refused(where, "names a port that does not exist: check how it is written")
    return str(parsed)


def shown(url: str) -> str:
    """The URL as reports may show it: short, printable, no credentials, query or fragment."""
    bare, *query = re.split(r"[?#]", url, maxsplit=1)
    bare = re.sub(r"//[^/]*@", "//", bare)
    bare = "".join(char for char in bare if char.isprintable() and not char.isspace())
    if len(bare) > _SHOWN:
        return bare[:_SHOWN] + "…"
    return bare + "?…" if query else bare


def refused(where: str, why: str) -> FetchRefused:
    """The error for a URL (as `shown`) that must not be fetched; `why` says what to do."""
    return FetchRefused(f"{where} {why}.", subject=where)


def failed(where: str, why: str) -> FetchFailed:
    """The error for a URL (as `shown`) that could not be fetched this time."""
    return FetchFailed(f"{where} {why}: it will be asked again later.", subject=where)
