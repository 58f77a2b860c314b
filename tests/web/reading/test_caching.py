"""Rendered answers are kept, told apart by version and encoding, and bounded."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from digest.web.caching import Cache, answer, kept

PLAIN = "text/plain; charset=utf-8"


def asked(**headers):
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw})


def test_an_answer_is_made_once_a_version():
    cache, made = Cache(), []

    def make():
        made.append(1)
        return kept(f"answer {len(made)}".encode(), PLAIN)

    first = cache.get("a", 1, make)
    again = cache.get("a", 1, make)
    later = cache.get("a", 2, make)

    assert first is again
    assert later.content == b"answer 2"
    assert cache.find("a", 1) is None


def test_the_least_used_answers_go_when_there_are_too_many_bytes():
    cache = Cache(most_bytes=250)
    for name in ("a", "b"):
        cache.get(name, 1, lambda: kept(b"x" * 100, PLAIN))
    cache.find("a", 1)

    cache.get("c", 1, lambda: kept(b"x" * 100, PLAIN))

    assert cache.find("b", 1) is None
    assert cache.find("a", 1)
    assert cache.find("c", 1)


def test_what_fails_is_not_kept():
    cache = Cache()
    with pytest.raises(ValueError, match="no"):
        cache.get("a", 1, lambda: (_ for _ in ()).throw(ValueError("no")))

    assert cache.get("a", 1, lambda: kept(b"yes", PLAIN)).content == b"yes"


@pytest.mark.parametrize("known", ['"{}"', '"{}-gz"', 'W/"{}"', '"other", "{}"', "*"])
def test_who_has_it_is_told_so(known):
    found = kept(b"word " * 1000, PLAIN)

    told = answer(asked(if_none_match=known.format(found.etag)), found)

    assert told.status_code == 304
    assert told.body == b""
    assert told.headers["etag"]


@pytest.mark.parametrize("known", ['"other"', "nonsense", '"{:.10}"'])
def test_who_has_something_else_gets_it(known):
    found = kept(b"x", PLAIN)
    assert answer(asked(if_none_match=known.format(found.etag)), found).status_code == 200
