"""The JSON of the site as an OpenAPI 3.1 document, with schemas made from `digest.web.documents`."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from enum import StrEnum

from digest import __version__
from digest.model import Site
from digest.web import documents

Schema = dict[str, object]

_PLAIN: Mapping[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Parameter(typing.NamedTuple):
    """A parameter of a path or a query string."""

    name: str
    about: str
    schema: Mapping[str, object] = types.MappingProxyType({"type": "string"})


def _one_of(*values: str) -> Mapping[str, object]:
    return {"type": "string", "enum": list(values)}


DAY: Mapping[str, object] = {"type": "string", "format": "date"}
PAGE = Parameter("page", "Which page of the list, from 1.", {"type": "integer", "minimum": 1})
TOPIC = Parameter("topic", "A topic by the name in its address, such as `cs.LG`.")

# Path, what it is, the document it answers with, and what it can be asked.
ROUTES: Sequence[tuple[str, str, type, Sequence[Parameter]]] = (
    ("/today.json", "The latest day that has papers", documents.DayDocument, (TOPIC, PAGE)),
    (
        "/days/{date}.json",
        "The papers of a day",
        documents.DayDocument,
        (Parameter("date", "A day in UTC.", DAY), TOPIC, PAGE),
    ),
    (
        "/calendar/{month}.json",
        "The days of a month that have papers",
        documents.CalendarDocument,
        (Parameter("month", "A month, such as `2026-06`."),),
    ),
    (
        "/topics.json",
        "All topics",
        documents.TopicsDocument,
        (Parameter("q", "Words that the topics are to have."),),
    ),
    (
        "/topics/{slug}.json",
        "The latest papers in a topic",
        documents.TopicDocument,
        (Parameter("slug", "A topic by the name in its address."), PAGE),
    ),
    (
        "/papers/{paper}.json",
        "A paper",
        documents.PaperDocument,
        (Parameter("paper", "An id, such as `arxiv:2406.01234` or `doi:10.1/x`."),),
    ),
    (
        "/authors/{name}.json",
        "The papers of an author",
        documents.AuthorDocument,
        (Parameter("name", "A name, in any usual way to write it."),),
    ),
    (
        "/search.json",
        "Search; the id of a paper redirects to its document",
        documents.SearchDocument,
        (
            Parameter("q", 'Words, `"a phrase"`, `prefix*`, a title, an abstract, or an id.'),
            TOPIC,
            Parameter("source", "A source by its name, such as `arxiv`."),
            Parameter("since", "First announced on this day or later.", DAY),
            Parameter("until", "First announced on this day or earlier.", DAY),
            Parameter("sort", "The order.", _one_of("relevance", "newest")),
            PAGE,
        ),
    ),
    ("/trending.json", "What trends this week", documents.TrendingDocument, (TOPIC,)),
    (
        "/trending/{period}.json",
        "What trends in a period",
        documents.TrendingDocument,
        (Parameter("period", "The period.", _one_of("day", "week", "month")), TOPIC),
    ),
    ("/picks.json", "What curators picked", documents.PicksDocument, ()),
    ("/feeds.json", "All public feeds", documents.FeedsDocument, ()),
    ("/health", "Whether the database answers", documents.HealthDocument, ()),
)


def document(site: Site) -> dict[str, object]:
    """The whole document."""
    schemas: dict[str, Schema] = {}
    paths = {
        path: {"get": _operation(path, about, answer, parameters, schemas)}
        for path, about, answer, parameters in ROUTES
    }
    _reference(documents.ErrorDocument, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": site.name,
            "version": __version__,
            "description": "Every public list as JSON: by these paths, or at the path of the page "
            "with `Accept: application/json`. Answers carry an ETag.",
        },
        "servers": [{"url": site.url or "/"}],
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _operation(
    path: str,
    about: str,
    answer: type,
    parameters: Sequence[Parameter],
    schemas: dict[str, Schema],
) -> Schema:
    name = "".join(each.title() for each in path.replace(".json", "").split("/") if "{" not in each)
    refused = {"404": _answer("There is no such thing here.", documents.ErrorDocument, schemas)}
    return {
        "operationId": f"get{name}{'One' if '{' in path else ''}",
        "summary": about,
        "parameters": [
            {
                "name": each.name,
                "in": "path" if f"{{{each.name}}}" in path else "query",
                "required": f"{{{each.name}}}" in path,
                "description": each.about,
                "schema": dict(each.schema),
            }
            for each in parameters
        ],
        "responses": {
            "200": _answer(str(answer.__doc__), answer, schemas),
            **(refused if parameters else {}),
        },
    }


def _answer(about: str, answer: type, schemas: dict[str, Schema]) -> Schema:
    content = {"application/json": {"schema": _reference(answer, schemas)}}
    return {"description": about, "content": content}


def _reference(kind: type, schemas: dict[str, Schema]) -> Schema:
    """A reference to the schema of a document type, which is added with all that it refers to."""
    if kind.__name__ not in schemas:
        schemas[kind.__name__] = {}  # before its fields, in case it refers to itself
        hints = typing.get_type_hints(kind, include_extras=True)
        schemas[kind.__name__] = {
            "type": "object",
            "description": kind.__doc__,
            "properties": {name: _schema(hint, schemas) for name, hint in hints.items()},
            "required": list(hints),
        }
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _schema(hint: object, schemas: dict[str, Schema]) -> Schema:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return {**_schema(arguments[0], schemas), "format": arguments[1]}
    if origin is typing.Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], schemas)}
    if origin in (types.UnionType, typing.Union):
        (given,) = (each for each in arguments if each is not types.NoneType)
        inner = _schema(given, schemas)
        return {**inner, "type": [inner["type"], "null"]}
    return _named(hint, schemas) if isinstance(hint, type) else {}


def _named(kind: type, schemas: dict[str, Schema]) -> Schema:
    if typing.is_typeddict(kind):
        return _reference(kind, schemas)
    if issubclass(kind, StrEnum):
        return {"type": "string", "enum": [each.value for each in kind]}
    return {"type": _PLAIN[kind]}
