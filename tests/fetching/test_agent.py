"""Whom those we ask can write to is taken from whatever operators write about themselves."""

import pytest

from digest.errors import ConfigError
from digest.fetching import HttpFetcher, user_agent


@pytest.mark.parametrize(
    ("texts", "contact"),
    [
        (["ada@example.org"], "ada@example.org"),
        (["https://lab.example/about?x=1"], "https://lab.example/about?x=1"),
        (["Jörg Müller <jm@lab.example>"], "jm@lab.example"),
        (["IR group, Uni Köln, ir@uni.example."], "ir@uni.example"),
        (["Who we are (https://lab.example/us)"], "https://lab.example/us"),
        (["mailto:ir@uni.example"], "ir@uni.example"),
        (["Retrieval Lab", "https://bücher.example/ä"], "https://xn--bcher-kva.example/%C3%A4"),
        (["", "", "digest@bücher.example"], "digest@xn--bcher-kva.example"),
        (["jörg@lab.example", "", "digest@lab.example"], "digest@lab.example"),
        (["https://a:b@lab.example/", "digest@lab.example"], "digest@lab.example"),
    ],
)
def test_the_first_page_or_address_is_named(texts, contact):
    agent = user_agent("digest/1", texts)
    assert agent == f"digest/1 (+{contact})"
    HttpFetcher(agent).close()


def test_without_any_the_setting_is_named():
    with pytest.raises(ConfigError, match=r"\[site\] contact must hold an address or a web page"):
        user_agent("digest/1", ["Retrieval Lab", "", "jörg@lab.example"])
