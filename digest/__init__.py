"""Digest reads every new paper listing so that people need not."""

__version__ = "0.1.0"
