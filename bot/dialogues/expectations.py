"""What may be expected of a turn of a saved dialogue, and how a reply is compared with it.

A list where one value is expected means any of them:

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

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.channels.plain import as_text
from bot.message import Message
from bot.service import Reasons


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


def problems(expect: Mapping[str, Any], reply: Reply) -> list[str]:
    """What is not as expected, a sentence each."""
    return [problem for _, problem in compared(expect, reply)]


def compared(expect: Mapping[str, Any], reply: Reply) -> list[tuple[str, str]]:
    """What is not as expected, each with the name of the expectation."""
    found = []
    for name, wanted in {**ALWAYS, **expect}.items():
        problem = EXPECTATIONS[name](wanted, reply)
        if problem:
            found.append((name, problem))
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
