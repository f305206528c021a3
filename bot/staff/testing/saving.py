"""How a trial becomes a saved dialogue: what may be expected of each turn, and what somebody chose of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.dialogues.expectations import problems
from bot.dialogues.proposing import proposals
from bot.dialogues.saved import SavedDialogue
from bot.staff.testing.trials import Trial, Tried
from bot.staff.testing.words import EXPECTED, value_in_words


@dataclass(frozen=True)
class Choice:
    """Something that may be expected of a turn.

    Attributes:
        key: names it in the form: "now:topic", or "kept:topic" for what a saved dialogue expected before.
        label, value: in words; name, wanted: as they are saved.
        chosen: whether it is expected unless somebody takes it out.
        met: whether it holds for what the turn got.
    """

    key: str
    label: str
    value: str
    name: str
    wanted: Any
    chosen: bool
    met: bool


def choices(tried: Tried) -> list[Choice]:
    """What may be expected of a turn; what a saved dialogue expected of it comes first."""
    before = tried.said.expect
    found = [
        _choice("kept", name, wanted, chosen=met, met=met)
        for name, wanted in before.items()
        for met in [not problems({name: wanted}, tried.reply)]
    ]
    held = {choice.name for choice in found if choice.met}
    for proposal in proposals(tried.reply):
        if proposal.name not in held:
            chosen = proposal.name in before if before else proposal.chosen
            found.append(_choice("now", proposal.name, proposal.wanted, chosen=chosen, met=True))
    return found


def expecting(
    trial: Trial, chosen: Sequence[frozenset[str]] | None = None, words: Sequence[Mapping[str, Sequence[str]]] = ()
) -> SavedDialogue:
    """The trial as a dialogue, without a file and a name, that expects of each turn what was chosen.

    Args:
        chosen: for each turn the keys of its choices; None: those that are chosen by themselves.
        words: for each turn further words, under "says" and "never".
    """
    turns = []
    for number, tried in enumerate(trial.turns):
        expect: dict[str, Any] = {}
        for choice in choices(tried):
            if choice.chosen if chosen is None else choice.key in chosen[number]:
                expect[choice.name] = choice.wanted
        for name, more in (words[number] if number < len(words) else {}).items():
            if more:
                expect[name] = [*_as_list(expect.get(name)), *more]
        turns.append(replace(tried.said, expect=expect))
    return replace(trial.dialogue, turns=tuple(turns), fails=trial.saved.fails if trial.saved else "")


def not_met(trial: Trial, dialogue: SavedDialogue) -> list[str]:
    """What the dialogue expects and the trial did not get: a sentence each."""
    return [
        f"Turn {number}: {problem}"
        for number, (tried, turn) in enumerate(zip(trial.turns, dialogue.turns, strict=True), 1)
        for problem in problems(turn.expect, tried.reply)
    ]


def _choice(kind: str, name: str, wanted: Any, *, chosen: bool, met: bool) -> Choice:
    return Choice(f"{kind}:{name}", EXPECTED.get(name, name), value_in_words(wanted), name, wanted, chosen, met)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
