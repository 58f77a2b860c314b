"""Settings: the shipped defaults < a TOML file < the environment < flags.

The defaults are `config/digest.toml`, the commented file that people read, and nowhere else.
This module is the only reader of the environment. An unknown key, a wrong type or an unreadable
file is a ConfigError that names the file or variable and the key.
"""

from __future__ import annotations

import math
import os
import tomllib
import types
import typing
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from digest.config import bounds
from digest.config.settings import Settings, SourceSettings
from digest.errors import ConfigError
from digest.model import Topic
from digest.resources import config_dir

__all__ = ["Settings", "SourceSettings", "arxiv_topics", "load"]

Table = dict[str, Any]

PREFIX = "DIGEST_"
LOCAL_FILE = Path("digest.toml")
ENCODING = "utf-8-sig"
"""UTF-8, with or without the byte order mark that some editors write."""

FREE = ("experiments", "options")
"""The table that may hold any keys."""

_KINDS: dict[type, str] = {
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
_SECTIONS: dict[str, type] = {
    each.name: typing.get_type_hints(Settings)[each.name]
    for each in fields(Settings)
    if each.name not in ("origin", "unknown_variables", "db", "sources", "topics")
}


def load(
    path: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings; `overrides` maps dotted keys (`smtp.url`) to values given as flags.

    The default of `path` is DIGEST_CONFIG, or else a digest.toml in the working folder. PORT, by
    which process managers say where to listen, counts as DIGEST_WEB_PORT. Raises ConfigError.
    """
    env = dict(os.environ if environment is None else environment)  # noqa: TID251 - its one home
    tables = _read(config_dir() / "digest.toml")
    path = path or (Path(env["DIGEST_CONFIG"]) if env.get("DIGEST_CONFIG") else None)
    if path is None and LOCAL_FILE.is_file():
        path = LOCAL_FILE
    origin = str(path) if path else "the shipped defaults"
    if path is not None:
        _overlay(tables, _read(path), origin)
    unknown, variables = _overlay_environment(tables, env)
    if "web.port" not in variables and env.get("PORT", "").isdigit():
        variables["web.port"] = "PORT"
        tables["web"]["port"] = _coerce(env["PORT"], 0, "PORT")
    for dotted, value in (overrides or {}).items():
        variables.pop(dotted, None)
        _put(tables, dotted.split("."), value)
    try:
        _check_finite(tables, origin)
        settings = _settings(tables, origin, unknown)
        bounds.check(settings)
    except ConfigError as error:
        if (variable := variables.get(error.subject)) is None:
            raise
        sentence = error.message.removeprefix(f"{origin}: ")
        raise ConfigError(f"{variable}: {sentence}", subject=variable) from error
    return settings


@cache
def arxiv_topics() -> Mapping[str, Topic]:
    """Every arXiv category and archive as a topic, by id, in the taxonomy's order."""
    topics: dict[str, Topic] = {}
    for archive, entry in _read(config_dir() / "arxiv.toml").items():
        group = str(entry["name"])
        topics[archive] = Topic(id=archive, name=group, categories=(archive,), group=group)
        for code, name in entry.get("categories", {}).items():
            category = f"{archive}.{code}"
            topics[category] = Topic(id=category, name=name, categories=(category,), group=group)
    return topics


def _read(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding=ENCODING))
    except FileNotFoundError:
        raise ConfigError(f"There is no settings file {path}.", subject=str(path)) from None
    except OSError as error:
        said = error.strerror or error
        raise ConfigError(f"{path} cannot be read: {said}.", subject=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: save it as UTF-8.", subject=str(path)) from error
    except ValueError as error:  # not TOMLDecodeError alone: a number may have too many digits
        raise ConfigError(f"{path} is not valid TOML: {error}.", subject=str(path)) from error


def _overlay(base: Table, upper: Table, origin: str, path: tuple[str, ...] = ()) -> None:
    """Lay one table over another in place; raises ConfigError for an unknown key."""
    for key, value in upper.items():
        here = (*path, key)
        if here[0] in ("sources", "topics"):
            if len(here) == 1:
                _expect_table(value, here, origin)
                _overlay(base.setdefault(key, {}), value, origin, here)
            elif len(here) == 2:  # noqa: PLR2004 - sources.NAME
                _expect_table(value, here, origin)
                base[key] = {**base.get(key, {}), **value}
            continue
        if key not in base:
            known = ", ".join(sorted(base))
            dotted = ".".join(here)
            raise ConfigError(
                f"{origin}: there is no setting {dotted!r}; here it can be one of {known}.",
                subject=dotted,
            )
        if here == FREE:
            _expect_table(value, here, origin)
            base[key] = value
        elif isinstance(base[key], dict):
            _expect_table(value, here, origin)
            _overlay(base[key], value, origin, here)
        else:
            base[key] = value


def _expect_table(value: object, path: tuple[str, ...], origin: str) -> None:
    if not isinstance(value, dict):
        dotted = ".".join(path)
        raise ConfigError(f"{origin}: {dotted} must be a table, [{dotted}].", subject=dotted)


def _overlay_environment(
    tables: Table, env: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Lay variables over the tables in place.

    Returns the variables that name no setting, and the others by the key that each sets.
    """
    unknown: list[str] = []
    variables: dict[str, str] = {}
    for variable, value in sorted(_without_blanks(env).items()):
        if not variable.startswith(PREFIX) or variable == "DIGEST_CONFIG":
            continue
        name = variable.removeprefix(PREFIX)
        if path := _key_of(tables, name):
            content = value
        elif path := _key_of(tables, name.removesuffix("_FILE")):
            content = _secret(variable, value)
        else:
            unknown.append(variable)
            continue
        first = variables.setdefault(".".join(path), variable)
        if first != variable:
            raise ConfigError(
                f"{first} and {variable} set the same key: keep one of them.", subject=variable
            )
        _put(tables, path, _coerce(content, _get(tables, path), variable))
    return tuple(unknown), variables


def _without_blanks(env: Mapping[str, str]) -> dict[str, str]:
    """The variables without the blank one of X and X_FILE, as docker-compose's `${X:-}` makes it.

    Where both are blank, X stays.
    """
    return {
        name: value
        for name, value in env.items()
        if value.strip()
        or not (
            name.removesuffix("_FILE") in env
            if name.endswith("_FILE")
            else env.get(f"{name}_FILE", "").strip()
        )
    }


def _check_finite(tables: Table, origin: str, path: tuple[str, ...] = ()) -> None:
    """Refuse NaN, which passes every comparison of bounds, and infinity, in any key."""
    for key, value in tables.items():
        here = (*path, key)
        if isinstance(value, dict):
            _check_finite(value, origin, here)
        elif isinstance(value, float) and not math.isfinite(value):
            dotted = ".".join(here)
            raise ConfigError(
                f"{origin}: {dotted} must be a finite number, not {value}.", subject=dotted
            )


def _secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding=ENCODING).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{variable} names a file that cannot be read: {path}.", subject=variable
        ) from error


def _key_of(tables: Table, name: str) -> list[str] | None:
    """The path of a variable's key, such as smtp.url for SMTP_URL; None if there is no such key.

    The `url` of a source may be set though the table does not have it.
    """
    for key, value in tables.items():
        upper = key.upper().replace("-", "_")
        if not isinstance(value, dict):
            if upper == name:
                return [key]
        elif name.startswith(upper + "_"):
            rest = name.removeprefix(upper + "_")
            deeper = _key_of(value, rest)
            if deeper is not None:
                return [key, *deeper]
            if "use" in value and rest == "URL":
                return [key, "url"]
    return None


def _get(tables: Table, path: list[str]) -> object:
    for key in path[:-1]:
        tables = tables[key]
    return tables.get(path[-1], "")


def _put(tables: Table, path: list[str], value: object) -> None:
    for key in path[:-1]:
        tables = tables.setdefault(key, {})
    tables[path[-1]] = value


def _coerce(text: str, like: object, variable: str) -> object:
    """Read a variable's text as the type of the value it replaces."""
    try:
        if isinstance(like, bool):
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
                text.strip().lower()
            ]
        if isinstance(like, int | float):
            # The default 5 may be that of a float, too; `_typed` checks by the field's type.
            return float(text) if "." in text or isinstance(like, float) else int(text)
    except (KeyError, ValueError):
        kind = "true or false" if isinstance(like, bool) else "a number"
        raise ConfigError(
            f"{variable} must be {kind}, not {shortened(text)}.", subject=variable
        ) from None
    if isinstance(like, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _settings(tables: Table, origin: str, unknown: tuple[str, ...]) -> Settings:
    sections = {
        name: _section(kind, tables[name], name, origin) for name, kind in _SECTIONS.items()
    }
    return Settings(
        origin=origin,
        unknown_variables=unknown,
        db=_typed(tables["db"], str, "db", origin),
        sources={name: _source(name, table, origin) for name, table in tables["sources"].items()},
        topics={
            **arxiv_topics(),
            **{name: _topic(name, table, origin) for name, table in tables["topics"].items()},
        },
        **sections,
    )


def _section(kind: type, table: Table, name: str, origin: str) -> Any:
    hints = typing.get_type_hints(kind)
    values = {
        field: _typed(table[field.rstrip("_")], hint, f"{name}.{field.rstrip('_')}", origin)
        for field, hint in hints.items()
    }
    return kind(**values)


def _typed(value: object, hint: type, key: str, origin: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        with suppress(OverflowError):
            return float(value)
    if hint == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise ConfigError(f"{origin}: {key} must be a list of texts.", subject=key)
        return tuple(value)
    if hint == Mapping[str, object]:
        _expect_table(value, tuple(key.split(".")), origin)
        return types.MappingProxyType(typing.cast("Table", value))
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):
        raise ConfigError(
            f"{origin}: {key} must be {_KINDS[hint]}, not {shortened(value)}.", subject=key
        )
    return value


def _source(name: str, table: Table, origin: str) -> SourceSettings:
    options = dict(table)
    key = f"sources.{name}"
    if "use" not in options:
        raise ConfigError(
            f'{origin}: {key} needs a class, such as use = ".feed:FeedSource".', subject=key
        )
    follows = _typed(
        options.pop("follow_subscribers", False), bool, f"{key}.follow_subscribers", origin
    )
    if follows:  # subscribers' categories are added to its own, which must so be a list
        _typed(options.get("categories", []), tuple[str, ...], f"{key}.categories", origin)
    if "url" in options and str(options["use"]).startswith("."):
        _typed(options["url"], str, f"{key}.url", origin)
    return SourceSettings(
        name=name,
        use=_typed(options.pop("use"), str, f"{key}.use", origin),
        enabled=_typed(options.pop("enabled", True), bool, f"{key}.enabled", origin),
        nightly=_typed(options.pop("nightly", False), bool, f"{key}.nightly", origin),
        follow_subscribers=follows,
        options=types.MappingProxyType(options),
    )


def _topic(name: str, table: Table, origin: str) -> Topic:
    allowed: dict[str, Any] = {
        **dict.fromkeys(("name", "description", "group"), str),
        **dict.fromkeys(("categories", "keywords", "phrases"), tuple[str, ...]),
    }
    for key in table:
        if key not in allowed:
            raise ConfigError(
                f"{origin}: there is no setting 'topics.{name}.{key}'; "
                f"a topic has {', '.join(allowed)}.",
                subject=f"topics.{name}.{key}",
            )
    values = {
        key: _typed(table[key], allowed[key], f"topics.{name}.{key}", origin) for key in table
    }
    return Topic(**{"id": name, **values, "name": values.get("name") or name})
