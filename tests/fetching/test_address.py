"""What may be asked, by address and by URL."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import FetchRefused
from digest.fetching.address import MAX_URL, allowed, check_url, shown


@pytest.mark.parametrize(
    "ip",
    [
        "8.8.8.8",
        "151.101.3.42",
        "100.63.255.255",
        "100.128.0.1",
        "172.32.0.1",
        "2a04:4e42::810",
        "2606:4700::6810:84e5",
    ],
)
def test_ordinary_public_addresses_are_allowed(ip):
    assert allowed(ip)


@pytest.mark.parametrize(
    ("kind", "ip"),
    [
        ("loopback", "127.0.0.1"),
        ("loopback", "127.255.255.254"),
        ("loopback", "::1"),
        ("unspecified", "0.0.0.0"),
        ("unspecified", "::"),
        ("this network", "0.1.2.3"),
        ("private", "10.0.0.1"),
        ("private", "172.16.0.1"),
        ("private", "172.31.255.255"),
        ("private", "192.168.1.1"),
        ("unique local", "fd00::1"),
        ("link-local, cloud metadata", "169.254.169.254"),
        ("link-local", "fe80::1"),
        ("link-local with a scope", "fe80::1%eth0"),
        ("site-local", "fec0::1"),
        ("carrier-grade NAT", "100.64.0.1"),
        ("carrier-grade NAT", "100.127.255.255"),
        ("multicast", "224.0.0.1"),
        ("multicast that calls itself global", "239.255.255.250"),
        ("multicast", "ff02::1"),
        ("multicast that calls itself global", "ff0e::1"),
        ("reserved", "240.0.0.1"),
        ("broadcast", "255.255.255.255"),
        ("IETF assignments", "192.0.0.8"),
        ("IETF assignments", "192.0.0.170"),
        ("6to4 relay", "192.88.99.1"),
        ("AS112", "192.31.196.1"),
        ("AMT", "192.52.193.1"),
        ("AS112", "192.175.48.1"),
        ("AS112", "2620:4f:8000::1"),
        ("benchmarking", "198.18.0.1"),
        ("benchmarking", "2001:2::1"),
        ("documentation", "192.0.2.1"),
        ("documentation", "198.51.100.1"),
        ("documentation", "203.0.113.1"),
        ("documentation", "2001:db8::1"),
        ("documentation", "3fff::1"),
        ("mapped IPv4", "::ffff:127.0.0.1"),
        ("mapped public IPv4", "::ffff:8.8.8.8"),
        ("compatible IPv4", "::127.0.0.1"),
        ("NAT64 of loopback", "64:ff9b::7f00:1"),
        ("local NAT64", "64:ff9b:1::1"),
        ("6to4 of loopback", "2002:7f00:1::"),
        ("Teredo", "2001::1"),
        ("ORCHID", "2001:20::1"),
        ("segment routing", "5f00::1"),
        ("discard only", "100::1"),
        ("not an address", "localhost"),
        ("not an address", ""),
    ],
)
def test_addresses_that_could_lead_inside_are_not(kind, ip):
    assert not allowed(ip), kind


@given(st.ip_addresses())
def test_whatever_is_allowed_is_global_unicast_in_the_standard_library_too(ip):
    if allowed(ip):
        assert ip.is_global
        assert not ip.is_multicast


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_in_ipv6_never_opens_a_way(ip):
    number = int(IPv4Address(ip))
    wrapped = {
        "mapped": IPv6Address((0xFFFF << 32) | number),
        "compatible": IPv6Address(number),
        "NAT64": IPv6Address((0x64FF9B << 96) | number),
        "6to4": IPv6Address((0x2002 << 112) | (number << 80)),
        "Teredo": IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    }
    assert [how for how, each in wrapped.items() if allowed(each)] == []


@pytest.mark.parametrize(
    "url",
    [
        "https://rss.arxiv.org/rss/cs.LG+stat.ML",
        "https://export.arxiv.org/api/query?search_query=cat:cs.LG+AND+submittedDate:[2026+TO+2027]",
        "http://example.org:8080/feed?a=%2F",
    ],
)
def test_a_good_url_is_asked_exactly_as_it_is_written(url):
    assert check_url(url) == url


def test_fragments_stay_at_home_and_names_are_lower_case():
    assert check_url("HTTP://Example.ORG/Feed#top") == "http://example.org/Feed"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("file:///etc/passwd", "neither http nor https"),
        ("ftp://example.org/", "neither http nor https"),
        ("javascript:alert(1)", "neither http nor https"),
        ("example.org/feed", "neither http nor https"),
        ("", "neither http nor https"),
        ("http:///feed", "no host"),
        ("http://user:secret@example.org/", "user name or password"),
        ("http://user@example.org/", "user name or password"),
        ("http://example.org:0/", "port"),
        ("http://example.org:99999/", "port"),
        ("http://example.org:port/", "not a URL"),
        ("http://exa\nmple.org/", "not a URL"),
        ("http://[::1/", "not a URL"),
        ("https://example.org/" + "a" * MAX_URL, "longer than"),
    ],
)
def test_a_bad_url_is_refused_with_the_reason(url, says):
    with pytest.raises(FetchRefused, match=says) as caught:
        check_url(url)
    assert "secret" not in str(caught.value)
    assert not caught.value.gone


def test_reports_show_neither_credentials_nor_query():
    url = "https://user:p@ss@example.org/feed?token=secret#part"

    assert shown(url) == "https://example.org/feed?…"


@given(st.text())
def test_any_text_is_either_a_checked_web_address_or_refused(text):
    try:
        outcome = check_url(text)
    except FetchRefused as refusal:
        outcome = refusal

    if isinstance(outcome, str):
        assert outcome.startswith(("http://", "https://"))
        assert check_url(outcome) == outcome
    else:
        assert str(outcome).isprintable()
