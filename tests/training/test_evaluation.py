"""The figures themselves, on cases whose values are known by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from actions.deciding import Decision
from actions.turn import Turn
from bot.articles.ranking import Query
from bot.language.lexicon import Mention
from bot.training.evaluation import Report, calibration, draw_confusion, score, wilson
from bot.training.sentences import Sentence


@pytest.mark.parametrize(
    ("hits", "total", "interval"),
    [
        # Newcombe 1998, table I, method 3 (https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E)
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
        (49, 49, (0.9273, 1.0)),
        (0, 0, (0.0, 1.0)),
    ],
)
def test_wilson(hits: int, total: int, interval: tuple[float, float]) -> None:
    assert wilson(hits, total) == pytest.approx(interval, abs=1e-4)


def test_calibration() -> None:
    rows, error = calibration([(0.95, True)] * 9 + [(0.95, False)] + [(0.5, True), (0.5, False)])
    assert rows == [(0.5, 0.5, 2), (pytest.approx(0.95), pytest.approx(0.9), 10)]
    assert error == pytest.approx(0.05 * 10 / 12)
    assert calibration([(1.0, True)])[1] == 0
    assert calibration([]) == ([], 0.0)


QUERY = Query("", np.zeros(1, dtype=np.float32))
XANAX = (Mention("drug", "alprazolam", ("benzodiazepine",), "xanax", 0, 5),)


def shown(topic: str, aspects: tuple[str, ...] = (), drugs: tuple[str, ...] = ()) -> Decision:
    passage = SimpleNamespace(id="p", topic=topic, aspects=aspects, drugs=drugs)
    return Decision("answer", [SimpleNamespace(passage=passage, score=1.0, parts={})], QUERY)  # type: ignore[list-item]


def turn(intent: str, mentions: tuple[Mention, ...] = ()) -> Turn:
    return Turn("x", intent, 0.9, {intent: 0.9}, {}, mentions)


OUTSIDE = Decision("outside", [], QUERY)
SAFETY = turn("ask_safety")
HEART, OTHER, MEDICINE = ("ask_safety", "heart"), ("out_of_scope", "general"), ("ask_interactions", "specific")


@pytest.mark.parametrize(
    ("sentence", "said", "decision", "hits"),
    [
        pytest.param(HEART, SAFETY, shown("safety", ("heart",)), {"topic": 1, "aspect": 1}, id="right"),
        pytest.param(HEART, SAFETY, shown("safety", ("liver",)), {"topic": 1, "aspect": 0}, id="another aspect"),
        pytest.param(HEART, SAFETY, shown("effectiveness"), {"topic": 0}, id="another topic"),
        pytest.param(HEART, SAFETY, OUTSIDE, {"topic": 0}, id="declined"),
        pytest.param(HEART, turn("greet"), shown("safety"), {"topic": 0}, id="taken for a greeting"),
        pytest.param(OTHER, turn("out_of_scope"), OUTSIDE, {"oos": 1}, id="outside, declined"),
        pytest.param(OTHER, SAFETY, shown("safety"), {"oos": 0}, id="outside, answered"),
        pytest.param(("greet", "greet"), turn("thanks"), OUTSIDE, {"smalltalk": 1}, id="any small talk will do"),
        pytest.param(("greet", "greet"), SAFETY, shown("safety"), {"smalltalk": 0}, id="small talk, answered"),
        pytest.param(("ask_dosing", "redose"), turn("ask_dosing"), OUTSIDE, {"dosing": 1}, id="dosing"),
        pytest.param(
            MEDICINE, turn("ask_interactions", XANAX), shown("interactions", ("specific",), ("benzodiazepine",)),
            {"topic": 1, "aspect": 1, "drug": 1}, id="the medicine by its class",
        ),
        pytest.param(
            MEDICINE, turn("ask_interactions", XANAX), shown("interactions", ("specific",), ("lithium",)),
            {"topic": 1, "aspect": 1, "drug": 0}, id="another medicine",
        ),
    ],
)  # fmt: skip
def test_score(sentence: tuple[str, str], said: Turn, decision: Decision, hits: dict[str, int]) -> None:
    report = score([Sentence("x", sentence[0], sentence[1])], [said], [decision])
    assert dict(report.total) == dict.fromkeys(hits, 1)
    assert {name: report.hits[name] for name in hits} == hits
    assert sum(map(len, report.misses.values())) == sum(hit == 0 for hit in hits.values())


def test_a_report_is_readable() -> None:
    report = Report()
    report.add("topic", True, "a")
    report.add("topic", False, "why not")
    assert report.share("topic") == 0.5
    assert math.isnan(report.share("nothing counted"))
    assert "topic      0.500  [0.095, 0.905]  1/2" in str(report)
    assert report.misses == {"topic": ["why not"]}


def test_the_confusion_matrix_is_drawn(tmp_path: Any) -> None:
    path = tmp_path / "figures" / "confusion.png"
    draw_confusion(
        {("ask_safety", "ask_safety"): 9, ("ask_safety", "ask_effectiveness"): 1, ("ask_b", "outside"): 2}, path
    )
    assert path.read_bytes().startswith(b"\x89PNG")
