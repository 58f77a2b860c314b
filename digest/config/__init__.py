"""Settings: the shipped defaults < a TOML file < the environment < flags.

The defaults *are* `config/digest.toml`, the commented file that people read; there is no second
list of them to drift. This module is the only reader of the environment. An unknown key, a wrong
type or an unreadable file is a ConfigError that names the file or variable and the key.
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
# Some editors begin a file with a byte order mark.
ENCODING = "utf-8-sig"

FREE = ("experiments", "options")

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
    """Read settings; `overrides` maps dotted keys (`smtp.url`) to values given as flags.

    Without `path`, DIGEST_CONFIG or a digest.toml in the working folder is taken if there is one.
    PORT, by which process managers say where to listen, counts as DIGEST_WEB_PORT.
    Raises ConfigError.
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
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", subject=str(path)) from error
    except ValueError as error:  # a number of thousands of digits is one, too
        raise ConfigError(f"{path} is not valid TOML: {error}.", subject=str(path)) from error


def _overlay(base: Table, upper: Table, origin: str, path: tuple[str, ...] = ()) -> None:
    """Lay one table over another in place, refusing keys that mean nothing."""
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
    """Lay variables over the tables in place; returns those that name no setting, the others by key."""
    unknown: list[str] = []
    variables: dict[str, str] = {}
    for variable, value in sorted(_said(env).items()):
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
                f"{first} and {variable} say the same setting: keep one of them.", subject=variable
            )
        _put(tables, path, _coerce(content, _get(tables, path), variable))
    return tuple(unknown), variables


def _said(env: Mapping[str, str]) -> dict[str, str]:
    """The variables without the empty one of X and X_FILE, as docker-compose's `${X:-}` makes it."""
    given = {
        each: value
        for each, value in env.items()
        if value.strip() or not each.endswith("_FILE") or each.removesuffix("_FILE") not in env
    }
    return {
        each: given[each] for each in given if given[each].strip() or f"{each}_FILE" not in given
    }


def _check_finite(tables: Table, origin: str, path: tuple[str, ...] = ()) -> None:
    """Refuse NaN, which no comparison refuses, and the infinite, wherever a key holds one."""
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
    """The path of a variable's key: SMTP_URL is smtp.url, SOURCES_ARXIV_OAI_URL a source's url."""
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
            # A whole number may stand for one that need not be; the field's type says.
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
        words = {
            str: "text in quotes",
            int: "a whole number",
            float: "a number",
            bool: "true or false",
        }
        raise ConfigError(
            f"{origin}: {key} must be {words[hint]}, not {shortened(value)}.", subject=key
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
    if follows:  # readers' categories are added to its own
        _typed(options.get("categories", []), tuple[str, ...], f"{key}.categories", origin)
    return SourceSettings(
        name=name,
        use=_typed(options.pop("use"), str, f"{key}.use", origin),
        enabled=_typed(options.pop("enabled", True), bool, f"{key}.enabled", origin),
        nightly=_typed(options.pop("nightly", False), bool, f"{key}.nightly", origin),
        follow_subscribers=follows,
        options=types.MappingProxyType(options),
    )


def _topic(name: str, table: Table, origin: str) -> Topic:
    allowed = {"name": str, "description": str, "group": str}
    lists = ("categories", "keywords", "phrases")
    for key in table:
        if key not in allowed and key not in lists:
            known = ", ".join((*allowed, *lists))
            raise ConfigError(
                f"{origin}: there is no setting 'topics.{name}.{key}'; a topic has {known}.",
                subject=f"topics.{name}.{key}",
            )
    texts = {
        key: _typed(table.get(key, ""), str, f"topics.{name}.{key}", origin) for key in allowed
    }
    words = {
        key: _typed(table.get(key, []), tuple[str, ...], f"topics.{name}.{key}", origin)
        for key in lists
    }
    return Topic(
        id=name,
        name=texts["name"] or name,
        description=texts["description"],
        group=texts["group"],
        **words,
    )
