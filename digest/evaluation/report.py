"""Reports the standings, as text and as values for JSON."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from digest.evaluation import standings
from digest.evaluation.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np

    from digest.evaluation.measures import Estimate
    from digest.evaluation.running import Record
    from digest.evaluation.standings import Group

MANIFOLD = 5
NOTES = """\
nDCG, R (recall) and MRR: means over each person's days, then over people. Intervals hold 95 % of
2,000 bootstrap resamples over clusters of people; ± is half an interval (--json has both ends).
µs: processor time for one subscriber and day on one core, in blocks, without the work that is done
once for each paper."""
ANEW = """
anew: the time to learn someone's likes, needed once whenever they like or dislike another paper."""
LEADS = """
"{} leads by" is the paired difference in nDCG@10 over the same people, relative to the other's
nDCG@10; if its interval contains 0, it may be chance."""


def text(found: Sequence[Group], records: Sequence[Record]) -> str:
    """The whole report; the first record is ours, which the others are compared with."""
    parts = [_glance(found, records), *(_group(each, records) for each in found)]
    parts += [_sizes(each, records) for each in found if standings.by_size(each)]
    parts += [
        _over_sets(variant, several, records)
        for variant, several in standings.over_sets(found).items()
    ]
    return "\n\n".join([*parts, _legend(records)])


def plain(found: Sequence[Group], records: Sequence[Record]) -> dict[str, object]:
    """The report as values for JSON."""
    parts = [part for each in found for part in (each, *standings.by_size(each))]
    return {
        "rankers": {
            each.name: {"about": each.about, "seconds": each.seconds, "learning": each.learning}
            for each in records
        },
        "results": [row for part in parts for row in _plain_rows(part, records)],
        "over_sets": [
            {
                "variant": variant,
                "sets": [each.set for each in several],
                "ranker": each.name,
                **_plain_values(standings.mean_over_sets(several, each.name)),
            }
            for variant, several in standings.over_sets(found).items()
            for each in records
        ],
    }


def _glance(found: Sequence[Group], records: Sequence[Record]) -> str:
    """One line for each variant: the nDCG@10 of all rankers."""
    rows = [["nDCG@10", *(each.name for each in records)]]
    for group in found:
        means = [group.values[each.name].mean(axis=0)[0] for each in records]
        rows.append([f"{group.set} {group.variant}", *map(_number, means)])
    return _table(rows)


def _group(group: Group, records: Sequence[Record]) -> str:
    ours, *others = records
    best_first = [ours, *_best_first(group, others)]
    estimates = {each.name: group.estimate(each.name) for each in best_first}
    main = _table(_leading(group, best_first, estimates))
    rest = _table(
        [
            ["", *MEASURES[1:]],
            *([name, *_roughly(each)[1:]] for name, each in estimates.items()),
        ]
    )
    return f"{_heading(group)}\n{main}\n\n{rest}"


def _leading(
    group: Group, records: Sequence[Record], estimates: Mapping[str, Estimate]
) -> list[list[str]]:
    """The rows of nDCG@10: the value of each ranker, its cost, and by how much ours leads."""
    ours, *others = records
    lead = f"{ours.name} leads by" if others else ""
    anew = any(group.collection in each.learning for each in records)
    rows = [["", "nDCG@10", "95 % interval", "µs", *(["anew"] if anew else []), lead, ""]]
    for each in records:
        row = [each.name, *_with_interval(estimates[each.name])]
        row.append(_microseconds(each.seconds.get(group.collection)))
        if anew:
            row.append(_microseconds(each.learning.get(group.collection)))
        if each is not ours:
            row += _relative(group.lead(ours.name, each.name), group.values[each.name].mean(axis=0))
        rows.append(row)
    return rows


def _sizes(group: Group, records: Sequence[Record]) -> str:
    parts = standings.by_size(group)
    rows = [
        ["nDCG@10 by likes", *(each.part for each in parts)],
        ["people", *(f"{len(each.sizes):,}" for each in parts)],
        *(
            [each.name, *(_roughly(part.estimate(each.name))[0] for part in parts)]
            for each in records
        ),
    ]
    return f"{group.set} · {group.variant}\n{_table(rows)}"


def _over_sets(variant: str, several: Sequence[Group], records: Sequence[Record]) -> str:
    ours, *others = records
    names = " and ".join(each.set for each in several)
    rows = [["", "nDCG@10", "95 % interval", f"{ours.name} leads by" if others else "", ""]]
    others.sort(key=lambda each: -standings.mean_over_sets(several, each.name).mean[0])
    for each in (ours, *others):
        estimate = standings.mean_over_sets(several, each.name)
        row = [each.name, *_with_interval(estimate)]
        if each is not ours:
            lead = standings.mean_over_sets(several, ours.name, than=each.name)
            row += _relative(lead, estimate.mean)
        rows.append(row)
    return f"mean of {names} · {variant}\n{_table(rows)}"


def _heading(group: Group) -> str:
    people, clusters = len(group.sizes), len(set(group.clusters))
    who = f"{people:,} {'person' if people == 1 else 'people'}"
    if clusters < people:
        who += f" in {clusters:,} clusters"
    about = group.title
    if min(group.sizes) < max(group.sizes):
        about += f", median {median(group.sizes):g}"
    return f"{group.set} · {group.variant} · {about} · {who}"


def _best_first(group: Group, records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda each: -group.values[each.name].mean(axis=0)[0])


def _legend(records: Sequence[Record]) -> str:
    width = max(len(each.name) for each in records)
    who = [f"{each.name:<{width}}  {each.about}" for each in records]
    notes = NOTES
    if any(each.learning for each in records):
        notes += ANEW
    if len(records) > 1:
        notes += LEADS.format(records[0].name)
    return "\n".join([*who, "", notes])


def _number(value: float) -> str:
    return f"{value:.3f}"


def _microseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{1e6 * seconds:,.0f}"


def _with_interval(estimate: Estimate) -> list[str]:
    return [_number(estimate.mean[0]), f"{estimate.low[0]:.3f}–{estimate.high[0]:.3f}"]


def _roughly(estimate: Estimate) -> list[str]:
    """Each mean with half of its interval."""
    halves = (estimate.high - estimate.low) / 2
    return [
        f"{_number(mean)} ±{_number(half).removeprefix('0')}"
        for mean, half in zip(estimate.mean, halves, strict=True)
    ]


def _relative(lead: Estimate, other: np.ndarray) -> list[str]:
    """A lead in nDCG@10 relative to the other's, and its interval; empty if the other has 0."""
    if not other[0]:
        return ["", ""]
    if lead.mean[0] > MANIFOLD * other[0]:
        return [f"{1 + lead.mean[0] / other[0]:,.0f} times", ""]
    mean, low, high = (100 * each[0] / other[0] for each in (lead.mean, lead.low, lead.high))
    return [f"{mean:+.1f} %", f"({low:+.1f} to {high:+.1f})"]


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns, the first to the left and the others to the right."""
    columns = max(map(len, rows))
    full = [[*row, *[""] * (columns - len(row))] for row in rows]
    widths = [max(len(row[at]) for row in full) for at in range(columns)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in full
    )


def _plain_rows(group: Group, records: Sequence[Record]) -> Iterator[dict[str, object]]:
    ours = records[0]
    for each in records:
        row = {
            "set": group.set,
            "variant": group.variant,
            "likes": group.part or group.title,
            "whole": not group.part,
            "people": len(group.sizes),
            "clusters": len(set(group.clusters)),
            "ranker": each.name,
            **_plain_values(group.estimate(each.name)),
        }
        if each is not ours:
            row["lead"] = _plain_values(group.lead(ours.name, each.name))
        yield row


def _plain_values(estimate: Estimate) -> dict[str, object]:
    return {
        name: {"mean": mean, "low": low, "high": high}
        for name, mean, low, high in zip(
            MEASURES,
            estimate.mean.tolist(),
            estimate.low.tolist(),
            estimate.high.tolist(),
            strict=True,
        )
    }
