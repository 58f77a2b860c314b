"""Style sheets and scripts are kept by browsers for as long as their address lasts."""

import pytest

from digest.rendering import assets


def test_a_file_under_its_own_address_is_kept_for_good(client):
    answer = client.get(assets.address("page.css"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.content == assets.asset("page.css").content


@pytest.mark.parametrize("query", ["", "?v=0123456789ab"])
def test_under_an_older_address_it_is_the_newest_and_not_kept_for_good(client, query):
    answer = client.get(f"/static/page.css{query}")
    assert answer.content == assets.asset("page.css").content
    assert "immutable" not in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["base.html", "none.css", "..%2fpage%2fbase.html", ""])
def test_nothing_else_is_served(client, path):
    assert client.get(f"/static/{path}").status_code == 404
