"""The one place where messages are put together. Every answer from the store ends with the disclaimer, here."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypedDict

from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.needs import Needs
from actions.turn import Turn
from bot.articles.store import Passage
from bot.message import Kind, Message, SourceRef, Suggestion

MOST_SUGGESTIONS, MOST_DRUGS, MOST_SHOWN = 3, 6, 30
#: The flow in which the next "yes" deletes the conversation.
DELETE_CHECK = "delete_check"


@dataclass(frozen=True)
class Button:
    """Words on a button and what pressing it means: {"intent", …} as `bot.engine.engine.Turn.choice`."""

    title: str
    choice: Mapping[str, Any]

    @classmethod
    def saying(cls, text: str) -> Button:
        """A button that asks `text`, as if it had been written."""
        return cls(text, {"say": text})

    @classmethod
    def opening(cls, passage: str, title: str) -> Button:
        """A button that shows one passage."""
        return cls(title, {"intent": "choose", "passage": passage})


class Operator(TypedDict):
    """Who runs this bot, as the wording names them: hours come with their brackets, or are empty."""

    name: str
    contact: str
    hours: str


@dataclass
class Reply:
    """Collects what a turn says and remembers; `send` hands both to Rasa."""

    needs: Needs
    turn: Turn
    messages: list[Message] = field(default_factory=list)
    slots: dict[str, Any] = field(default_factory=dict)
    _offered: list[dict[str, Any]] = field(default_factory=list)

    def say(
        self, kind: Kind, lead: str, *, category: str | None = None, buttons: Iterable[Button] = (), **parts: Any
    ) -> Message:
        """Add a message that is not an answer from the store."""
        message = Message(
            id=uuid.uuid4().hex,
            kind=kind,
            lead=lead,
            category=category,
            at=_now(),
            suggestions=self._offer(buttons),
            **parts,
        )
        self.messages.append(message)
        return message

    def fixed(
        self, kind: Kind, *names: str, category: str | None = None, buttons: Iterable[Button] = (), **filled: str
    ) -> Message:
        """Add the fixed wording at `names`, its gaps filled."""
        wording = self.needs.words.wording(*names)
        chosen = [*buttons, *(Button.saying(text) for text in wording.suggestions)]
        return self.say(
            kind, wording.lead.format(**filled) if filled else wording.lead, category=category, buttons=chosen
        )

    def answer(
        self,
        passage: Passage,
        *,
        lead: str | None = None,
        whole: bool = True,
        extra: Sequence[str] = (),
        extra_sources: Iterable[SourceRef] = (),
        drugs: Iterable[str] = (),
        buttons: Iterable[Button] = (),
    ) -> Message:
        """Add a passage as an answer, with its sources, review state and the disclaimer.

        Args:
            passage: what is shown.
            lead: said instead of the passage's lead (an introduction before it, or where it comes from).
            whole: whether its details are shown too. They always are where they say that a statement of the lead
                is general knowledge.
            extra: further paragraphs after the details; extra_sources: where they come from.
            drugs: names that the answer is about besides those that were chosen for it.
        """
        sources = tuple(dict.fromkeys([*passage.sources, *extra_sources]))
        message = Message(
            id=uuid.uuid4().hex,
            kind="answer",
            lead=lead or passage.lead,
            topic=passage.topic,
            aspects=passage.aspects,
            details=(*(passage.details if whole or passage.general else ()), *extra),
            sources=sources,
            review=passage.review,
            suggestions=self._offer(buttons),
            at=_now(),
            disclaimer=self.needs.words.text("disclaimer"),
            passages=(passage.id,),
            revisions=(passage.revision,),
            drugs=tuple(dict.fromkeys(drugs))[:MOST_DRUGS],
        )
        self.messages.append(message)
        self.slots.update(last_topic=passage.topic, last_topics=None, last_passage=passage.id, misses=0)
        return message

    def adopt(self, message: Message, buttons: Iterable[Button]) -> None:
        """Add a message built elsewhere, with our buttons below it."""
        self.messages.append(replace(message, suggestions=self._offer(buttons)))

    def operator(self) -> Operator | None:
        """Who can be asked; None where no contact is set."""
        settings = self.needs.settings
        if not settings.operator_contact:
            return None
        return {
            "name": settings.operator_name or "the people who run this chat",
            "contact": settings.operator_contact.removeprefix("tel:").removeprefix("mailto:"),
            "hours": f" ({settings.operator_hours})" if settings.operator_hours else "",
        }

    def remember(self, **slots: Any) -> None:
        """Set slots of the conversation."""
        self.slots.update(slots)

    def send(self, dispatcher: CollectingDispatcher) -> list[dict[str, Any]]:
        """Hand the messages to Rasa and return the events that set the slots.

        An offer to delete everything holds for the next turn alone: a "yes" to something else must not take it up.
        While a crisis lasts, what is not itself a safety reply begins with the line that has the number.
        """
        reminder = self._reminder()
        for number, message in enumerate(self.messages):
            if reminder and number == 0 and message.category != "crisis_selfharm":
                message = replace(message, lead=f"{reminder} {message.lead}")
            dispatcher.utter_message(json_message=message.to_dict())
        self.slots["offered"] = self._offered
        self.slots.setdefault("trace", None)  # that of an earlier turn says nothing about this one
        if self.turn.slots.get("flow") == DELETE_CHECK:
            self.slots.setdefault("flow", None)
        return [SlotSet(name, value) for name, value in self.slots.items()]

    def _reminder(self) -> str:
        until = self.slots.get("crisis_until", self.turn.slots.get("crisis_until")) or 0
        if float(until) < time.time():
            return ""
        return self.needs.help.remind(self.turn.place(self.needs.help))

    def _offer(self, buttons: Iterable[Button]) -> tuple[Suggestion, ...]:
        offered = []
        for button in list({b.title: b for b in buttons}.values())[:MOST_SUGGESTIONS]:
            suggestion = Suggestion(uuid.uuid4().hex[:12], button.title)
            self._offered.append({"id": suggestion.id, "title": button.title, "choice": dict(button.choice)})
            offered.append(suggestion)
        return tuple(offered)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
