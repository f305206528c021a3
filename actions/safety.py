"""What follows when the screen found danger, or a request that must be declined: the help first, a question after it.

The words come from bot/screen/help.py, which the application also uses alone when the dialogue fails.
"""

from __future__ import annotations

import re
import time

from actions.answer import respond
from actions.reply import Button, Reply
from actions.replying import ReplyingAction
from actions.turn import Turn
from bot.message import Message
from bot.screen.findings import Category, Finding
from bot.screen.help import DANGER_NO, DANGER_UNSURE, DANGER_YES, ELSEWHERE, MISUNDERSTOOD, SAFE

#: How long a number stays above every reply after a crisis, unless the person says that they are safe.
CRISIS_SECONDS = 24 * 3600

_NOT_SAFE = re.compile(
    r"\b(?:not|never|no longer|dont|don't|aint|ain't|isnt|isn't)\b[^.!?,]*\b(?:safe|ok|okay|fine|alright)\b"
)
#: What pressing a button of a safety reply means.
_MEANING: dict[str, dict[str, str]] = {
    SAFE: {"intent": "im_safe"},
    MISUNDERSTOOD: {"intent": "not_what_i_meant"},
    DANGER_YES: {"intent": "affirm"},
    DANGER_NO: {"intent": "deny"},
    DANGER_UNSURE: {"intent": "unsure"},
    ELSEWHERE: {"intent": "choose", "numbers": "all"},
}


def found(turn: Turn, category: Category) -> Finding:
    """The screen's finding of this turn, or one of `category` where the dialogue came here by itself."""
    finding = turn.finding
    return finding if finding and finding.category == category else Finding(category, turn.confidence, "classifier")


def adopt(reply: Reply, message: Message) -> None:
    """Add a safety reply with its buttons made pressable in this conversation."""
    reply.adopt(message, [Button(s.title, _MEANING[s.id]) for s in message.suggestions])


class ActionCrisis(ReplyingAction):
    """Crisis help; a question in the same message is answered below it."""

    def name(self) -> str:
        return "action_crisis"

    def compose(self, turn: Turn, reply: Reply) -> None:
        place = turn.place(reply.needs.help)
        finding = found(turn, "crisis_selfharm")
        adopt(reply, reply.needs.help.reply(finding, place))
        _answer_too(finding, turn, reply)
        reply.remember(flow="crisis_check", crisis_until=time.time() + CRISIS_SECONDS, crisis_country=place.country)


class ActionCrisisMisunderstood(ReplyingAction):
    """Asks once more, gently, and leaves the number."""

    def name(self) -> str:
        return "action_crisis_misunderstood"

    def compose(self, turn: Turn, reply: Reply) -> None:
        if denies_safety(turn.text):
            _still_here(turn, reply)
            return
        asked_before = turn.slots.get("flow_step") == "asked"
        words = reply.needs.help.safe if asked_before else reply.needs.help.misunderstood
        adopt(reply, words(turn.place(reply.needs.help)))
        reply.remember(flow=None if asked_before else "crisis_check", flow_step=None if asked_before else "asked")
        if asked_before and turn.intent == "deny":
            # Asked whether they think of dying, the person said no. "You misunderstood" once more says less.
            reply.remember(crisis_until=0, crisis_country=None)


class ActionCrisisStillHere(ReplyingAction):
    """The person confirmed that they think of dying: the number again, at once."""

    def name(self) -> str:
        return "action_crisis_still_here"

    def compose(self, turn: Turn, reply: Reply) -> None:
        _still_here(turn, reply)


class ActionCrisisSafe(ReplyingAction):
    """The person says that they are safe: the line above replies ends, the number is left once more."""

    def name(self) -> str:
        return "action_crisis_safe"

    def compose(self, turn: Turn, reply: Reply) -> None:
        if denies_safety(turn.text):
            _still_here(turn, reply)
            return
        if turn.slots.get("crisis_until"):
            adopt(reply, reply.needs.help.safe(turn.place(reply.needs.help)))
        else:
            reply.fixed("smalltalk", "smalltalk", "chitchat", category="smalltalk")
        reply.remember(flow=None, flow_step=None, crisis_until=0, crisis_country=None)


class ActionEmergency(ReplyingAction):
    """The emergency number first, then what to do until help arrives."""

    def name(self) -> str:
        return "action_emergency"

    def compose(self, turn: Turn, reply: Reply) -> None:
        _help_with("medical_emergency", turn, reply)


class ActionUrgent(ReplyingAction):
    """Care on the same day."""

    def name(self) -> str:
        return "action_urgent"

    def compose(self, turn: Turn, reply: Reply) -> None:
        _help_with("urgent_care", turn, reply)


class ActionDosing(ReplyingAction):
    """Declines amounts and misuse without judgement, and says who can answer."""

    def name(self) -> str:
        return "action_dosing"

    def compose(self, turn: Turn, reply: Reply) -> None:
        adopt(reply, reply.needs.help.reply(found(turn, "refuse_dosing"), turn.place(reply.needs.help)))
        reply.remember(misses=0)


def denies_safety(text: str) -> bool:
    """Whether `text` says that the person is not safe or not all right, however near that is to saying they are."""
    return bool(_NOT_SAFE.search(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")))


def _still_here(turn: Turn, reply: Reply) -> None:
    adopt(reply, reply.needs.help.still_here(turn.place(reply.needs.help)))
    reply.remember(flow="crisis_check", crisis_until=time.time() + CRISIS_SECONDS)


def _help_with(category: Category, turn: Turn, reply: Reply) -> None:
    finding = found(turn, category)
    adopt(reply, reply.needs.help.reply(finding, turn.place(reply.needs.help)))
    _answer_too(finding, turn, reply)
    reply.remember(flow=None, flow_step=None)


def _answer_too(finding: Finding, turn: Turn, reply: Reply) -> None:
    """A question beside the danger is answered below the help; a clarification or an apology would only distract."""
    if not finding.mixed:
        return
    before = len(reply.messages)
    respond(turn, reply)
    if reply.messages[-1].kind != "answer":
        del reply.messages[before:]
