"""Small talk, people, and what a person decides about their words."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import respond
from actions.deciding import leans
from actions.needs import needs
from actions.reply import DELETE_CHECK, Button, Reply
from actions.turn import Turn

#: "No, I meant before the session" is a question too: a bare no has at most this many words.
_BARE_NO = 3
#: After an answer, "anything i can take for it" is a question and no small talk.
_MISTAKABLE = frozenset({"ask_capabilities", "ask_bot_identity", "chitchat"})


class ActionSmalltalk(Action):
    """Says the fixed line for the intent."""

    def name(self) -> str:
        return "action_smalltalk"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        turn = Turn.of(tracker)
        reply = Reply(needs(), turn)
        corrects = turn.intent == "deny" and turn.has_past and len(turn.text.split()) > _BARE_NO
        if corrects or (turn.intent in _MISTAKABLE and leans(turn)):
            respond(turn, reply)
            return reply.send(dispatcher)
        known = turn.intent if ("smalltalk", turn.intent) in reply.needs.words else "chitchat"
        reply.fixed("smalltalk", "smalltalk", known, category="smalltalk")
        reply.remember(misses=0)
        return reply.send(dispatcher)


class ActionTalkToPerson(Action):
    """Names the operator's contact where there is one, else how to find somebody."""

    def name(self) -> str:
        return "action_talk_to_person"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        reply = Reply(needs(), Turn.of(tracker))
        settings = reply.needs.settings
        if settings.operator_contact:
            contact = settings.operator_contact.removeprefix("tel:").removeprefix("mailto:")
            hours = f" ({settings.operator_hours})" if settings.operator_hours else ""
            name = settings.operator_name or "the people who run this chat"
            reply.fixed(
                "smalltalk", "people", "operator", category="smalltalk", name=name, contact=contact, hours=hours
            )
        else:
            reply.fixed("smalltalk", "people", "none_set", category="smalltalk")
        return reply.send(dispatcher)


class ActionDeleteMyData(Action):
    """Asks before everything is deleted."""

    def name(self) -> str:
        return "action_delete_my_data"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        reply = Reply(needs(), Turn.of(tracker))
        wording = reply.needs.words.wording("privacy", "ask_delete")
        yes, no = wording.suggestions
        buttons = [Button(yes, {"intent": "affirm"}), Button(no, {"intent": "deny"})]
        reply.say("smalltalk", wording.lead, category="smalltalk", buttons=buttons)
        reply.remember(flow=DELETE_CHECK)
        return reply.send(dispatcher)


class ActionDeleteConfirmed(Action):
    """Says that it is done; the application deletes everything once this turn has ended (bot/service.py)."""

    def name(self) -> str:
        return "action_delete_confirmed"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        reply = Reply(needs(), Turn.of(tracker))
        reply.fixed("smalltalk", "privacy", "deleted", category="smalltalk")
        reply.remember(flow=None, delete=True)
        return reply.send(dispatcher)


class ActionDontKeep(Action):
    """Says that words are not kept; the application marks the session (bot/service.py)."""

    def name(self) -> str:
        return "action_dont_keep"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        reply = Reply(needs(), Turn.of(tracker))
        reply.fixed("smalltalk", "privacy", "not_kept", category="smalltalk")
        reply.remember(keep=False)
        return reply.send(dispatcher)
