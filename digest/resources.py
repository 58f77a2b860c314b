"""Finds the files that are not Python: `templates/` and `config/`.

In a checkout they stand beside the package, where people edit them; in a wheel they are inside
it, under `digest/_shared/`.
"""

from __future__ import annotations

from pathlib import Path

from digest.errors import ConfigError

PACKAGE = Path(__file__).parent


def templates_dir() -> Path:
    """Where the mail and page templates are; raises ConfigError if the installation lacks them."""
    return _find("templates", PACKAGE)


def config_dir() -> Path:
    """Where the default settings are; raises ConfigError if the installation lacks them."""
    return _find("config", PACKAGE)


def _find(name: str, package: Path) -> Path:
    places = (package.parent / name, package / "_shared" / name)
    # A wheel lies in site-packages, where another project's `templates` might be our neighbour.
    if (package / "_shared").is_dir():
        places = places[::-1]
    for place in places:
        if place.is_dir():
            return place
    looked = " or ".join(str(place) for place in places)
    raise ConfigError(
        f"This installation of Digest is incomplete: there is no {name} folder at {looked}; "
        "install it again.",
        subject=name,
    )
