"""Decides what a question gets: an answer from the store, a choice of two, or an honest "that is outside what I know".

The intent is a strong hint and never a wall: the passage is chosen by one score over all of them
(bot.articles.ranking), and the intents' distribution is one part of it.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from actions.needs import Needs
from actions.turn import TOPIC_PREFIX, Turn
from bot.articles.ranking import INTERACTIONS, NOTHING_FOUND, SUBJECT, Query
from bot.articles.store import Ranked
from bot.language.lexicon import Mention

OUT_OF_SCOPE, FOLLOW_UP = "out_of_scope", "follow_up"


@dataclass(frozen=True)
class Limits:
    """Where answers begin. Chosen on sentences that were held back (docs/architecture.md, "Deciding").

    Attributes:
        outside: with more than this probability of being out of scope, the question is declined …
        sure_match: … unless a phrasing of the best passage is at least this near (cosine).
        likely: below this probability of all topics together nothing is answered …
        fair_match: … unless a phrasing is at least this near.
        lean: from this probability of being a follow-up on, the turn before is taken into account.
        short: a question of at most this many words leans on the turn before more easily.
        torn: two topics whose probabilities differ by less than this, and neither reaches `clear`, are both offered.
        clear: a topic this likely is never asked back about.
    """

    outside: float = 0.5
    sure_match: float = 0.9
    likely: float = 0.25
    fair_match: float = 0.72
    lean: float = 0.35
    short: int = 7
    torn: float = 0.04
    clear: float = 0.4


@dataclass(frozen=True)
class Decision:
    """What to do with a question.

    Attributes:
        kind: "answer" with the best passage first, "clarify" between the first two, "outside", or "unclear".
        ranked: passages with their scores, best first.
        query: what was searched for; leaned: whether the turn before had a part in it.
    """

    kind: Literal["answer", "clarify", "outside", "unclear"]
    ranked: Sequence[Ranked]
    query: Query
    leaned: bool = False


def decide(turn: Turn, needs: Needs, limits: Limits | None = None) -> Decision:
    """What the question of `turn` gets."""
    limits = limits or Limits()
    alone = turn.alone()
    if turn.has_past and _leans(turn, alone, limits):
        query = _in_context(turn, needs, alone)
        ranked = needs.store.search(query)
        return Decision("answer" if ranked else "unclear", ranked, query, leaned=True)
    query = _lone(turn, needs, alone)
    ranked = needs.store.search(query)
    if not ranked:
        return Decision("unclear", ranked, query)
    match = _match(ranked[0])
    outside = alone.get(OUT_OF_SCOPE, 0.0)
    topics = {name: p for name, p in alone.items() if _is_topic(name)}
    if outside > limits.outside and match < limits.sure_match:
        return Decision("outside", ranked, query)
    if sum(topics.values()) < limits.likely and match < limits.fair_match:
        return Decision("outside" if outside > 0.2 else "unclear", ranked, query)
    first, second, *_ = [*sorted(topics.values(), reverse=True), 0.0, 0.0]
    torn = first < limits.clear and first - second < limits.torn and match < limits.fair_match
    if torn and len({r.passage.topic for r in ranked[:2]}) > 1:
        return Decision("clarify", ranked, query)
    return Decision("answer", ranked, query)


def _is_topic(intent: str) -> bool:
    return intent.startswith(TOPIC_PREFIX) and intent not in ("ask_dosing", "ask_source", "ask_bot_identity", "ask_capabilities")


def _match(best: Ranked) -> float:
    """How near the nearest phrasing of the passage is, as a cosine (the part is weighted about 1.15)."""
    return float(best.parts.get("question", 0.0)) / 1.15


def _leans(turn: Turn, alone: Mapping[str, float], limits: Limits) -> bool:
    """Whether the turn only makes sense in the light of the one before."""
    follows = turn.intents.get(FOLLOW_UP, 0.0)
    words = len(turn.text.split())
    if any(m.kind == "ketamine" for m in turn.mentions) and words > 4:
        return follows > 0.6
    if turn.drugs and words <= 4 and turn.slots.get("last_topic") == INTERACTIONS:
        return True
    best = max((p for name, p in alone.items() if _is_topic(name)), default=0.0)
    bound = limits.lean if words <= limits.short else 0.6
    return follows > bound or (words <= limits.short and best < 0.5 and follows > 0.1)


def _lone(turn: Turn, needs: Needs, alone: Mapping[str, float]) -> Query:
    return Query(turn.text, needs.reader.read(turn.text).vector, alone, turn.aspects, turn.drugs)


def _in_context(turn: Turn, needs: Needs, alone: Mapping[str, float]) -> Query:
    """The question as it is meant after the turn before: about the same, with what is new in it."""
    topic = str(turn.slots.get("last_topic"))
    before = str(turn.slots.get("last_question") or "")
    drugs = turn.drugs or _remembered(turn, needs)
    if turn.drugs and (topic == INTERACTIONS or before):
        topic = INTERACTIONS
        text = f"can i take {turn.drugs[0].name} with ketamine"
        intents = {f"{TOPIC_PREFIX}{INTERACTIONS}": 0.95}
        return Query(turn.text, needs.reader.read(text).vector, intents, {(INTERACTIONS, "specific"): 0.9}, drugs, topic, None)
    # The new words count for more than the old ones, which say what they are about.
    new, both = needs.reader.read(turn.text).vector, needs.reader.read(f"{before} {turn.text}").vector
    vector = new + both
    vector = vector / max(float((vector @ vector) ** 0.5), 1e-9)
    topics = {name: p for name, p in alone.items() if _is_topic(name)}
    total = sum(topics.values()) or 1.0
    intents = {name: 0.5 * p / total for name, p in topics.items()}
    intents[TOPIC_PREFIX + topic] = intents.get(TOPIC_PREFIX + topic, 0.0) + 0.5
    about = drugs if topic == INTERACTIONS else ()
    return Query(turn.text, vector, intents, turn.aspects, about, topic, turn.slots.get("last_passage"))


def _remembered(turn: Turn, needs: Needs) -> tuple[Mention, ...]:
    names = turn.slots.get("last_drugs") or []
    lexicon = needs.reader.lexicon
    return tuple(Mention("drug" if n in lexicon.drugs else "class", n, lexicon.classes_of(n), n, 0, 0) for n in names)


def covered(drug: Mention, passage_drugs: Sequence[str]) -> str | None:
    """The name under which a passage is about `drug`: its own, or the nearest of its classes; None when it is not."""
    return next((name for name in drug.names if name in passage_drugs), None)


def named_in(ranked: Ranked, drugs: Sequence[Mention]) -> tuple[list[str], list[Mention]]:
    """Names that the shown passage is about, of those asked and their classes; and the drugs that it leaves out."""
    passage = ranked.passage
    asked = [drug for drug in drugs if drug.name not in SUBJECT]
    if passage.id == NOTHING_FOUND:
        return [name for drug in asked for name in (drug.name, *drug.classes[:1])], []
    names: list[str] = []
    missing = []
    for drug in asked:
        under = covered(drug, passage.drugs)
        if under is None:
            missing.append(drug)
        else:
            names += [drug.name, under]
    return [*names, *passage.drugs], missing
