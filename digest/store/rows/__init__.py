"""Values to rows and back: the one place that knows how a value looks in the database.

A time is text like `2026-06-10T04:00:00.000000Z`, always that wide, so that it sorts and compares
as text. Lists of ids go into statements as one JSON parameter, read with `json_each`.
"""
