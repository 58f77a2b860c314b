"""Templates and settings are found in a checkout and in a wheel."""

from __future__ import annotations

import pytest

from digest import resources
from digest.errors import ConfigError


def test_a_checkout_has_both_folders():
    assert (resources.templates_dir() / "mail" / "digest.html").is_file()
    assert (resources.config_dir() / "digest.toml").is_file()


def test_in_a_wheel_they_are_inside_the_package_whatever_lies_beside_it(tmp_path):
    package = tmp_path / "site-packages" / "digest"
    inside = package / "_shared" / "templates"
    inside.mkdir(parents=True)
    (package.parent / "templates").mkdir()

    assert resources._find("templates", package) == inside


def test_an_incomplete_installation_is_said_to_be_one(tmp_path):
    with pytest.raises(ConfigError, match="no templates folder"):
        resources._find("templates", tmp_path / "digest")
