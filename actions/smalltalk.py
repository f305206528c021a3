"""Small talk, people, and what a person decides about their words."""

from __future__ import annotations

from actions.answer import respond
from actions.deciding import leans
from actions.reply import DELETE_CHECK, Button, Reply
from actions.replying import ReplyingAction
from actions.turn import Turn

#: "No, I meant before the session" is a question too: a bare no has at most this many words.
_BARE_NO = 3
#: After an answer, "anything i can take for it" is a question and no small talk.
_MISTAKABLE = frozenset({"ask_capabilities", "ask_bot_identity", "chitchat"})


class ActionSmalltalk(ReplyingAction):
    """Says the fixed line for the intent."""

    def name(self) -> str:
        return "action_smalltalk"

    def compose(self, turn: Turn, reply: Reply) -> None:
        corrects = turn.intent == "deny" and turn.has_past and len(turn.text.split()) > _BARE_NO
        if corrects or turn.perhaps_a_question or (turn.intent in _MISTAKABLE and leans(turn)):
            respond(turn, reply)
            return
        known = turn.intent if ("smalltalk", turn.intent) in reply.needs.words else "chitchat"
        reply.fixed("smalltalk", "smalltalk", known, category="smalltalk")
        reply.remember(misses=0)


class ActionTalkToPerson(ReplyingAction):
    """Names the operator's contact where there is one, else how to find somebody."""

    def name(self) -> str:
        return "action_talk_to_person"

    def compose(self, turn: Turn, reply: Reply) -> None:
        operator = reply.operator()
        if operator:
            reply.fixed("smalltalk", "people", "operator", category="smalltalk", **operator)
        else:
            reply.fixed("smalltalk", "people", "none_set", category="smalltalk")


class ActionDeleteMyData(ReplyingAction):
    """Asks before everything is deleted."""

    def name(self) -> str:
        return "action_delete_my_data"

    def compose(self, turn: Turn, reply: Reply) -> None:
        wording = reply.needs.words.wording("privacy", "ask_delete")
        yes, no = wording.suggestions
        buttons = [Button(yes, {"intent": "affirm"}), Button(no, {"intent": "deny"})]
        reply.say("smalltalk", wording.lead, category="smalltalk", buttons=buttons)
        reply.remember(flow=DELETE_CHECK)


class ActionDeleteConfirmed(ReplyingAction):
    """Says that it is done; the application deletes everything once this turn has ended (bot/service.py)."""

    def name(self) -> str:
        return "action_delete_confirmed"

    def compose(self, turn: Turn, reply: Reply) -> None:
        reply.fixed("smalltalk", "privacy", "deleted", category="smalltalk")
        reply.remember(flow=None)


class ActionDontKeep(ReplyingAction):
    """Says that words are not kept; the application marks the session (bot/service.py)."""

    def name(self) -> str:
        return "action_dont_keep"

    def compose(self, turn: Turn, reply: Reply) -> None:
        reply.fixed("smalltalk", "privacy", "not_kept", category="smalltalk")
