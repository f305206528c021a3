"""Pictures of the measurements, as SVG whose letters are text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figures import WANTED, Figures

_OURS, _PEER, _FLOOR = "#1f6f78", "#c9803a", "#8a8a8a"


def report(path: Path, ours: Figures, peer: Figures, floor_ms: float, ratio: Mapping[str, float | None]) -> None:
    """Both sides beside each other, and the ratios with what is wanted of them."""
    pyplot = _pyplot()
    figure, grid = pyplot.subplots(2, 3, figsize=(12, 7))
    levels = sorted(ours.loads.keys() & peer.loads.keys())
    names = [str(level) for level in levels]
    for axes, share, title in ((grid[0][0], 0.5, "median turn, ms"), (grid[0][1], 0.95, "95th percentile, ms")):
        _pairs(
            axes,
            names,
            [ours.loads[level].milliseconds(share) for level in levels],
            [peer.loads[level].milliseconds(share) for level in levels],
            title,
        )
        axes.set_yscale("log")
        axes.set_xlabel("conversations at once")
    if not math.isnan(floor_ms):
        grid[0][0].axhline(floor_ms, color=_FLOOR, linestyle=":", label="floor, one at once")
    grid[0][0].legend(frameon=False)
    _pairs(
        grid[0][2],
        names,
        [ours.loads[level].throughput for level in levels],
        [peer.loads[level].throughput for level in levels],
        "turns a second",
    )
    grid[0][2].set_xlabel("conversations at once")
    _pairs(grid[1][0], ["cold", "warm"], [ours.cold, ours.warm], [peer.cold, peer.warm], "start to first answer, s")
    _pairs(grid[1][1], ["memory", "installed"], [ours.rss, ours.installed], [peer.rss, peer.installed], "megabytes")
    _ratios(grid[1][2], ratio)
    figure.suptitle("Evenkeel beside stock Rasa 3.6.21, one serving process each")
    figure.tight_layout()
    _save(figure, path)


def growth(path: Path, series: Sequence[Mapping[str, Any]]) -> None:
    """One panel for each series: {"title", "x", "points": [(x, {"name, unit": value})]}. Another unit: on the right."""
    pyplot = _pyplot()
    figure, grid = pyplot.subplots(2, 2, figsize=(11, 7))
    for axes, one in zip(grid.flat, series, strict=False):
        units: dict[str, Any] = {}
        for number, name in enumerate(one["points"][0][1]):
            unit = name.rpartition(", ")[2]
            if unit not in units:
                units[unit] = axes.twinx() if units else axes
            on = units[unit]
            xs, ys = [x for x, _ in one["points"]], [values[name] for _, values in one["points"]]
            on.plot(xs, ys, marker="o", color=(_OURS, _PEER, _FLOOR)[number % 3], label=name)
            on.set_ylabel(unit)
            on.set_ylim(bottom=0, top=max([*ys, on.get_ylim()[1] if on.lines[:-1] else 0]) * 1.25)
        axes.set_title(one["title"], fontsize=10)
        axes.set_xlabel(one["x"])
        lines = [line for on in units.values() for line in on.lines]
        axes.legend(lines, [line.get_label() for line in lines], frameon=False, fontsize=8, loc="upper left")
    for axes in list(grid.flat)[len(series) :]:
        axes.set_visible(False)
    figure.suptitle("What growth costs")
    figure.tight_layout()
    _save(figure, path)


def _pairs(axes: Any, names: Sequence[str], ours: Sequence[float], peer: Sequence[float], title: str) -> None:
    places = range(len(names))
    for shift, values, colour, label in ((-0.2, ours, _OURS, "Evenkeel"), (0.2, peer, _PEER, "stock Rasa")):
        bars = axes.bar([place + shift for place in places], _zero(values), 0.38, color=colour, label=label)
        axes.bar_label(bars, [f"{v:,.0f}" if v >= 100 else f"{v:.3g}" for v in values], fontsize=7)
    axes.set_xticks(list(places), names)
    axes.set_title(title, fontsize=10)
    axes.margins(y=0.15)


def _ratios(axes: Any, ratio: Mapping[str, float | None]) -> None:
    known = [(name, value) for name, value in ratio.items() if value is not None]
    places = range(len(known))
    bars = axes.barh(list(places), [value for _, value in known], color=_OURS)
    axes.bar_label(bars, [f"{value:.1f}" for _, value in known], fontsize=7)
    for place, (name, _) in zip(places, known, strict=True):
        axes.plot([WANTED[name]] * 2, [place - 0.4, place + 0.4], color=_PEER)
    axes.set_yticks(list(places), [name for name, _ in known], fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_title("times better than stock Rasa (line: wanted)", fontsize=10)


def _zero(values: Sequence[float]) -> list[float]:
    return [0.0 if math.isnan(value) else value for value in values]


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    # The same figures make the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "evenkeel", "axes.spines.top": False})
    matplotlib.rcParams.update({"axes.spines.right": False, "font.size": 9})
    from matplotlib import pyplot

    return pyplot


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    # Matplotlib leaves blanks at the ends of lines.
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")
