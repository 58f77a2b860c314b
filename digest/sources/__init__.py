"""Sources of papers: each says what to request and turns the answer's bytes into papers.

Config names a source by its import path: `.arxiv` is a module of this package, `.arxiv:Arxiv` a
class in it, `my_pkg.src:Mine` a plug-in. No plug-in runs only because it is installed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from digest.errors import ConfigError, DigestError, told
from digest.ports import Source

BUILT_IN: Mapping[str, str] = {
    "arxiv": ".arxiv:Arxiv",
    "arxiv-api": ".arxiv_api:ArxivApi",
    "arxiv-oai": ".arxiv_oai:ArxivOai",
    "huggingface": ".huggingface:HuggingFace",
    "biorxiv": ".biorxiv:Biorxiv",
    "medrxiv": ".biorxiv:Medrxiv",
    "feed": ".feed:FeedSource",
}
_FACTORY = "SOURCE"


def load(name: str, use: str, options: Mapping[str, object]) -> Source:
    """The source that config calls `name`, built from the class at `use` with its options.

    `use` is `module:Class`; a leading dot means this package, and the class is the module's
    `SOURCE` by default. Raises ConfigError, naming the source and the key, when there is no such
    class, an option is unknown or missing, or the object is not a source.
    """
    factory = _factory(name, use)
    _check_options(name, factory, options)
    try:
        source = factory(name=name, **options)
    except DigestError:
        raise
    except ValueError as error:  # what a source says of its options
        raise ConfigError(f"sources.{name}: {error}", subject=name) from error
    except Exception as error:
        raise ConfigError(
            f"sources.{name}: use = {use!r} cannot be made ({told(error)}).", subject=name
        ) from error
    if not (
        callable(getattr(source, "requests", None)) and callable(getattr(source, "parse", None))
    ):
        raise ConfigError(
            f"sources.{name}: use = {use!r} is not a source: a source has `requests` and `parse`.",
            subject=name,
        )
    return cast("Source", source)


def _factory(name: str, use: str) -> Callable[..., object]:
    path, _, attribute = use.partition(":")
    module_name = f"{__name__}{path}" if path.startswith(".") else path
    try:
        module = import_module(module_name)
    except Exception as error:
        raise ConfigError(
            f"sources.{name}: use = {use!r} cannot be imported ({told(error)}); built in are "
            f"{', '.join(sorted(set(BUILT_IN.values())))}.",
            subject=name,
        ) from error
    factory = getattr(module, attribute or _FACTORY, None)
    if not callable(factory):
        raise ConfigError(
            f"sources.{name}: use = {use!r}: there is no class {attribute or _FACTORY} in "
            f"{module.__name__}.",
            subject=name,
        )
    return cast("Callable[..., object]", factory)


def _check_options(
    name: str, factory: Callable[..., object], options: Mapping[str, object]
) -> None:
    parameters = inspect.signature(factory).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return
    known = [key for key in parameters if key != "name"]
    listed = ", ".join(known) or "none"
    for key in options:
        if key not in known:
            raise ConfigError(
                f"sources.{name}: unknown key {key!r}; the keys known here are {listed}.",
                subject=name,
            )
    for key in known:
        if parameters[key].default is inspect.Parameter.empty and key not in options:
            raise ConfigError(f"sources.{name}: the key {key!r} is missing.", subject=name)
