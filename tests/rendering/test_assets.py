"""Style sheets and scripts have addresses that change with their content."""

import re

import pytest

from digest.errors import NotFound
from digest.rendering import assets
from digest.resources import templates_dir


def test_an_address_carries_a_hash_of_the_content():
    assert re.fullmatch(r"/static/page\.css\?v=[0-9a-f]{12}", assets.address("page.css"))
    assert assets.asset("page.css").content == (templates_dir() / "page/page.css").read_bytes()
    assert assets.asset("page.css").hash in assets.address("page.css")


def test_every_file_there_is_has_an_address_and_a_type():
    files = [*(templates_dir() / "static").iterdir(), *(templates_dir() / "page").glob("*.css")]
    for file in files:
        assert assets.asset(file.name).media_type, file.name


@pytest.mark.parametrize(
    "name",
    ["", "base.html", "../page/page.css", "..", "none.css", "page.css/", "a\0.css", "/etc/x.js"],
)
def test_nothing_else_can_be_asked_for(name):
    with pytest.raises(NotFound):
        assets.address(name)
