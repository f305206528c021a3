"""What to expect of a turn, read off from what it got: how a conversation becomes a test in one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.dialogues.expectations import Reply, problems


@dataclass(frozen=True)
class Proposal:
    """Something that may be expected of a turn.

    Attributes:
        name, wanted: as they stand in a saved dialogue.
        chosen: whether it is expected unless somebody takes it out.
    """

    name: str
    wanted: Any
    chosen: bool


def proposals(reply: Reply) -> list[Proposal]:
    """What holds for `reply`: every one of them is met by it."""
    return [proposal for proposal in _proposed(reply) if not problems({proposal.name: proposal.wanted}, reply)]


def expected(reply: Reply) -> dict[str, Any]:
    """What is expected of a reply like this one unless somebody chooses otherwise."""
    return {proposal.name: proposal.wanted for proposal in proposals(reply) if proposal.chosen}


def _proposed(reply: Reply) -> Iterator[Proposal]:
    first, answer = reply.messages[0], reply.answer
    yield Proposal("kind", first.kind, True)
    if first.category:
        yield Proposal("category", first.category, True)
    if answer.topic:
        yield Proposal("topic", answer.topic, True)
    if answer.passages:
        yield Proposal("passage", answer.passages[0], True)
    if answer.drugs:
        yield Proposal("drugs", list(answer.drugs), False)
    yield Proposal("disclaimer", bool(reply.messages[-1].disclaimer), True)
    sources = list(dict.fromkeys(source.title for source in answer.sources))
    if sources:
        yield Proposal("sources", sources, True)
    calls = [contact.call or contact.url for message in reply.messages for contact in message.contacts]
    contacts = list(dict.fromkeys(call for call in calls if call))
    if contacts:
        yield Proposal("contacts", contacts, True)
    step = next((message.flow.step for message in reply.messages if message.flow), None)
    if step:
        yield Proposal("flow", step, True)
    buttons = [suggestion.title for message in reply.messages for suggestion in message.suggestions]
    if buttons:
        yield Proposal("buttons", buttons, False)
    if reply.wish:
        yield Proposal("wish", reply.wish, True)
    intent = (reply.reasons.parse.get("intent") or {}).get("name")
    if intent:
        yield Proposal("intent", intent, False)
