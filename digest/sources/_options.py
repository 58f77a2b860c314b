"""Checks of a source's options; the error names the key and what it should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from digest.errors import ConfigError


def names(
    given: object, *, source: str, key: str, like: str, valid: Callable[[str], object]
) -> tuple[str, ...]:
    """A list of names, each once, in order; `like` is an example for messages.

    Raises ConfigError when it is not a list of strings, or one of them is not `valid`.
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise ConfigError(
            f"sources.{source}: {key} must be a list of names like {like}.", subject=source
        )
    for each in given:
        if not isinstance(each, str) or not valid(each):
            raise ConfigError(
                f"sources.{source}: {key} has {each!r}, but names there look like {like}.",
                subject=source,
            )
    return tuple(dict.fromkeys(given))


def number(given: object, *, source: str, key: str, most: int) -> int:
    """A whole number from 1 to `most`; raises ConfigError for anything else."""
    if not isinstance(given, int) or not 1 <= given <= most:
        raise ConfigError(
            f"sources.{source}: {key} must be a number from 1 to {most}.", subject=source
        )
    return given
