"""Which papers for whom, and why: features, profiles, scores in blocks, reasons.

`features` describes an edition's papers once; `profiles` turns a block of people into sparse
matrices over them; `linear` multiplies, and takes the best; `reasons` says for each pick what
made its score; `explain` says it in words. `trending` is what a community's votes are worth,
`searching` the order of what a search found.

`trending`, `searching` and `explain` need nothing but the standard library. numpy and scipy are
loaded by importing `linear` or `nearness`, scikit-learn by learning a space.
"""

from __future__ import annotations

from digest.ranking.searching import fuse, related

__all__ = ["fuse", "related"]
