"""Limits the numeric libraries of this process to one core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def one_core() -> AbstractContextManager[object]:
    """Compute on one core, in the whole process, while the context lasts.

    The matrix products of a block are small: several threads mostly wait for each other, and take
    half as long again. To use several cores, run several processes.
    """
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits
