"""Splits long lists into pages, by `?page=`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Generic, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request

from digest.errors import NotFound

LONGEST_NUMBER = 4

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[T]):
    """One page of a long list, with the paths of its neighbours ("" where there is none)."""

    items: Sequence[T]
    total: int
    number: int
    of: int
    previous: str = ""
    next: str = ""


def part(
    request: Request,
    items: Sequence[T],
    size: int,
    *,
    path: str,
    parameters: Sequence[str] = (),
    anchor: str = "",
) -> Part[T]:
    """The page of the list at `path` that `?page=` asks for; raises NotFound beyond the last.

    Links to its neighbours keep the `parameters` of the query and lead to the `anchor`.
    """
    number = _number(request.query_params.get("page", "") or "1")
    last = _last(len(items), size)
    if not 1 <= number <= last:
        raise NotFound("There is no such page of this list.")

    def beside(other: int) -> str:
        if not 1 <= other <= last:
            return ""
        query = {each: request.query_params.get(each, "") for each in parameters}
        query["page"] = str(other) if other > 1 else ""
        told = urlencode({key: value for key, value in query.items() if value})
        return f"{path}{'?' if told else ''}{told}{'#' if anchor else ''}{anchor}"

    return Part(
        items=items[(number - 1) * size : number * size],
        total=len(items),
        number=number,
        of=last,
        previous=beside(number - 1),
        next=beside(number + 1),
    )


def back(path: str, given: str, *, total: int, size: int, anchor: str = "") -> str:
    """The path of the page `given`, or of the last page if the list has become shorter.

    Without a valid number it is the first page, which has no anchor.
    """
    number = min(_number(given), _last(total, size))
    if number <= 1:
        return path
    return f"{path}?page={number}{'#' if anchor else ''}{anchor}"


def _number(given: str) -> int:
    """A page number; 0 if the text is not one."""
    return int(given) if given.isdecimal() and len(given) <= LONGEST_NUMBER else 0


def _last(total: int, size: int) -> int:
    return max(1, ceil(total / size))
