"""How many cores a process ranks on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def one_core() -> AbstractContextManager[object]:
    """Rank on one core while the context lasts; it holds for the whole process.

    A block's products are small: threads that share them wait for each other, and a block takes
    half as much again. Several cores are for several processes.
    """
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits
