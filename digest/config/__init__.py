"""Settings: the shipped defaults < a TOML file < the environment < flags.

The defaults *are* `config/digest.toml`, the commented file that people read; there is no second
list of them to drift. This module is the only reader of the environment. An unknown key, a wrong
type or an unreadable file is a ConfigError that names the file or variable and the key.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from digest.config.settings import Settings, SourceSettings
from digest.errors import ConfigError
from digest.model import Topic
from digest.resources import config_dir

__all__ = ["Settings", "SourceSettings", "arxiv_topics", "load", "unknown_variables"]

Table = dict[str, Any]

PREFIX = "DIGEST_"
LOCAL_FILE = Path("digest.toml")

ADDRESS = re.compile(r"[^\s<>@\",;:]+@[^\s<>@\",;:]+")
WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'\\^`{|}?#]+")
DOMAIN = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
LEAST: Mapping[str, float] = {
    "smtp.timeout": 1,
    "smtp.per_connection": 1,
    "smtp.block": 1,
    "smtp.connections": 1,
    "smtp.processes": 1,
    "smtp.per_second": 0,
    "smtp.per_hour": 0,
    "smtp.per_day": 0,
    "fetch.timeout": 1,
    "fetch.max_wire_mb": 0.1,
    "fetch.max_body_mb": 0.1,
    "fetch.interval": 1,
    "subscriber.limit": 1,
    "subscriber.floor": 0,
    "ranking.trending": 0,
    "ranking.cap": 1,
    "ranking.block": 1,
    "ranking.processes": 1,
    "ranking.explore": 0,
    "experiments.share": 0,
    "feeds.days": 1,
    "feeds.limit": 1,
    "worker.tick": 1,
    "worker.nightly_hour": 0,
    "keep.papers": 30,
    "keep.digests": 30,
    "keep.logs": 1,
    "keep.backup_count": 1,
    "web.port": 0,
    "web.signups": 1,
    "web.letters": 1,
    "web.requests": 1,
    "inbound.evidence_days": 1,
    "inbound.soft_bounces": 1,
    "inbound.soft_days": 1,
    "community.submissions_a_day": 0,
}
MOST: Mapping[str, float] = {
    "experiments.share": 1,
    "subscriber.floor": 1,
    "worker.nightly_hour": 23,
    "web.port": 65535,
}
FREE = ("experiments", "options")

_SECTIONS: dict[str, type] = {
    each.name: typing.get_type_hints(Settings)[each.name]
    for each in fields(Settings)
    if each.name not in ("origin", "db", "sources", "topics")
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
    _overlay_environment(tables, env)
    if "DIGEST_WEB_PORT" not in env and env.get("PORT", "").isdigit():
        tables["web"]["port"] = int(env["PORT"])
    for dotted, value in (overrides or {}).items():
        _put(tables, dotted.split("."), value)
    settings = _settings(tables, origin)
    _check(settings)
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


def unknown_variables(environment: Mapping[str, str] | None = None) -> list[str]:
    """DIGEST_* variables that name no setting: misspelled, most likely."""
    env = os.environ if environment is None else environment  # noqa: TID251 - its one home
    tables = _read(config_dir() / "digest.toml")
    return sorted(
        each
        for each in env
        if each.startswith(PREFIX)
        and each != "DIGEST_CONFIG"
        and _key_of(tables, each.removeprefix(PREFIX)) is None
        and _key_of(tables, each.removeprefix(PREFIX).removesuffix("_FILE")) is None
    )


def _read(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no settings file {path}.", subject=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", subject=str(path)) from error
    except tomllib.TOMLDecodeError as error:
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


def _overlay_environment(tables: Table, env: Mapping[str, str]) -> None:
    for variable, value in env.items():
        if not variable.startswith(PREFIX) or variable in ("DIGEST_CONFIG", "DIGEST_CONFIG_FILE"):
            continue
        name, content = variable.removeprefix(PREFIX), value
        path = _key_of(tables, name)
        if path is None and name.endswith("_FILE"):
            path = _key_of(tables, name.removesuffix("_FILE"))
            content = _secret(variable, value)
        if path is not None:
            _put(tables, path, _coerce(content, _get(tables, path), variable))


def _secret(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
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
        raise ConfigError(f"{variable} must be {kind}, not {text!r}.", subject=variable) from None
    if isinstance(like, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _settings(tables: Table, origin: str) -> Settings:
    sections = {
        name: _section(kind, tables[name], name, origin) for name, kind in _SECTIONS.items()
    }
    return Settings(
        origin=origin,
        db=_typed(tables["db"], str, "db", origin),
        sources={name: _source(name, table, origin) for name, table in tables["sources"].items()},
        topics={
            **arxiv_topics(),
            **{name: _topic(name, table, origin) for name, table in tables["topics"].items()},
        },
        **sections,
    )


def _check(settings: Settings) -> None:
    """Refuse values of the right type that could only do harm; raises ConfigError."""
    for bounds, sign, words in ((LEAST, 1, "at least"), (MOST, -1, "at most")):
        for key, bound in bounds.items():
            section, name = key.split(".")
            value = getattr(getattr(settings, section), name)
            if sign * value < sign * bound:
                raise ConfigError(
                    f"[{section}] {name} must be {words} {bound}, not {value}.", subject=key
                )
    for name in ("from_", "bounce_to", "unsubscribe_to"):
        address, key = getattr(settings.mail, name), name.rstrip("_")
        if (address or name == "from_") and not ADDRESS.fullmatch(address):
            raise ConfigError(
                f"[mail] {key} must be a bare address, such as digest@example.org.",
                subject=f"mail.{key}",
            )
    url = settings.site.url
    if url and not WEB_ADDRESS.fullmatch(url):
        raise ConfigError(
            "[site] url must be a web address, such as https://digest.example.org.",
            subject="site.url",
        )
    if settings.inbound.domain and not DOMAIN.fullmatch(settings.inbound.domain):
        raise ConfigError(
            "[inbound] domain must be a bare domain, such as papers.example.org.",
            subject="inbound.domain",
        )
    _check_proxies(settings.web.proxies)
    for reserved in ("trending", "picks", "mine"):
        if reserved in settings.topics:
            raise ConfigError(
                f"[topics.{reserved}] must have another name: Digest has a feed of that name.",
                subject=f"topics.{reserved}",
            )


def _check_proxies(proxies: tuple[str, ...]) -> None:
    """Refuse what uvicorn would take for a name, by which it knows nobody."""
    for each in () if proxies == ("*",) else proxies:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            raise ConfigError(
                "[web] proxies are addresses or networks, such as 192.0.2.7 or 10.0.0.0/8, "
                f"not {each!r}; a network has no bits behind its mask, and `*` stands alone.",
                subject="web.proxies",
            ) from None


def _section(kind: type, table: Table, name: str, origin: str) -> Any:
    hints = typing.get_type_hints(kind)
    values = {
        field: _typed(table[field.rstrip("_")], hint, f"{name}.{field.rstrip('_')}", origin)
        for field, hint in hints.items()
    }
    return kind(**values)


def _typed(value: object, hint: type, key: str, origin: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
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
        raise ConfigError(f"{origin}: {key} must be {words[hint]}, not {value!r}.", subject=key)
    return value


def _source(name: str, table: Table, origin: str) -> SourceSettings:
    options = dict(table)
    key = f"sources.{name}"
    if "use" not in options:
        raise ConfigError(
            f'{origin}: {key} needs a class, such as use = ".feed:FeedSource".', subject=key
        )
    return SourceSettings(
        name=name,
        use=_typed(options.pop("use"), str, f"{key}.use", origin),
        enabled=_typed(options.pop("enabled", True), bool, f"{key}.enabled", origin),
        nightly=_typed(options.pop("nightly", False), bool, f"{key}.nightly", origin),
        follow_subscribers=_typed(
            options.pop("follow_subscribers", False), bool, f"{key}.follow_subscribers", origin
        ),
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
