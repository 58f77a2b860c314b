"""Recorded listings of invented papers, for the demo and the tests; see README.md beside it."""
