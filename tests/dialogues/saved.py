"""Saved conversations: how they are written down, run and compared. Needs no test framework.

A file holds the dialogues of one flow:

    # What the file is about.
    dialogues:
      - name: another medicine after one
        country: GB                       # optional, as the page or platform would say it
        fails: why                        # optional: it is known to fail, and the test tells when it no longer does
        turns:
          - say: can i take xanax with ketamine
            expect: {topic: interactions, passage: benzodiazepines-and-ketamine, sources: true}
          - press: "Drinking alcohol"     # the words on a button of the reply before
            expect: {topic: interactions, says: [alcohol], never: [mg]}

What may be expected of a turn (`EXPECTATIONS`); a list where one value is expected means any of them:

* kind, category, topic, passage: of the reply, a danger's before a question's; passage and topic of the answer;
* intent: how the turn was understood;
* drugs: names that the answer is about, each of them;
* disclaimer: whether the last words are the disclaimer;
* sources: whether there are any, or words that their titles and publishers hold;
* contacts: whether there are any, or numbers and addresses that are among them;
* buttons: words on buttons, each of them; or how many buttons there are;
* flow: the step of the exercise that is shown, or false;
* says: words that the reply holds, each of them; any: at least one of them; never: none of them;
* wish: what the channel is to do with the conversation: forget, dont_keep.

Words are compared without case. Of every turn it holds that there is a reply and that every answer ends with the
disclaimer, whether that is written down or not.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.channels.plain import as_text
from bot.errors import ContentError
from bot.message import Message
from bot.service import Bot, Reasons, Turn


@dataclass(frozen=True)
class SavedTurn:
    """One turn: what is said, or which button is pressed, and what is expected of the reply."""

    say: str | None
    press: str | None
    expect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The turn in a line for people."""
        return f"“{self.say}”" if self.press is None else f"[{self.press}]"


@dataclass(frozen=True)
class SavedDialogue:
    """A conversation with its name, unique within its file."""

    file: str
    name: str
    turns: tuple[SavedTurn, ...]
    country: str | None = None
    channel: str = "web"
    fails: str = ""

    @property
    def id(self) -> str:
        """File and name."""
        return f"{self.file}/{self.name}"


@dataclass(frozen=True)
class Reply:
    """What a turn got: the messages, why, and what the channel is to do."""

    messages: tuple[Message, ...]
    reasons: Reasons
    wish: str | None = None

    @property
    def shown(self) -> str:
        """Everything a plain-text channel would show."""
        return "\n\n".join(as_text(message) for message in self.messages)

    @property
    def answer(self) -> Message:
        """The answer from the store where there is one, else the first message."""
        return next((m for m in self.messages if m.kind == "answer"), self.messages[0])


@dataclass(frozen=True)
class Difference:
    """Where a turn was not as expected: its number from 1, its words, and a sentence."""

    turn: int
    words: str
    problem: str

    def __str__(self) -> str:
        return f"turn {self.turn} {self.words}: {self.problem}"


# -- reading -----------------------------------------------------------------------------------------------------


def read(path: Path) -> list[SavedDialogue]:
    """The dialogues in a file.

    Raises:
        ContentError: the file is not as described above; names it and the dialogue.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ContentError(path, mark.line + 1 if mark else None, f"not valid YAML: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("dialogues"), list):
        raise ContentError(path, None, "must have a list named dialogues")
    found = [_dialogue(path, entry) for entry in content["dialogues"]]
    names = [dialogue.name for dialogue in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContentError(path, None, f"more than one dialogue is named {', '.join(twice)}")
    return found


def _dialogue(path: Path, entry: Any) -> SavedDialogue:
    if not isinstance(entry, dict) or not entry.get("name") or not isinstance(entry.get("turns"), list):
        raise ContentError(path, None, f"every dialogue needs a name and turns: {str(entry)[:80]}")
    name = str(entry["name"])
    _only(path, name, entry, {"name", "turns", "country", "channel", "fails"})
    turns = tuple(_turn(path, name, turn) for turn in entry["turns"])
    if not turns:
        raise ContentError(path, None, f"{name}: has no turns")
    fails = str(entry.get("fails", ""))
    return SavedDialogue(path.stem, name, turns, entry.get("country"), entry.get("channel", "web"), fails)


def _turn(path: Path, name: str, turn: Any) -> SavedTurn:
    if not isinstance(turn, dict) or ("say" in turn) == ("press" in turn):
        raise ContentError(path, None, f"{name}: every turn either says or presses something")
    _only(path, name, turn, {"say", "press", "expect"})
    expect = turn.get("expect") or {}
    _only(path, name, expect, set(EXPECTATIONS))
    for key in ("say", "press"):
        if not isinstance(turn.get(key, ""), str):
            raise ContentError(path, None, f"{name}: put {turn[key]!r} in quotes, or YAML makes something else of it")
    return SavedTurn(turn.get("say"), turn.get("press"), expect)


def _only(path: Path, name: str, given: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise ContentError(path, None, f"{name}: {', '.join(unknown)} is not one of {', '.join(sorted(known))}")


# -- running -----------------------------------------------------------------------------------------------------


async def run(
    dialogue: SavedDialogue, bot: Bot, conversation: str | None = None
) -> tuple[list[Reply], list[Difference]]:
    """Have the conversation with `bot`; returns the replies and what was not as expected.

    Args:
        conversation: the key to have it under; a new one without it.
    """
    key = conversation or f"saved-{uuid.uuid4().hex}"
    replies: list[Reply] = []
    differences: list[Difference] = []
    for number, turn in enumerate(dialogue.turns, 1):
        button = _button(turn.press, replies)
        if turn.press is not None and button is None:
            offered = [s.title for m in replies[-1].messages for s in m.suggestions] if replies else []
            differences.append(Difference(number, turn.words, f"there is no such button, but {offered or 'none'}"))
            break
        asked = Turn(key, turn.say, button, dialogue.channel, dialogue.country, message_id=f"{key}-{number}")
        messages, reasons = await bot.explain(asked)
        replies.append(Reply(tuple(messages), reasons, bot.wish(key)))
        differences += [Difference(number, turn.words, problem) for problem in problems(turn.expect, replies[-1])]
    return replies, differences


def _button(title: str | None, replies: Sequence[Reply]) -> str | None:
    offered = replies[-1].messages if replies else ()
    return next((s.id for m in offered for s in m.suggestions if s.title == title), None)


# -- comparing ---------------------------------------------------------------------------------------------------


def problems(expect: Mapping[str, Any], reply: Reply) -> list[str]:
    """What is not as expected, a sentence each."""
    found = []
    for name, wanted in {**ALWAYS, **expect}.items():
        problem = EXPECTATIONS[name](wanted, reply)
        if problem:
            found.append(problem)
    return found


def _one_of(name: str, got: Callable[[Reply], Any]) -> Callable[[Any, Reply], str]:
    def compare(wanted: Any, reply: Reply) -> str:
        allowed = wanted if isinstance(wanted, list) else [wanted]
        value = got(reply)
        return "" if value in allowed else f"{name} is {value}, expected {' or '.join(map(str, allowed))}"

    return compare


def _all_in(name: str, got: Callable[[Reply], Iterable[Any]]) -> Callable[[Any, Reply], str]:
    """True and False ask whether there is anything; a number, how many; words, whether each stands in one of them."""

    def compare(wanted: Any, reply: Reply) -> str:
        values = [str(value) for value in got(reply)]
        if isinstance(wanted, bool):
            return "" if bool(values) == wanted else f"{name}: there are {values or 'none'}"
        if isinstance(wanted, int):
            return "" if len(values) == wanted else f"{name}: there are {len(values)}, expected {wanted}"
        lacking = [word for word in _list(wanted) if not any(word.lower() in value.lower() for value in values)]
        return f"{name}: {lacking} not among {values}" if lacking else ""

    return compare


def _says(wanted: Any, reply: Reply) -> str:
    lacking = [word for word in _list(wanted) if word.lower() not in reply.shown.lower()]
    return f"does not say {lacking}, but “{_short(reply.shown)}”" if lacking else ""


def _any(wanted: Any, reply: Reply) -> str:
    said = any(word.lower() in reply.shown.lower() for word in _list(wanted))
    return "" if said else f"says none of {_list(wanted)}, but “{_short(reply.shown)}”"


def _never(wanted: Any, reply: Reply) -> str:
    said = [word for word in _list(wanted) if word.lower() in reply.shown.lower()]
    return f"says {said}: “{_short(reply.shown)}”" if said else ""


def _disclaimer(wanted: Any, reply: Reply) -> str:
    last = reply.messages[-1]
    there = bool(last.disclaimer) and as_text(last).endswith(last.disclaimer)
    return "" if there == bool(wanted) else ("ends without the disclaimer" if wanted else "ends with the disclaimer")


def _answers_end_well(wanted: Any, reply: Reply) -> str:
    without = [
        m.passages for m in reply.messages if m.kind == "answer" and not as_text(m).endswith(m.disclaimer or "\0")
    ]
    return f"an answer ends without the disclaimer: {without}" if without else ""


def _replied(wanted: Any, reply: Reply) -> str:
    if reply.reasons.failed:
        return "the dialogue failed, and the application answered alone"
    return "" if reply.messages and all(m.lead.strip() for m in reply.messages) else "there is no reply"


def _flow(wanted: Any, reply: Reply) -> str:
    step = next((m.flow.step for m in reply.messages if m.flow), None)
    return "" if (step or False) == wanted else f"step {step} of the exercise is shown, expected {wanted}"


def _list(wanted: Any) -> list[str]:
    return [str(word) for word in (wanted if isinstance(wanted, list) else [wanted])]


def _short(text: str) -> str:
    return " ".join(text.split())[:160]


EXPECTATIONS: dict[str, Callable[[Any, Reply], str]] = {
    "replied": _replied,
    "answers_end_well": _answers_end_well,
    "kind": _one_of("kind", lambda reply: reply.messages[0].kind),
    "category": _one_of("category", lambda reply: reply.messages[0].category),
    "topic": _one_of("topic", lambda reply: reply.answer.topic),
    "passage": _one_of("passage", lambda reply: next(iter(reply.answer.passages), None)),
    "intent": _one_of("intent", lambda reply: (reply.reasons.parse.get("intent") or {}).get("name")),
    "drugs": _all_in("drugs", lambda reply: reply.answer.drugs),
    "disclaimer": _disclaimer,
    "sources": _all_in("sources", lambda reply: [f"{s.title}. {s.publisher}" for s in reply.answer.sources]),
    "contacts": _all_in(
        "contacts", lambda reply: [f"{c.country} {c.call} {c.text} {c.url}" for m in reply.messages for c in m.contacts]
    ),
    "buttons": _all_in("buttons", lambda reply: [s.title for m in reply.messages for s in m.suggestions]),
    "flow": _flow,
    "says": _says,
    "any": _any,
    "never": _never,
    "wish": _one_of("wish", lambda reply: reply.wish),
}
#: What holds for every turn.
ALWAYS = {"replied": True, "answers_end_well": True}
