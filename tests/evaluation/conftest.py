"""Asks the trained bot every evaluation text once, and prints the figures at the end."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import time
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bot.service import Bot, Turn
from bot.terminal.ask import as_line

HERE = Path(__file__).parent
#: What `pytest_terminal_summary` prints.
REPORT: list[str] = []


def _load_scorer() -> ModuleType:
    """The scorer, which is a copied script and no module of ours."""
    spec = importlib.util.spec_from_file_location("evenkeel_evaluate", HERE / "evaluate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


scorer = _load_scorer()
Rows = dict[str, list[dict[str, Any]]]
Answers = dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def rows() -> Rows:
    """The labelled rows of every file, by the file's name."""
    return {path.stem: scorer.read_jsonl(path) for path in sorted(HERE.glob("*.jsonl"))}


@pytest.fixture(scope="session")
def answers(rows: Rows, trained_bot: Bot) -> Answers:
    """What the bot says to every row, as `ask` would write it, by file and id."""

    async def ask_all() -> Answers:
        found: Answers = defaultdict(dict)
        await trained_bot.explain(Turn("warm", "what is ketamine"))
        for name, of_file in rows.items():
            for request in (request for row in of_file for request in scorer.requests_for(row)):
                began = time.perf_counter()
                messages, reasons = await trained_bot.explain(
                    Turn(f"{name}/{request['conversation']}", request["text"], channel="ask", message_id=request["id"])
                )
                milliseconds = (time.perf_counter() - began) * 1000
                found[name][request["id"]] = as_line(request["id"], request["text"], messages, reasons, milliseconds)
        return found

    return asyncio.run(ask_all())


def scored(rows: list[dict[str, Any]], answers: dict[str, dict[str, Any]]) -> Any:
    """The scorer's `Score` over some rows of one file."""
    score = scorer.Score()
    for row in rows:
        if "turns" in row:
            scorer.score_dialogue(score, row, answers)
        else:
            (scorer.score_safety if "expected" in row else scorer.score_question)(
                score, row, answers.get(row["id"], {})
            )
    return score


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the figures: pytest shows what a test prints only when it fails."""
    if REPORT:
        terminalreporter.section("evaluation")
        for line in REPORT:
            terminalreporter.line(line)
