"""Decides which papers each subscriber gets, in which order, and for what reasons.

- `linear` is the ranker. It scores blocks of profiles and lists the best papers of each.
- `space` is learned from the archive: word weights and a low-rank (LSA) space. `points` are texts in
  it, `point_cache` keeps those that recur, `features` holds an edition's.
- `profiles` scores topics, keywords, searches and authors; `tastes` and `opinions` score likes and
  dislikes, as `directions`; `sheet` adds everything up.
- `arranging`, `selecting` and `placing` turn scores into lists; `reasons` names the terms of each
  score, and `explain` puts them into words.
- `trending` rates votes, `searching` orders search results, `nearness` finds similar papers.

`trending`, `searching` and `explain` need only the standard library. Importing `linear` or `nearness`
loads numpy and scipy; learning a space loads scikit-learn.
"""

from __future__ import annotations

from digest.ranking.searching import fuse, related

__all__ = ["fuse", "related"]
