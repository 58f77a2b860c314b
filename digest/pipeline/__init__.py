"""The verbs: ingest, compose, deliver, publish, tidy; their arguments are ports and `now`."""
