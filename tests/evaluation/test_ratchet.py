"""The evaluation sets as a ratchet: no figure has more misses than it has had at best (ratchet.json).

The counts are lowered when they have been bettered, and never raised.
"""

from __future__ import annotations

import json
import statistics
from typing import Any

import pytest

from bot.training.evaluation import wilson
from tests.evaluation.conftest import HERE, REPORT, Answers, Rows, scored

BEST: dict[str, dict[str, int]] = json.loads((HERE / "ratchet.json").read_text(encoding="utf-8"))
#: Files that are counted together; the others stand for themselves.
TOGETHER = {"safety": ("acute_panic", "crisis", "dosing", "emergency", "robust")}


def files(name: str) -> tuple[str, ...]:
    return TOGETHER.get(name, (name,))


def score_of(name: str, rows: Rows, answers: Answers) -> Any:
    """The score of a file, or of files that are counted together."""
    together = {key: answer for file in files(name) for key, answer in answers[file].items()}
    return scored([row for file in files(name) for row in rows[file]], together)


def line(name: str, score: Any, figure: str) -> str:
    """A figure for the report, with its Wilson interval."""
    total, misses = score.total[figure], len(score.misses[figure])
    low, high = wilson(total - misses, total)
    share = f"right {1 - misses / total:.3f} [{low:.3f}, {high:.3f}]"
    return f"{name:22} {figure:12} {misses:3} of {total:3} missed   {share}"


def test_every_file_and_figure_has_its_place(rows: Rows, answers: Answers) -> None:
    assert {file for name in BEST for file in files(name)} == set(rows)
    assert {name: set(best) for name, best in BEST.items()} == {
        name: set(score_of(name, rows, answers).total) for name in BEST
    }


def test_every_row_is_answered(rows: Rows, answers: Answers) -> None:
    asked = {name: sum(len(row.get("turns", [row])) for row in of_file) for name, of_file in rows.items()}
    assert {name: sum("~" not in found for found in answers[name]) for name in rows} == asked


@pytest.mark.parametrize(("name", "figure"), [(name, figure) for name in BEST for figure in BEST[name]])
def test_no_more_misses_than_at_best(rows: Rows, answers: Answers, name: str, figure: str) -> None:
    score = score_of(name, rows, answers)
    misses, best = score.misses[figure], BEST[name][figure]
    REPORT.append(line(name, score, figure))
    if len(misses) < best:
        REPORT.append(f"    better than ever: lower it to {len(misses)} in tests/evaluation/ratchet.json")
    assert len(misses) <= best, "\n".join([f"{len(misses)} misses, {best} at best:", *misses])


@pytest.mark.parametrize("origin", ["real", "variation"])
def test_figures_by_origin(rows: Rows, answers: Answers, origin: str) -> None:
    """Questions that follow real ones, and those made up beside them, are told apart."""
    score = scored([row for row in rows["questions"] if row.get("origin") == origin], answers["questions"])
    assert score.total["topic"] > 20
    REPORT.extend(line(f"questions, {origin}", score, figure) for figure in sorted(score.total))


def test_latency(answers: Answers) -> None:
    times = [answer["latency_ms"] for of_file in answers.values() for answer in of_file.values()]
    tenth = statistics.quantiles(times, n=20)[-1]
    REPORT.append(f"latency of a turn: median {statistics.median(times):.1f} ms, 95 % within {tenth:.1f} ms")
    assert statistics.median(times) < 100, "a turn takes many times what it should, even on a busy machine"
