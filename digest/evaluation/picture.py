"""Draws the standings as SVG: bars with intervals, in one panel for each variant."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from digest.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digest.evaluation.standings import Group

WIDTH = 920
MARGIN = 20
COLUMNS = 3
GAP = 28
ROW = 19
BAR = 11
HEAD = 62
SET_HEAD = 46
PANEL_HEAD = 44
PANEL_FOOT = 26
LETTER = 6.6
LETTERS, KEPT_FIRST = 24, 8
NUMBER = 40
ROOM = 1.12

STYLE = """
svg { --paper: #fff; --ink: #1f2328; --soft: #59636e; --line: #d9dee4; --bar: #b6c0cb; --ours: #1a6fd4;
  background: var(--paper); font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #0f1419; --ink: #e8ecf1;
  --soft: #9aa5b1; --line: #333c46; --bar: #4d5966; --ours: #3b82d6; } }
text { fill: var(--ink); font-size: 12px; }
.title { font-size: 19px; font-weight: 650; } .set { font-size: 15px; font-weight: 650; }
.variant { font-size: 13px; font-weight: 650; } .soft { fill: var(--soft); font-size: 11.5px; }
.end { text-anchor: end; } .number { font-variant-numeric: tabular-nums; }
.bar { fill: var(--bar); } .ours .bar { fill: var(--ours); } .ours text { font-weight: 650; }
.whisker { stroke: var(--ink); stroke-width: 1.2; fill: none; }
.halo { stroke: var(--paper); stroke-width: 3.2; fill: none; opacity: .55; }
.line { stroke: var(--line); stroke-width: 1; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """One ranker's bar in a panel."""

    name: str
    mean: float
    low: float
    high: float
    is_ours: bool


def svg(found: Sequence[Group], rankers: Sequence[str], *, title: str) -> str:
    """nDCG@10 with intervals by set, variant and ranker; the first ranker is ours.

    Panels of one set share a scale. Colours follow the light or dark theme, and bars have tooltips.
    """
    bars = {id(group): _bars(group, rankers) for group in found}
    parts = [
        _text(MARGIN, 34, title, "title"),
        _text(
            MARGIN, 53, "nDCG@10, the mean over people; whiskers: 95 % bootstrap interval", "soft"
        ),
    ]
    top = float(HEAD)
    for name in dict.fromkeys(group.set for group in found):
        own = [group for group in found if group.set == name]
        most = max(bar.high for group in own for bar in bars[id(group)])
        parts.append(f'<path class="line" d="M{MARGIN} {top + 12:g}H{WIDTH - MARGIN}"/>')
        parts.append(_text(MARGIN, top + 34, name, "set"))
        top += SET_HEAD
        for start in range(0, len(own), COLUMNS):
            for column, group in enumerate(own[start : start + COLUMNS]):
                left = MARGIN + column * (_panel_width() + GAP)
                parts.append(_panel(group, bars[id(group)], left=left, top=top, most=most))
            top += PANEL_HEAD + ROW * len(rankers) + PANEL_FOOT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:g}" width="{WIDTH}" '
        f'height="{top:g}" role="img" aria-label="{_said(title)}">\n<style>{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _bars(group: Group, rankers: Sequence[str]) -> list[_Bar]:
    bars = []
    for at, name in enumerate(rankers):
        found = group.estimate(name)
        mean, low, high = (float(each[0]) for each in (found.mean, found.low, found.high))
        bars.append(_Bar(name=name, mean=mean, low=low, high=high, is_ours=at == 0))
    return bars


def _panel(group: Group, bars: Sequence[_Bar], *, left: float, top: float, most: float) -> str:
    """The panel of one variant, with a row for each ranker."""
    names = max(len(_short(each.name)) for each in bars) * LETTER + 10
    room = _panel_width() - names - NUMBER
    unit = room / (most * ROOM or 1)
    zero = left + names
    parts = [
        _text(left, top + 12, group.variant, "variant"),
        _text(left, top + 28, f"{group.title} · {len(group.sizes):,} people", "soft"),
    ]
    for at, bar in enumerate(bars):
        middle = top + PANEL_HEAD + ROW * (at + 0.5)
        parts.append(_row(bar, middle=middle, zero=zero, unit=unit, end=left + _panel_width()))
    bottom = top + PANEL_HEAD + ROW * len(bars)
    parts.append(f'<path class="line" d="M{zero:.1f} {top + PANEL_HEAD:g}V{bottom:g}"/>')
    return "\n".join(parts)


def _row(bar: _Bar, *, middle: float, zero: float, unit: float, end: float) -> str:
    low, high = zero + bar.low * unit, zero + bar.high * unit
    about = f"{bar.name}: {bar.mean:.3f} ({bar.low:.3f} to {bar.high:.3f})"
    whisker = (
        f"M{low:.1f} {middle:.1f}H{high:.1f}M{low:.1f} {middle - 3:.1f}v6"
        f"M{high:.1f} {middle - 3:.1f}v6"
    )
    top, width = middle - BAR / 2, bar.mean * unit
    parts = [
        f"<title>{_said(about)}</title>",
        _text(zero - 6, middle + 4, _short(bar.name), "end"),
        f'<path class="bar" d="M{zero:.1f} {top:.1f}h{width:.1f}v{BAR}h{-width:.1f}z"/>',
        *(f'<path class="{each}" d="{whisker}"/>' for each in ("halo", "whisker")),
        _text(end, middle + 4, f"{bar.mean:.3f}", "end number"),
    ]
    return f'<g class="{"ours" if bar.is_ours else "other"}">{"".join(parts)}</g>'


def _short(name: str) -> str:
    """A name shortened in the middle, to leave room for bars; the tooltip has all of it."""
    return (
        name if len(name) <= LETTERS else f"{name[:KEPT_FIRST]}…{name[KEPT_FIRST + 1 - LETTERS :]}"
    )


def _panel_width() -> float:
    return (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{_said(text)}</text>'


def _said(text: str) -> str:
    return escape(clean(text))
