"""0010: what a reader said of a paper is found by both."""

from __future__ import annotations

# Of each answer, `Feedback.answers` asks what its reader said last of that paper.
BY_READER_AND_PAPER = """
CREATE INDEX feedback_by_reader_and_paper ON feedback (subscriber_id, paper_id, at);
"""

SCRIPTS = (BY_READER_AND_PAPER,)
