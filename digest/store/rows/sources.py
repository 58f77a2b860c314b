"""Polls and reports as rows."""

from __future__ import annotations

import json
from sqlite3 import Row

from digest.model import PollState, Problem, SourceReport, Verdict
from digest.store.rows.scalars import Columns, moment, moment_or_none, stamp, stamp_or_none


def poll_columns(state: PollState) -> Columns:
    """The columns of `polls`."""
    return (
        state.source,
        state.url,
        state.location,
        state.etag,
        state.last_modified,
        state.body_hash,
        stamp_or_none(state.due_at),
        stamp_or_none(state.polled_at),
        stamp_or_none(state.changed_at),
        state.failures,
        state.last_error,
        int(state.gone),
        state.fresh_for,
        int(state.cut_short),
    )


def to_poll(row: Row) -> PollState:
    """A row of `polls`."""
    return PollState(
        source=row["source"],
        url=row["url"],
        location=row["location"],
        etag=row["etag"],
        last_modified=row["last_modified"],
        body_hash=row["body_hash"],
        due_at=moment_or_none(row["due_at"]),
        polled_at=moment_or_none(row["polled_at"]),
        changed_at=moment_or_none(row["changed_at"]),
        failures=row["failures"],
        last_error=row["last_error"],
        gone=bool(row["gone"]),
        fresh_for=row["fresh_for"],
        cut_short=bool(row["cut_short"]),
    )


def report_columns(report: SourceReport) -> Columns:
    """The columns of `runs`."""
    problems = [{"place": each.place, "cause": each.cause} for each in report.problems]
    return (
        stamp(report.at),
        report.source,
        report.place,
        report.verdict.value,
        report.read,
        report.papers,
        report.announced,
        report.merged,
        report.cause,
        json.dumps(problems),
    )


def to_report(row: Row) -> SourceReport:
    """A row of `runs`."""
    return SourceReport(
        source=row["source"],
        place=row["place"],
        verdict=Verdict(row["verdict"]),
        read=row["read"],
        papers=row["papers"],
        announced=row["announced"],
        merged=row["merged"],
        problems=tuple(
            Problem(source=row["source"], place=each["place"], cause=each["cause"])
            for each in json.loads(row["problems"])
        ),
        cause=row["cause"],
        at=moment(row["at"]),
    )
