"""Measures how good the ranking is, on public datasets and on an operator's own readers.

On datasets: `datasets` reads a folder of papers, people and days. `baselines` are other rankers, and
`contestants` finds those to compare. `running` lets each rank every day, and `measures` computes
nDCG, recall and MRR with intervals. `standings` groups the results; `report` and `picture` show them.

On own readers: `answers` reads their feedback. `replay` ranks past editions again, with profiles and
space that `past` restores. `comparing` counts which of two rankers they prefer. `own` reports both.
"""

from __future__ import annotations
