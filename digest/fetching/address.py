"""Which addresses may be asked at all: a deny list for IP addresses, and rules for URLs.

An allow-by-default check such as `ipaddress.ip_address(ip).is_global` is not enough: on
Python 3.11 it calls NAT64, 6to4, IPv4-compatible, site-local and multicast addresses global,
and each of those can lead back into the operator's own network.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from digest.errors import FetchRefused

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
    """Whether an address is an ordinary public one, by the IANA special-purpose registries.

    IPv6 is denied by default: only 2000::/3 is global unicast (RFC 4291 §2.4), which leaves out
    loopback, mapped and compatible IPv4, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), 5f00::/16,
    unique-local, link-local, site-local and multicast at once. Not an address: False.
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

    Raises FetchRefused unless it is http or https with a host and a port that can exist, no
    user name or password, and at most `MAX_URL` characters. Names are not resolved here: which
    address a name leads to is checked when the connection is made.
    """
    where = shown(url)
    if len(url) > MAX_URL:
        raise _refused(f"is longer than {MAX_URL} characters: shorten the query", where)
    try:
        parsed = httpx.URL(url).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError):
        raise _refused("is not a URL: check how it is written", where) from None
    if parsed.scheme not in {"http", "https"}:
        raise _refused("is neither http nor https: give a web address", where)
    if not parsed.host:
        raise _refused("names no host: check how it is written", where)
    if parsed.userinfo:
        raise _refused("carries a user name or password: use an address without", where)
    if parsed.port is not None and not 0 < parsed.port <= _MAX_PORT:
        raise _refused("names a port that does not exist: check how it is written", where)
    return str(parsed)


def shown(url: str) -> str:
    """The URL as reports may show it: no credentials, query or fragment, printable and short."""
    bare, *query = re.split(r"[?#]", url, maxsplit=1)
    bare = re.sub(r"//[^/]*@", "//", bare)
    bare = "".join(char for char in bare if char.isprintable() and not char.isspace())
    if len(bare) > _SHOWN:
        return bare[:_SHOWN] + "…"
    return bare + "?…" if query else bare


def _refused(why: str, where: str) -> FetchRefused:
    return FetchRefused(f"{where or 'An empty address'} {why}.", subject=where)
