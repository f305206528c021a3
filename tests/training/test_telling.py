"""What set-up says while it works."""

from __future__ import annotations

import io
import time

import pytest

from bot.training import telling as module
from bot.training.telling import expected, telling


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("last", "said"),
    [
        pytest.param(None, "usually a minute", id="never made here"),
        pytest.param(41.6, "42 s the last time", id="as measured"),
        pytest.param(0.1, "1 s the last time", id="never nothing"),
    ],
)
def test_how_long_it_may_take(last: float | None, said: str) -> None:
    assert expected(last, "usually a minute") == said


def test_lines_where_the_output_is_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.05)
    with telling("The model", "usually a minute") as say:
        say("3 new")
        time.sleep(0.12)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["  The model (usually a minute) …", "    3 new"]
    assert "  The model: 0 s so far" in lines
    assert lines[-1] == "  The model: done after 0 s"


def test_one_moving_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setattr(module, "TICK", 0.05)
    with telling("The model", "usually a minute"):
        time.sleep(0.12)
    assert "\r  The model: 0 s (usually a minute)" in shown.getvalue()
    assert shown.getvalue().count("\n") == 1, "only the end stays"


def test_a_failure_is_said_and_handed_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError), telling("The model", "usually a minute"):
        raise ValueError
    assert capsys.readouterr().err.endswith("  The model: failed after 0 s\n")
