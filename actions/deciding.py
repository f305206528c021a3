"""Decides what a question gets: an answer from the store, a choice of two, or an honest "that is outside what I know".

The intent is a strong hint and never a wall: the passage is chosen by one score over all of them
(bot.articles.ranking), and the intents' distribution is one part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from actions.needs import Needs
from actions.turn import TOPIC_PREFIX, Turn
from bot.articles.ranking import INTERACTIONS, NOTHING_FOUND, SUBJECT, Query
from bot.articles.store import Ranked
from bot.language.lexicon import Mention
from bot.language.text import fold

OUT_OF_SCOPE, FOLLOW_UP = "out_of_scope", "follow_up"
#: "can i take zoloft", "is xanax ok", "ibuprofen?": with nothing else in it, whoever asks here means with ketamine.
_ASKS_ABOUT_TAKING = re.compile(
    r"(?:(?:can|could|may|should) (?:i|you|we|one|people) (?:still |also |safely )?(?:take|use|have|mix|be on)"
    r"|(?:is|are) (?:it )?(?:ok|okay|safe|fine|alright|allowed)(?: (?:to|if i) (?:take|use|have))?"
    r"|is|are|what about|how about|(?:i am|i'm|im) (?:on|taking))?"
    r" ?(?:my |some |any )?<drug>"
    r"(?: (?:ok|okay|safe|fine|alright|allowed|too|as well|still|(?:together |along )?with (?:it|this|that|them)))*"
    r"[ ?!.]*"
)
#: Words that point at what was said before, and words that name the subject anew.
_POINTERS = frozenset(
    [
        "it",
        "its",
        "that",
        "thats",
        "that's",
        "this",
        "one",
        "ones",
        "those",
        "these",
        "them",
        "they",
        "there",
        "then",
        "afterwards",
        "same",
        "either",
        "else",
    ]
)
#: Beside the name of a medicine these tell that the question before goes on.
_ALSO = frozenset(["too", "aswell", "also"])
#: Whatever is named beside these is measured by what was said before ("does yoga count").
_COUNTS = frozenset(["count", "counts"])
#: With these, a medicine that is named after an answer is compared or belongs to the past: it is not about taking both.
_APART = frozenset(["compared", "comparison", "than", "tried", "versus", "vs", "instead"])
#: What people call their own treatment, although the words alone mean other things too.
_OURS = frozenset(["spray", "sprays", "drip", "drips"])
_SUBJECTS = frozenset(
    [
        "panic",
        "panics",
        "panicking",
        "panicked",
        "attack",
        "attacks",
        "anxiety",
        "anxious",
        "infusion",
        "session",
        "treatment",
        "clinic",
        "therapy",
        "therapist",
        "depression",
    ]
)


@dataclass(frozen=True)
class Limits:
    """Where answers begin. Chosen on sentences that were held back (docs/architecture.md, "Deciding").

    Attributes:
        outside: with more than this probability of being out of scope, the question is declined …
        outside_first: … or with this one, when nothing else is likelier …
        outside_unnamed: … or with this one, when no word of it belongs to our subjects …
        outside_unnamed_after: … after an answer, whose subject need not be named again, with this one instead …
        outside_other: … or with this one, when a medicine is named and ketamine or its treatment in no word.
        sure_match: … unless a phrasing of the best passage is at least this near (cosine).
        lost: a first message that names no subject and is a follow-up with more than this probability, or more likely
            than anything else, is not answered …
        lost_match: … unless a phrasing is at least this near.
        likely: below this probability of all topics together nothing is answered …
        fair_match: … unless a phrasing is at least this near.
        lean: from this probability of being a follow-up on, a short question leans on the turn before …
        lean_long: … and a longer one from this.
        short: a question of at most this many words is short.
        pointing: a question of at most this many words that points back ("that", "one", "it") and names nothing leans.
        plain: a short question that names nothing leans unless a topic is likelier than this.
        before: a leaning question is about the topic of the turn before with this probability.
        own_topic: … and with less the more its own likeliest topic exceeds this probability.
        own_topic_named: the same where it names a subject of its own, read as if nothing had been said before.
        only_follows: … unless it is a follow-up with at least this probability.
        as_read: of what the turn before was about, this share is as its question was read, the rest its answer's topic.
        before_short: the same for one of few words whose own topic is not clear.
        torn: two topics whose probabilities differ by less than this, and neither reaches `clear`, are both offered.
        clear: a topic this likely is never asked back about.
    """

    outside: float = 0.45
    outside_first: float = 0.25
    outside_unnamed: float = 0.12
    outside_unnamed_after: float = 0.4
    outside_other: float = 0.3
    sure_match: float = 0.9
    lost: float = 0.45
    lost_match: float = 0.36
    likely: float = 0.25
    fair_match: float = 0.72
    lean: float = 0.35
    lean_long: float = 0.6
    short: int = 10
    pointing: int = 10
    plain: float = 0.97
    before: float = 0.92
    own_topic: float = 0.85
    own_topic_named: float = 0.3
    only_follows: float = 0.97
    as_read: float = 0.5
    before_short: float = 0.4
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
    if leans(turn, limits):
        return _leaning(turn, needs, alone, limits)
    if _means_with_ketamine(turn):
        query = _with_ketamine(turn, needs)
        ranked = needs.store.search(query)
        return Decision("answer" if ranked else "unclear", ranked, query)
    query = _lone(turn, needs, alone, limits)
    ranked = needs.store.search(query)
    if not ranked:
        return Decision("unclear", ranked, query)
    match = _match(ranked[0])
    outside = alone.get(OUT_OF_SCOPE, 0.0)
    unnamed = limits.outside_unnamed_after if turn.has_past else limits.outside_unnamed
    declined = (
        outside > limits.outside
        or (outside > limits.outside_first and outside >= max(alone.values()))
        or (outside > unnamed and not _names_a_subject(turn))
        or (outside > limits.outside_other and turn.drugs and not _names_ours(turn))
    )
    topics = {name: p for name, p in alone.items() if _is_topic(name)}
    # It seems to go on from something, and there is nothing before it.
    follows = turn.intents.get(FOLLOW_UP, 0.0)
    seems_to_follow = follows > limits.lost or follows >= max(turn.intents.values(), default=1.0)
    lost = not turn.has_past and seems_to_follow and not _names_a_subject(turn)
    if _about_others_alone(turn) or (declined and match < limits.sure_match) or (lost and match < limits.lost_match):
        return Decision("outside", ranked, query)
    if sum(topics.values()) < limits.likely and match < limits.fair_match:
        if outside > 0.2:
            return Decision("outside", ranked, query)
        short = turn.has_past and len(turn.text.split()) <= limits.short
        return _leaning(turn, needs, alone, limits) if short else Decision("unclear", ranked, query)
    first, second, *_ = [*sorted(topics.values(), reverse=True), 0.0, 0.0]
    torn = (
        first < limits.clear
        and first - second < limits.torn
        and match < limits.fair_match
        and ranked[0].parts.get("drug", 0.0) <= 0  # what is about the medicine that was named is what was asked for
    )
    if torn and len({r.passage.topic for r in ranked[:2]}) > 1:
        return Decision("clarify", ranked, query)
    return Decision("answer", ranked, query)


def _leaning(turn: Turn, needs: Needs, alone: Mapping[str, float], limits: Limits) -> Decision:
    query = _in_context(turn, needs, alone, limits)
    ranked = needs.store.search(query)
    return Decision("answer" if ranked else "unclear", ranked, query, leaned=True)


def _is_topic(intent: str) -> bool:
    return intent.startswith(TOPIC_PREFIX) and intent not in (
        "ask_dosing",
        "ask_source",
        "ask_bot_identity",
        "ask_capabilities",
    )


def _match(best: Ranked) -> float:
    """How near the nearest phrasing of the passage is, as a cosine (the part is weighted about 1.3)."""
    return 1.0 if best.parts.get("same") else float(best.parts.get("question", 0.0)) / 1.3


def leans(turn: Turn, limits: Limits | None = None) -> bool:
    """Whether the turn only makes sense in the light of the one before."""
    limits = limits or Limits()
    if not turn.has_past:
        return False
    follows = turn.intents.get(FOLLOW_UP, 0.0)
    words = len(turn.text.split())
    if any(m.kind == "ketamine" for m in turn.mentions) and words > 4:
        return follows > limits.lean_long
    if turn.drugs and (words <= 4 or (words <= limits.pointing and _words_of(turn) & (_POINTERS | _ALSO))):
        return True
    best = max((p for name, p in turn.alone().items() if _is_topic(name)), default=0.0)
    if words <= limits.pointing and _points_back(turn) and best < 0.9:
        return True
    unnamed = not _names_a_subject(turn) and turn.alone().get(OUT_OF_SCOPE, 0.0) < limits.outside_unnamed
    if words <= limits.short and unnamed and best < limits.plain:
        return True
    bound = limits.lean if words <= limits.short else limits.lean_long
    return follows > bound or (words <= limits.short and best < 0.5 and follows > 0.1)


def _names_a_subject(turn: Turn) -> bool:
    """Whether any word belongs to what the bot answers about."""
    return bool(turn.mentions) or bool(_words_of(turn) & _SUBJECTS)


def _words_of(turn: Turn) -> set[str]:
    return set(re.findall(r"[a-z']+", turn.text.lower()))


def _points_back(turn: Turn) -> bool:
    """Whether the words point at something said before, and name nothing of their own that is not measured by it."""
    words = _words_of(turn)
    if words & _COUNTS:
        return True
    names = any(m.kind in ("ketamine", "condition", "drug", "class", "treatment") for m in turn.mentions)
    return bool(words & _POINTERS) and not names and not words & _SUBJECTS


def _about_others_alone(turn: Turn) -> bool:
    """Whether two or more other medicines are asked about together, and ketamine or a session in no word.

    A medicine and its own class ("benzos like xanax") are one, and so are the parts of one product.
    """
    places = {m.start for m in turn.drugs if not any(m.name in other.classes for other in turn.drugs)}
    return len(places) >= 2 and not _names_ours(turn) and not turn.has_past


def _names_ours(turn: Turn) -> bool:
    """Whether ketamine, or its treatment, is named; "the spray" is what people here call theirs."""
    words = {word.removesuffix("'s") for word in _words_of(turn)}
    return bool(words & _OURS) or any(m.kind in ("ketamine", "treatment", "phase", "route") for m in turn.mentions)


def _means_with_ketamine(turn: Turn) -> bool:
    """Whether the question is only whether one medicine can be taken; "... on weekends" is another question."""
    if len(turn.drugs) != 1 or any(m.kind not in ("drug", "class") for m in turn.mentions):
        return False
    drug = turn.drugs[0]
    text = fold(turn.text)
    return bool(_ASKS_ABOUT_TAKING.fullmatch(f"{text[: drug.start]}<drug>{text[drug.end :]}"))


def _with_ketamine(turn: Turn, needs: Needs) -> Query:
    """The question as it is meant: the named medicine together with ketamine."""
    vector = needs.reader.read(f"can i take {turn.drugs[0].name} with ketamine").vector
    intents = {f"{TOPIC_PREFIX}{INTERACTIONS}": 0.95}
    return Query(turn.text, vector, intents, {(INTERACTIONS, "specific"): 0.9}, turn.drugs, INTERACTIONS, None)


def _lone(turn: Turn, needs: Needs, alone: Mapping[str, float], limits: Limits) -> Query:
    unclear = max((p for name, p in alone.items() if _is_topic(name)), default=0.0) < 0.6
    if turn.has_past and unclear and len(turn.text.split()) <= limits.short:
        alone = _towards(turn.topics_before, alone, limits.before_short)
    return Query(turn.text, needs.reader.read(turn.text).vector, alone, turn.aspects_alone(), turn.drugs)


def _towards(about: Mapping[str, float], alone: Mapping[str, float], share: float) -> dict[str, float]:
    """The distribution over topics, with `share` of it moved to what the turn before was about."""
    topics = {name: p for name, p in alone.items() if _is_topic(name)}
    total = sum(topics.values()) or 1.0
    moved = {name: (1 - share) * p / total for name, p in topics.items()}
    for topic, weight in about.items():
        moved[TOPIC_PREFIX + topic] = moved.get(TOPIC_PREFIX + topic, 0.0) + share * weight
    return moved


def topics_asked(decision: Decision, limits: Limits | None = None) -> dict[str, float]:
    """What a question was about, for the turn after it: mostly the topic of its answer, the rest as it was read."""
    limits = limits or Limits()
    read = {name.removeprefix(TOPIC_PREFIX): p for name, p in decision.query.intents.items() if _is_topic(name)}
    total = sum(read.values()) or 1.0
    about = {topic: limits.as_read * p / total for topic, p in read.items() if p / total >= 0.1}
    answered = decision.ranked[0].passage.topic
    about[answered] = about.get(answered, 0.0) + 1 - sum(about.values())
    return {topic: round(weight, 3) for topic, weight in about.items()}


def _in_context(turn: Turn, needs: Needs, alone: Mapping[str, float], limits: Limits) -> Query:
    """The question as it is meant after the turn before: about the same, with what is new in it."""
    topic, share = str(turn.slots.get("last_topic")), limits.before
    before = str(turn.slots.get("last_question") or "")
    if turn.drugs and (topic == INTERACTIONS or not _words_of(turn) & _APART):
        return _with_ketamine(turn, needs)
    # A turn that names a topic of its own clearly ("and what do i do about it") asks about that one.
    # Where next to nothing but "it goes on" was read, what is left of the reading is noise.
    named = _names_a_subject(turn) and turn.intents.get(FOLLOW_UP, 0.0) < limits.only_follows
    own = max((p for name, p in (alone if named else turn.intents).items() if _is_topic(name)), default=0.0)
    start = limits.own_topic_named if named else limits.own_topic
    share *= 1 - max(0.0, own - start) / (1 - start)
    # The new words and the old ones, which say what they are about, count alike. Both are embedded already; reading
    # them as one sentence cost another embedding and found nothing more (docs/performance.md).
    vector = needs.reader.read(turn.text).vector + needs.reader.read(before).vector
    vector = vector / max(float((vector @ vector) ** 0.5), 1e-9)
    drugs = _remembered(turn, needs) if topic == INTERACTIONS else ()
    return Query(
        turn.text,
        vector,
        _towards(turn.topics_before, alone, share),
        turn.aspects_alone(),
        drugs,
        topic,
        turn.slots.get("last_passage"),
    )


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
