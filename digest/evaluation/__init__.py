"""Is the ranking any good? On other people's libraries, and on an operator's own readers.

`datasets` reads a folder of papers, people and days; `baselines` are the rankers one could use
instead, and `contestants` puts ours beside them; `running` lets each rank every day; `measures`
says how well, and how sure that is; `standings`, `report` and `picture` show it.

Of an operator's own readers `answers` says what they wanted; `replay` ranks what they answered
again, for profiles that `past` sets back; `comparing` counts whom they prefer; `own` tells it.
"""

from __future__ import annotations
