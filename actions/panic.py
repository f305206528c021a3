"""Panic happening now: a check for danger, then small steps at the person's pace (data/stories/panic.yml)."""

from __future__ import annotations

from actions.reply import Button, Reply
from actions.replying import ReplyingAction
from actions.safety import adopt, found
from actions.turn import Turn
from bot.message import Flow
from bot.screen.findings import Category

PANIC: Category = "panic_now"


class ActionPanicCheck(ReplyingAction):
    """Says that an emergency can feel the same, names the signs and the number, and asks."""

    def name(self) -> str:
        return "action_panic_check"

    def compose(self, turn: Turn, reply: Reply) -> None:
        adopt(reply, reply.needs.help.reply(found(turn, PANIC), turn.place(reply.needs.help)))
        reply.remember(flow="panic_check", flow_step=0)


class ActionPanicEmergency(ReplyingAction):
    """A danger sign, or not sure: call."""

    def name(self) -> str:
        return "action_panic_emergency"

    def compose(self, turn: Turn, reply: Reply) -> None:
        adopt(reply, reply.needs.help.emergency(turn.place(reply.needs.help)))
        reply.remember(flow=None, flow_step=None)


class ActionPanicStep(ReplyingAction):
    """The next step of the exercise; after the last one it ends."""

    def name(self) -> str:
        return "action_panic_step"

    def compose(self, turn: Turn, reply: Reply) -> None:
        steps = reply.needs.words.list("panic", "steps")
        step = int(turn.slots.get("flow_step") or 0) + 1
        if step > len(steps):
            _end(turn, reply)
        else:
            details = [_stay_safe(turn, reply)]
            if step == 1:
                details.append(reply.needs.words.text("panic", "in_session"))
            reply.say(
                "safety",
                steps[step - 1],
                category=PANIC,
                details=tuple(details),
                flow=Flow("panic", step, len(steps)),
                buttons=_buttons(reply),
                disclaimer=reply.needs.words.text("disclaimer"),
            )
            reply.remember(flow="panic_exercise", flow_step=step)


class ActionPanicNotHelping(ReplyingAction):
    """Back to the check for danger; "no" goes on with the next step."""

    def name(self) -> str:
        return "action_panic_not_helping"

    def compose(self, turn: Turn, reply: Reply) -> None:
        words = reply.needs.words
        buttons = [
            Button(words.text("panic", "not_helping", "suggestions", intent), {"intent": intent})
            for intent in ("affirm", "deny")
        ]
        reply.say(
            "safety",
            words.text("panic", "not_helping", "lead"),
            category=PANIC,
            details=(_stay_safe(turn, reply),),
            buttons=buttons,
            disclaimer=words.text("disclaimer"),
        )
        reply.remember(flow="panic_check")


class ActionPanicEnd(ReplyingAction):
    """Ends the exercise: when to get help, whom to tell."""

    def name(self) -> str:
        return "action_panic_end"

    def compose(self, turn: Turn, reply: Reply) -> None:
        _end(turn, reply)


def _end(turn: Turn, reply: Reply) -> None:
    words, operator = reply.needs.words, reply.operator()
    details = [_stay_safe(turn, reply)]
    if operator:
        details.append(words.text("panic", "end", "operator").format(**operator))
    # Whoever says thanks is out of it: the ending is no alarm any more.
    calm = turn.intent in ("thanks", "goodbye", "im_safe")
    reply.say(
        "smalltalk" if calm else "safety",
        words.text("panic", "end", "lead"),
        category="smalltalk" if calm else PANIC,
        details=tuple(details),
        disclaimer=words.text("disclaimer"),
    )
    reply.remember(flow=None, flow_step=None)


def _stay_safe(turn: Turn, reply: Reply) -> str:
    number = reply.needs.help.emergency_number(turn.place(reply.needs.help))
    return reply.needs.words.text("panic", "stay_safe").format(emergency=f"Call {number}.")


def _buttons(reply: Reply) -> list[Button]:
    words = reply.needs.words
    meanings = {"go_on": "next_step", "not_helping": "not_helping", "end": "stop_flow"}
    return [Button(words.text("panic", "buttons", name), {"intent": intent}) for name, intent in meanings.items()]
