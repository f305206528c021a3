"""Percentiles, ratios and tables of the measurements."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from bench import figures as sums
from bench import plot
from bench.figures import Figures, Load


def side(p50: float, clock: float, **more: float) -> Figures:
    """Figures of a side whose turns all took `p50` milliseconds."""
    loads = {at_once: Load([p50 / 1000] * 100, clock) for at_once in (1, 16, 64)}
    known = {"cold": 8.0, "warm": 4.0, "rss": 500.0, "train_clock": 60.0, "train_processor": 90.0, "installed": 900.0}
    return Figures(loads=loads, **(known | more), model=2.0, right=80, judged=100)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([3.0], 0.5, 3.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),  # nearest rank: a value that was seen, not one between two
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 11)], 0.99, 10.0),
        ([1.0, 2.0], 0.0, 1.0),
        ([1.0, 2.0], 1.0, 2.0),
    ],
)
def test_percentile(values: list[float], share: float, expected: float) -> None:
    assert sums.percentile(values, share) == expected


def test_a_percentile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(sums.percentile([], 0.5))


def test_rounds_add_up() -> None:
    load = Load([0.1, 0.2], 1.0, 1)
    load.add(Load([0.3, 0.4], 1.0, 0))
    assert load.throughput == 2.0
    assert load.milliseconds(0.5) == 200.0
    assert load.to_dict() == {
        "turns": 4,
        "p50_ms": 200.0,
        "p95_ms": 400.0,
        "p99_ms": 400.0,
        "turns_a_second": 2.0,
        "silent": 1,
    }


def test_above_one_is_better_than_the_peer() -> None:
    ratio = sums.ratios(side(10, 2.0), side(50, 10.0, cold=32.0, warm=12.0, rss=1000.0, installed=2700.0))
    assert ratio == {
        "p50_c1": 5.0,
        "p95_c16": 5.0,
        "throughput_c16": 5.0,
        "rss": 2.0,
        "start": 3.0,  # the warm one, which is the worse of the two
        "train": 1.0,
        "install": 3.0,
    }


def test_training_counts_by_whatever_flatters_us_less() -> None:
    ours = side(10, 1.0, train_clock=10.0, train_processor=20.0)
    peer = side(10, 1.0, train_clock=100.0, train_processor=120.0)
    assert sums.ratios(ours, peer)["train"] == 6.0


def test_what_was_not_measured_is_none_and_the_rest_still_counts() -> None:
    ratio = sums.ratios(side(10, 1.0), Figures(rss=1000.0))
    assert ratio["rss"] == 2.0
    assert {name for name, value in ratio.items() if value is None} == set(ratio) - {"rss"}
    json.dumps(Figures().to_dict(), allow_nan=False)


def test_the_floor_is_what_our_median_is_compared_with() -> None:
    assert sums.over_floor(side(10, 1.0), Load([0.004] * 9, 1.0)) == 2.5
    assert sums.over_floor(side(10, 1.0), Load()) is None


def test_what_falls_short_is_named() -> None:
    reached = dict.fromkeys(sums.WANTED, 100.0)
    assert sums.short(reached, 2.5) == []
    assert sums.short(reached | {"start": 3.9, "rss": None}, 2.6) == [
        "start 3.90, wanted 4.0",
        "p50_over_floor 2.60, wanted at most 2.5",
    ]


def test_the_table_says_all_and_leaves_out_what_nobody_measured() -> None:
    rows = {what: rest for what, *rest in sums.rows(side(10, 2.0), side(50, 10.0))}
    assert rows["turn, p50, 16 at once"] == ["10.0 ms", "50.0 ms", "5.00"]
    assert rows["throughput, 64 at once"] == ["50.0 turns/s", "10.0 turns/s", "5.00"]
    assert rows["intents of held-back sentences"][0].startswith("0.800 (0.71")
    assert sums.rows(Figures(), Figures()) == []


def test_columns_line_up() -> None:
    lines = sums.table(("", "a"), [("what", "1"), ("w", "1000")]).splitlines()
    assert lines == ["|      | a    |", "|------|------|", "| what | 1    |", "| w    | 1000 |"]


def test_the_picture_has_letters_and_no_blanks_at_the_ends(tmp_path: Path) -> None:
    ours, peer = side(10, 2.0), side(50, 10.0)
    plot.report(tmp_path / "a.svg", ours, peer, 4.0, sums.ratios(ours, peer))
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "stock Rasa" in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []
    points = [(10, {"a turn, ms": 1.0, "memory, MB": 9.0}), (20, {"a turn, ms": 2.0, "memory, MB": 9.0})]
    plot.growth(tmp_path / "b.svg", [{"title": "Turns", "x": "turns", "points": points}])
    assert "Turns" in (tmp_path / "b.svg").read_text(encoding="utf-8")
