"""The commands as somebody runs them: in a process of their own, on the trained bot, without the network."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import ROOT, Settings


@pytest.fixture
def run(trained: Settings, offline: tuple[dict[str, str], Path]):  # type: ignore[no-untyped-def]
    """Runs `python -m bot …` with something on standard input."""
    environment = {
        **offline[0],
        "EVENKEEL_VAR": str(trained.var),
        "EVENKEEL_MODELS": str(trained.models),
        "DATABASE_URL": trained.database_url,
    }

    def command(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=ROOT, env=environment, input=said, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    return command


def test_json_lines(run, offline: tuple[dict[str, str], Path]) -> None:  # type: ignore[no-untyped-def]
    asked = [
        {"id": "q1", "text": "can i take xanax with it"},
        {"id": "q2", "text": "i can't breathe", "country": "GB"},
        {"id": "q3", "text": "a\u2028b \ud83d"},
    ]
    done = run("ask", said="".join(json.dumps(line) + "\n" for line in asked) + "no json\n")
    assert done.returncode == 0, done.stderr
    first, second, third, bad = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert (first["id"], first["topic"], first["disclaimer"]) == ("q1", "interactions", True)
    assert (second["kind"], second["category"]) == ("safety", "medical_emergency")
    assert third["replies"]
    assert "error" in bad
    assert done.stdout.isascii()
    assert done.stderr.splitlines() == [line for line in done.stderr.splitlines() if line.startswith("line 4:")]
    assert offline[1].read_text(encoding="utf-8") == "", "it wanted to leave this machine"


def test_one_question(run) -> None:  # type: ignore[no-untyped-def]
    done = run("ask", "is", "ketamine", "addictive")
    assert "This is general information" in done.stdout
    assert "intent    ask_dependence_and_misuse" in done.stdout
    assert done.stderr == ""
