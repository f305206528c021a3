"""Turns that lean on the answer before: more, sources, in short, not that, a pressed button."""

from __future__ import annotations

from actions.answer import continuations, not_understood, respond
from actions.needs import Needs
from actions.reply import MOST_SHOWN, Button, Reply
from actions.replying import ReplyingAction
from actions.turn import Turn
from bot.articles.ranking import Query
from bot.articles.store import Passage, Ranked


class ActionChoose(ReplyingAction):
    """Shows the passage that a button names."""

    def name(self) -> str:
        return "action_choose"

    def compose(self, turn: Turn, reply: Reply) -> None:
        passage = _passage(str(turn.choice.get("passage", "")), reply.needs)
        if turn.choice.get("numbers"):
            reply.adopt(reply.needs.help.numbers(), [])
        elif passage is None:
            not_understood(turn, reply)
        else:
            _open(passage, turn, reply)


class ActionTellMore(ReplyingAction):
    """Shows the next passage on what the last answer was about, to who wants more or was not helped by it."""

    def name(self) -> str:
        return "action_tell_more"

    def compose(self, turn: Turn, reply: Reply) -> None:
        last = _last(turn, reply.needs)
        if last is None and turn.intent == "not_helping":
            not_understood(turn, reply)
            return
        if last is None:
            reply.fixed("smalltalk", "smalltalk", "affirm", category="smalltalk")
            return
        if turn.perhaps_a_question:
            respond(turn, reply)
            return
        shown = set(turn.slots.get("shown") or [])
        near = [r for r in _near(turn, last, reply.needs) if not r.passage.withdrawn]
        more = [r for r in near if r.passage.topic == last.topic and r.passage.id not in shown]
        if more:
            _open(more[0].passage, turn, reply)
        else:
            lead = f"{reply.needs.words.text('more', 'nothing', 'lead')} {last.lead}"
            reply.answer(last, lead=lead, whole=False, drugs=last.drugs)


class ActionSource(ReplyingAction):
    """Says where the last answer comes from."""

    def name(self) -> str:
        return "action_source"

    def compose(self, turn: Turn, reply: Reply) -> None:
        last = _last(turn, reply.needs)
        if last is None:
            reply.fixed("smalltalk", "sources", "none", category="smalltalk")
        else:
            titles = "; ".join(f"{s.title} ({s.publisher}{f', {s.year}' if s.year else ''})" for s in last.sources)
            words = reply.needs.words
            lead = words.text("sources", "lead").format(titles=titles) if titles else words.text("no_source")
            reply.answer(last, lead=lead, whole=False, drugs=last.drugs)


class ActionRepeatSimpler(ReplyingAction):
    """Says the last answer again, its lead alone."""

    def name(self) -> str:
        return "action_repeat_simpler"

    def compose(self, turn: Turn, reply: Reply) -> None:
        last = _last(turn, reply.needs)
        if last is None:
            reply.fixed("smalltalk", "smalltalk", "ask_capabilities", category="smalltalk")
        else:
            lead = reply.needs.words.text("more", "in_short").format(lead=last.lead)
            reply.answer(last, lead=lead, whole=False, drugs=last.drugs)


class ActionNotWhatIMeant(ReplyingAction):
    """Offers what else the question before may have meant; a new question in the same breath is answered."""

    def name(self) -> str:
        return "action_not_what_i_meant"

    def compose(self, turn: Turn, reply: Reply) -> None:
        last = _last(turn, reply.needs)
        if last is None:
            not_understood(turn, reply)
            return
        if _says_what(turn):
            respond(turn, reply)
            return
        shown = set(turn.slots.get("shown") or [])
        near = _near(turn, last, reply.needs)
        others = [r.passage for r in near if r.passage.id not in shown and not r.passage.withdrawn]
        if others:
            reply.fixed("clarify", "clarify", buttons=[Button.opening(p.id, p.title) for p in others])
        else:
            not_understood(turn, reply)


def _says_what(turn: Turn) -> bool:
    """Whether a correction names what was meant ("no, I meant before the session")."""
    return (
        len(turn.text.split()) > 4
        and max((p for name, p in turn.alone().items() if name.startswith("ask_")), default=0.0) > 0.4
    )


def _passage(name: str, needs: Needs) -> Passage | None:
    try:
        return needs.store.passage(name)
    except KeyError:
        return None


def _last(turn: Turn, needs: Needs) -> Passage | None:
    return _passage(str(turn.slots.get("last_passage") or ""), needs)


def _near(turn: Turn, last: Passage, needs: Needs) -> list[Ranked]:
    """Passages near to the last question and answer, best first."""
    about = str(turn.slots.get("last_question") or last.title)
    vector = needs.reader.read(about).vector
    return needs.store.search(
        Query(about, vector, {f"ask_{last.topic}": 0.9}, context_passage=last.id, context_topic=last.topic), most=12
    )


def _open(passage: Passage, turn: Turn, reply: Reply) -> None:
    shown = [*(turn.slots.get("shown") or []), passage.id][-MOST_SHOWN:]
    near = [r for r in _near(turn, passage, reply.needs) if r.passage.id != passage.id]
    buttons = [Button.opening(p.id, p.title) for p in continuations([None, *near], shown, reply.needs)]
    reply.answer(passage, drugs=passage.drugs, buttons=buttons)
    reply.remember(shown=shown, last_question=passage.title, last_drugs=[])
