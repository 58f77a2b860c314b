"""Bodies decompressed, within bounds."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import FetchFailed, FetchRefused
from digest.fetching.inflating import MIB, Caps, Inflater

FEED = b"<rss><item>Sparse attention</item></rss>" * 40


def inflate(data, encoding, *, step=7, **caps):
    inflater = Inflater(encoding, caps=Caps(**caps), where="https://example.org/feed")
    for start in range(0, len(data), step):
        inflater.feed(data[start : start + step])
    return inflater.finish()


def raw_deflate(data):
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return squeezer.compress(data) + squeezer.flush()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("", FEED),
        ("identity", FEED),
        ("none", FEED),
        ("UTF-8", FEED),
        ("gzip", gzip.compress(FEED, mtime=0)),
        ("X-GZIP", gzip.compress(FEED, mtime=0)),
        ("deflate", zlib.compress(FEED)),
        ("deflate", raw_deflate(FEED)),
    ],
)
def test_every_form_that_servers_send_comes_out_the_same(encoding, data):
    assert inflate(data, encoding) == FEED


def test_a_gzip_body_may_have_several_members():
    assert inflate(gzip.compress(FEED) + gzip.compress(b"more"), "gzip") == FEED + b"more"


@pytest.mark.parametrize("rest", [b"\0" * 100, b"<!-- cached -->"])
def test_what_follows_the_end_of_the_data_is_padding(rest):
    assert inflate(gzip.compress(FEED) + rest, "gzip") == FEED


def test_an_empty_body_is_empty_whatever_it_is_called():
    assert inflate(b"", "gzip") == b""


@given(st.binary(max_size=3000), st.integers(1, 500), st.sampled_from(["gzip", "deflate", ""]))
def test_the_size_of_the_pieces_makes_no_difference(data, step, encoding):
    squeeze = {"gzip": gzip.compress, "deflate": zlib.compress, "": bytes}[encoding]
    assert inflate(squeeze(data), encoding, step=step) == data


@pytest.mark.parametrize(
    "data", [gzip.compress(FEED, mtime=0)[:-9], b"<rss/>", gzip.compress(FEED, mtime=0)[:5]]
)
def test_a_damaged_or_short_body_is_to_be_asked_again(data):
    with pytest.raises(FetchFailed, match="damaged or incomplete"):
        inflate(data, "gzip")


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_rubbish_is_a_failure_and_nothing_else(data, encoding):
    try:
        outcome = inflate(data, encoding)
    except FetchFailed as failure:
        outcome = failure

    assert isinstance(outcome, bytes | FetchFailed)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_encodings_that_were_not_asked_for_are_refused_before_a_byte_is_read(encoding):
    with pytest.raises(FetchRefused, match="not asked for"):
        Inflater(encoding, caps=Caps(), where="https://example.org/feed")


def test_a_body_too_large_on_the_wire_is_refused():
    with pytest.raises(FetchRefused, match=r"larger than .* on the wire"):
        inflate(bytes(101), "", wire=100)


def test_a_body_too_large_when_inflated_is_refused():
    with pytest.raises(FetchRefused, match=r"larger than .* inflated"):
        inflate(gzip.compress(bytes(10_001)), "gzip", body=10_000)


def test_a_bomb_is_known_by_its_ratio_long_before_it_is_large():
    bomb = gzip.compress(bytes(16 * MIB))
    inflater = Inflater("gzip", caps=Caps(body=1 << 40, wire=1 << 40), where="bomb")

    with pytest.raises(FetchRefused, match="200 times, as bombs do"):
        inflater.feed(bomb)
    assert len(inflater.so_far()) < 4 * MIB


def test_a_swarm_of_empty_members_is_not_unpacked():
    with pytest.raises(FetchFailed, match="damaged"):
        inflate(gzip.compress(b"") * 1000, "gzip", step=1 << 16)
