"""Charts as plain SVG: no script, no style of their own, text that grows with the page.

Shapes are placed in percent, so that a chart fills what room there is and its letters stay as large as others. Each
chart is an image with a name for readers of screens; the page gives the same numbers in a table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

#: Percent of the height that is left free above the columns for the topmost number.
_HEADROOM = 8.0
#: Percent of a column's place that is left free between columns.
_GAP = 0.22
_ORNAMENT = '<svg class="{}" aria-hidden="true" focusable="false">'


@dataclass(frozen=True)
class Series:
    """One part of the columns: its name, and a number for each column (None: hidden because it is small)."""

    name: str
    numbers: Sequence[int | None]


def columns(title: str, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    """Columns of parts on top of each other, the first series at the bottom.

    Args:
        labels: one for each column; days as 2026-11-22 are shown in words. First, middle and last are written below.
    """
    heights = [sum(one.numbers[place] or 0 for one in series) for place in range(len(labels))]
    top = _round_up(max(heights, default=0))
    width = 100 / max(1, len(labels))
    lines, scale = _grid(top)
    parts = [lines]
    for place, label in enumerate(labels):
        shapes, below = [], 0.0
        said = []
        for number, one in enumerate(series, 1):
            value = one.numbers[place]
            said.append(f"{one.name}: {'under 5' if value is None else value}")
            if value:
                high = value / top * (100 - _HEADROOM)
                shapes.append(
                    f'<rect class="c{number}" x="{place * width + width * _GAP / 2:.3f}%" y="{100 - below - high:.3f}%"'
                    f' width="{width * (1 - _GAP):.3f}%" height="{high:.3f}%"/>'
                )
                below += high
        if shapes:
            parts.append(f"<g><title>{escape(_day(label))}: {escape(', '.join(said))}</title>{''.join(shapes)}</g>")
    svg = f'<svg class="columns" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
    return Markup(f'<div class="chart plot">{scale}{svg}{_below(labels)}</div>')


def bar(number: int, most: int, kind: int = 1) -> Markup:
    """A bar beside a number in a table, as long as its share in `most`; an ornament, since the number is read."""
    wide = 100 * number / most if most else 0
    return Markup(f'{_ORNAMENT.format("bar")}<rect class="c{kind}" width="{wide:.2f}%" height="100%"/></svg>')


def legend(names: Sequence[str]) -> Markup:
    """Which colour is what, in the order of the parts from the bottom."""
    items = (
        f'<li>{_ORNAMENT.format("swatch")}<rect class="c{number}" width="100%" height="100%"/></svg>'
        f" {escape(name)}</li>"
        for number, name in enumerate(names, 1)
    )
    return Markup(f'<ul class="legend">{"".join(items)}</ul>')


def _grid(top: int) -> tuple[str, str]:
    """Lines behind the columns, and the numbers beside them."""
    lines, numbers = [], []
    for value in (0, top // 2, top):
        y = 100 - value / top * (100 - _HEADROOM)
        lines.append(f'<line class="grid" x1="0" x2="100%" y1="{y:.2f}%" y2="{y:.2f}%"/>')
        numbers.append(f'<text x="100%" y="{y:.2f}%" dy="0.3em">{value:,}</text>')
    return "".join(lines), f"{_ORNAMENT.format('scale')}{''.join(numbers)}</svg>"


def _below(labels: Sequence[str]) -> str:
    if not labels:
        return ""
    chosen = dict.fromkeys((0, len(labels) // 2, len(labels) - 1))
    return (
        '<p class="below" aria-hidden="true">'
        + "".join(f"<span>{escape(_day(labels[place]))}</span>" for place in chosen)
        + "</p>"
    )


def _day(label: str) -> str:
    try:
        day = date.fromisoformat(label)
    except ValueError:
        return label
    return f"{day.day} {day:%b}"


def _round_up(number: int) -> int:
    """The next even number with one or two digits that are not zero: a top line that is easy to read."""
    if number <= 10:
        return max(2, number + number % 2)
    step = 10 ** (int(math.log10(number)) - 1) * 2
    return math.ceil(number / step) * step
