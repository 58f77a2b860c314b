"""Failures: one line of the log each; only unexpected ones have a traceback."""

from __future__ import annotations

import logging

from digest.errors import sentence_of

log = logging.getLogger(__name__)


def say(part: str, error: Exception) -> None:
    """Log what went wrong in a part of a tick."""
    if sentence := sentence_of(error):
        log.warning("%s: %s", part, sentence, extra={"action": part})
    else:
        failed = "%s failed; the next tick tries again"
        log.error(failed, part, exc_info=error, extra={"action": part})
