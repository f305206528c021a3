"""Answers a question from the store; the one action behind every question, whatever its topic."""

from __future__ import annotations

import re
from typing import Any

from actions.deciding import Decision, covered, decide, named_in, topics_asked
from actions.needs import Needs
from actions.reply import MOST_SHOWN, Button, Reply
from actions.replying import ReplyingAction
from actions.turn import Turn
from bot.articles.ranking import INTERACTIONS, NOTHING_FOUND, SUBJECT, Query
from bot.articles.store import Passage, Ranked
from bot.language.lexicon import Mention
from bot.language.text import fold
from bot.message import SourceRef

#: Stands right before a medicine that somebody takes ("on a low dose of lithium", "i take zoloft").
_TAKES = re.compile(
    r"(?<!come )(?<!came )(?<!going )\b(?:on|take|takes|taking|prescribed|using)"
    r"(?: (?:a|an|my|some|the|high|low|daily|small|dose|doses|of|prescribed|both))*\s$"
)


class ActionAnswer(ReplyingAction):
    """Finds the passage that answers the question and shows it, or says honestly why not."""

    def name(self) -> str:
        return "action_answer"

    def compose(self, turn: Turn, reply: Reply) -> None:
        respond(turn, reply)


def respond(turn: Turn, reply: Reply) -> None:
    """Put the answer to the question of `turn` into `reply`."""
    if turn.metadata.get("too_long"):
        reply.fixed("fallback", "not_understood", "too_long")
        return
    if not turn.text.strip():  # nothing written, or a button of an earlier message
        not_understood(turn, reply)
        return
    decision = decide(turn, reply.needs)
    reply.remember(trace=trace_of(decision))
    if decision.kind == "answer" and decision.ranked[0].passage.withdrawn:
        reply.fixed("fallback", "withdrawn", "whole")
    elif decision.kind == "answer":
        show(decision, turn, reply)
    elif decision.kind == "clarify":
        _ask_back(decision, reply)
    elif decision.kind == "outside":
        _decline(turn, reply)
    else:
        not_understood(turn, reply)


def show(decision: Decision, turn: Turn, reply: Reply) -> None:
    """Show the best passage of `decision`, and what else was asked about beside it."""
    best = decision.ranked[0]
    together = best.passage.topic == INTERACTIONS
    mentions = tuple(d for d in decision.query.drugs if isinstance(d, Mention)) if together else ()
    names, missing = named_in(best, mentions)
    extra: list[str] = []
    sources: list[SourceRef] = []
    for drug in missing[:2] if together else taken(turn, best)[:1]:
        other = _about(drug, decision.query, reply.needs)
        if other.id == NOTHING_FOUND and not together:
            continue
        names += [drug.name, *drug.classes[:1]]
        called = _called(drug, reply.needs)
        if other.withdrawn:
            extra.append(reply.needs.words.text("withdrawn", "also").format(drug=called))
            continue
        extra.append(reply.needs.words.text("more", "also").format(drug=called, lead=other.lead))
        sources += other.sources
    shown = [*(turn.slots.get("shown") or []), best.passage.id][-MOST_SHOWN:]
    reply.answer(
        best.passage,
        lead=_introduced(best.passage, mentions, reply.needs),
        extra=extra,
        extra_sources=sources,
        drugs=names,
        buttons=[Button.opening(p.id, p.title) for p in continuations(decision.ranked, shown, reply.needs)],
    )
    reply.remember(
        shown=shown,
        last_topics=topics_asked(decision),
        last_drugs=[m.name for m in mentions],
        last_question=turn.slots.get("last_question") if decision.leaned and not turn.drugs else turn.text,
    )


def _ask_back(decision: Decision, reply: Reply) -> None:
    two = _different_topics([r for r in decision.ranked if not r.passage.withdrawn])
    if two:
        reply.fixed("clarify", "clarify", buttons=[Button.opening(r.passage.id, r.passage.title) for r in two])
    else:
        reply.fixed("fallback", "withdrawn", "whole")


def continuations(ranked: Any, shown: list[str], needs: Needs) -> list[Passage]:
    """Passages that continue naturally: the next best ones that were not shown yet, each under another title."""
    found: dict[str, Passage] = {}
    for r in ranked[1:]:
        if r.passage.id not in shown and r.passage.id != NOTHING_FOUND and not r.passage.withdrawn:
            found.setdefault(r.passage.title, r.passage)
    return list(found.values())[:3]


def not_understood(turn: Turn, reply: Reply) -> None:
    """Say so; the second time in a row, say what the bot can do and where a person can be asked."""
    misses = int(turn.slots.get("misses") or 0) + 1
    reply.remember(misses=misses)
    if misses < 2:
        reply.fixed("fallback", "not_understood", "first")
    else:
        reply.fixed("fallback", "not_understood", "again", category="out_of_scope")


def trace_of(decision: Decision) -> dict[str, Any]:
    """Why a passage was chosen, for people who test the bot: scores and their parts, no words of the visitor."""
    return {
        "kind": decision.kind,
        "leaned": decision.leaned,
        "passages": [
            {"id": r.passage.id, "score": round(r.score, 4), "parts": {k: round(v, 4) for k, v in r.parts.items()}}
            for r in decision.ranked
        ],
    }


def _decline(turn: Turn, reply: Reply) -> None:
    if turn.drugs:
        which = "medicine"
    elif any(m.kind in ("symptom", "condition") for m in turn.mentions):
        which = "health"
    else:
        which = "general"
    reply.fixed("refusal", "out_of_scope", which, category="out_of_scope")


def _different_topics(ranked: Any) -> list[Ranked]:
    found: dict[str, Ranked] = {}
    for r in ranked:
        found.setdefault(r.passage.topic, r)
    return list(found.values())[:2]


def taken(turn: Turn, best: Ranked) -> list[Mention]:
    """Medicines that somebody says they take while they ask about something else, and that `best` does not speak of.

    "bipolar, on lithium. will ketamine set me off": whether the two go together is worth a line below the answer.
    """
    text = fold(turn.text)
    return [
        drug
        for drug in turn.drugs
        if drug.name not in SUBJECT and _TAKES.search(text[: drug.start]) and covered(drug, best.passage.drugs) is None
    ]


def _about(drug: Mention, query: Query, needs: Needs) -> Passage:
    """The passage on one more drug that the question named."""
    vector = needs.reader.read(f"can i take {drug.name} with ketamine").vector
    found = needs.store.search(
        Query(query.text, vector, {f"ask_{INTERACTIONS}": 0.95}, {(INTERACTIONS, "specific"): 0.9}, (drug,))
    )
    return found[0].passage


def _introduced(passage: Passage, drugs: tuple[Mention, ...], needs: Needs) -> str:
    """The passage's lead, with a line before it that says what a named medicine is, where the text does not."""
    if not drugs:
        return passage.lead
    if passage.id == NOTHING_FOUND:
        asked = " and ".join(dict.fromkeys(_called(drug, needs) for drug in drugs))
        return f"{needs.words.text('more', 'about').format(drug=asked)} {passage.lead}"
    drug = drugs[0]
    text = f"{passage.lead} {' '.join(passage.details)}".lower()
    surface = drug.name if drug.found == "spelling" else drug.surface
    if drug.kind != "drug" or surface in text:
        return passage.lead
    group = next((c for c in drug.classes if c in passage.drugs), None)
    what = drug.name if drug.name != surface else ""
    if group:
        article = "an" if group[0] in "aeiou" or group in ("ssri", "snri", "maoi", "nsaid") else "a"
        shown = group.upper() if group in ("ssri", "snri", "maoi", "nsaid") else group
        what = f"{what}, {article} {shown}" if what else f"{article} {shown}"
    if not what:
        return passage.lead
    surface = needs.reader.lexicon.display.get(surface, surface)
    is_a = needs.words.text("more", "is_a").format(surface=surface[0].upper() + surface[1:], what=what)
    return f"{is_a} {passage.lead}"


def _called(drug: Mention, needs: Needs) -> str:
    """A medicine as it was asked about, its generic name beside it: "Zyrtec (cetirizine)"."""
    if drug.kind != "drug" or drug.found == "spelling" or drug.surface == drug.name:
        return drug.name
    brand = drug.surface in needs.reader.lexicon.display
    surface = drug.surface[0].upper() + drug.surface[1:] if brand else drug.surface
    return f"{surface} ({drug.name})"
