"""Lines of the run log as rows."""

from __future__ import annotations

import json
from sqlite3 import Row

from digest.model import Problem, SourceReport, Verdict
from digest.store.rows.scalars import Columns, moment, stamp


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
