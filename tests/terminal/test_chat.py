"""`chat`: a line is a message, a number presses a button, an empty line ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import bot.terminal.chat as module
from bot.settings import Settings
from tests.terminal.conftest import TableBot


@pytest.fixture
def chat(
    settings: Settings,
    stand_in: Callable[[object], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., str]:
    """What is shown after typing lines; afterwards the input ends."""
    stand_in(module)

    def typed(*lines: str, options: tuple[str, ...] = ()) -> str:
        waiting = iter(lines)

        def read(prompt: str = "") -> str:
            try:
                return next(waiting)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr("builtins.input", read)
        assert module.run(list(options), settings) == 0
        return capsys.readouterr().out

    return typed


def test_a_conversation(chat: Callable, table: TableBot) -> None:
    shown = chat("answer", "hello", options=("--country", "GB"))
    assert "1. And alcohol?" in shown and "2. And then?" in shown
    assert "Hello." in shown
    assert len({turn.conversation for turn in table.asked}) == 1
    assert {turn.country for turn in table.asked} == {"GB"}


def test_a_number_presses_a_button(chat: Callable, table: TableBot) -> None:
    chat("answer", "2")
    assert [(turn.text, turn.button) for turn in table.asked] == [("answer", None), (None, "b2")]


@pytest.mark.parametrize("number", ["0", "3", "99"])
def test_a_number_without_a_button_is_text(chat: Callable, table: TableBot, number: str) -> None:
    chat("answer", number)
    assert (table.asked[1].text, table.asked[1].button) == (number, None)


def test_an_empty_line_ends(chat: Callable, table: TableBot) -> None:
    chat("hello", "  ", "never read")
    assert [turn.text for turn in table.asked] == ["hello"]


def test_what_is_said_to_be_deleted_is(chat: Callable, table: TableBot) -> None:
    chat("hello", "delete")
    assert table.forgotten == [table.asked[0].conversation]
