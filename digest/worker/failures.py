"""Failures: one line of the log each; only unexpected ones have a traceback."""

from __future__ import annotations

import logging

from digest.errors import DigestError, sentence_of

log = logging.getLogger(__name__)


def say(part: str, error: Exception) -> None:
    """Log what went wrong in a part of a tick."""
    if isinstance(error, DigestError):
        log.warning("%s: %s", part, error.message, extra={"action": part})
    elif isinstance(error, OSError):
        log.warning("%s: %s", part, sentence_of(error), extra={"action": part})
    else:
        failed = "%s failed; the next tick tries again"
        log.error(failed, part, exc_info=error, extra={"action": part})
