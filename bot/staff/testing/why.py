"""Why a turn got its reply: in sentences first, then in figures, and as it is underneath."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.dialogues.expectations import Reply
from bot.dialogues.reached import intent_of
from bot.dialogues.rules import Rule, followed
from bot.staff.testing.words import FINDINGS, LAYERS, PARTS, SLOTS, intent_in_words, value_in_words

_MOST_INTENTS, _MOST_PASSAGES = 5, 5
#: Two shares, and two scores, that are no farther apart are called close.
_CLOSE_SHARE, _CLOSE_SCORE = 0.15, 0.1


@dataclass(frozen=True)
class Candidate:
    """A passage that was weighed: its parts as (what it is, value), which add up to the score."""

    id: str
    title: str
    score: float
    parts: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Why:
    """Everything that the panel shows of a turn.

    Attributes:
        sentences: why, in plain words.
        intents: (name, in words, share), the likeliest first.
        names: (as written, what it is, kind, how it was found).
        passages: those that were weighed, best first.
        memory: (what, before, after), where something is remembered.
        rule: the rule that was followed; actions: (action, policy).
        times: (what, milliseconds).
        raw: all of it as the program has it.
    """

    sentences: tuple[str, ...]
    intents: tuple[tuple[str, str, float], ...]
    names: tuple[tuple[str, str, str, str], ...]
    passages: tuple[Candidate, ...]
    memory: tuple[tuple[str, str, str], ...]
    rule: str
    actions: tuple[tuple[str, str], ...]
    times: tuple[tuple[str, float], ...]
    raw: str


def why(reply: Reply, rules: Sequence[Rule], topics: Mapping[str, str], titles: Mapping[str, str]) -> Why:
    """
    Args:
        topics: title of each topic; titles: title of each passage that was weighed.
    """
    reasons = reply.reasons
    parse = reasons.parse
    ranking = [(r["name"], float(r["confidence"])) for r in parse.get("intent_ranking") or []][:_MOST_INTENTS]
    passages = tuple(_candidate(p, titles) for p in list(reasons.trace.get("passages") or [])[:_MOST_PASSAGES])
    rule = followed(rules, intent_of(parse), reasons.before.get("flow"), reasons.steps)
    return Why(
        tuple(_sentences(reply, ranking, passages, rule, topics)),
        tuple((name, intent_in_words(name, topics), share) for name, share in ranking),
        tuple(
            (str(e.get("surface", e["value"])), str(e["value"]), str(e["entity"]), str(e.get("found", "")))
            for e in parse.get("entities") or []
        ),
        passages,
        tuple(_memory(reasons.before, reasons.slots)),
        rule,
        tuple((str(s["action"]), str(s.get("policy") or "").rpartition("_")[2]) for s in reasons.steps),
        tuple((_TIMES.get(name, name), seconds * 1000) for name, seconds in reasons.seconds.items()),
        json.dumps(asdict(reasons), indent=2, ensure_ascii=False, default=str),
    )


_TIMES = {"screen": "Reading and safety screen", "dialogue": "Dialogue", "all": "Altogether"}


def passages_in(reply: Reply) -> set[str]:
    """The ids of the passages whose titles `why` needs."""
    return {str(p["id"]) for p in reply.reasons.trace.get("passages") or []}


def _candidate(passage: Mapping[str, Any], titles: Mapping[str, str]) -> Candidate:
    parts = tuple((PARTS.get(name, name), float(value)) for name, value in passage["parts"].items())
    return Candidate(passage["id"], titles.get(passage["id"], passage["id"]), float(passage["score"]), parts)


def _memory(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, title in SLOTS.items():
        if before.get(name) or after.get(name):
            yield title, value_in_words(before.get(name)), value_in_words(after.get(name))


def _sentences(
    reply: Reply,
    ranking: Sequence[tuple[str, float]],
    passages: Sequence[Candidate],
    rule: str,
    topics: Mapping[str, str],
) -> Iterator[str]:
    reasons = reply.reasons
    if reasons.failed:
        yield "The dialogue failed or took too long. The reply was made without it, from the safety screen alone."
    yield _screened(reasons.finding)
    if reasons.failed:
        return
    if reasons.parse.get("choice"):
        yield "A button was pressed, so nothing had to be understood."
    elif reasons.finding is None and ranking:
        yield from _understood(ranking, topics)
    yield from _chosen(reasons.trace, passages)
    if rule:
        yield f"The rule that followed: {rule}."


def _screened(finding: Mapping[str, Any] | None) -> str:
    if not finding:
        return "The safety screen found no danger in it."
    what = FINDINGS.get(finding["category"], finding["category"])
    how = LAYERS.get(finding["layer"], finding["layer"])
    after = " It also holds a question, which is answered after that." if finding.get("mixed") else ""
    return f"The safety screen found {what}, {how} ({_share(finding['confidence'])}), so that comes first.{after}"


def _understood(ranking: Sequence[tuple[str, float]], topics: Mapping[str, str]) -> Iterator[str]:
    (first, share), *others = ranking
    yield f"It was understood as “{intent_in_words(first, topics)}” ({_share(share)})."
    close = [name for name, other in others if share - other < _CLOSE_SHARE]
    if close:
        yield f"“{intent_in_words(close[0], topics)}” was close ({_share(others[0][1])})."


def _chosen(trace: Mapping[str, Any], passages: Sequence[Candidate]) -> Iterator[str]:
    kind = trace.get("kind")
    if trace.get("leaned"):
        yield "It was read as going on from the turn before."
    if kind == "answer" and passages:
        best, *others = passages
        yield f"The passage “{best.title}” fits best, most of all because it is {_strongest(best)}."
        if others and best.score - others[0].score < _CLOSE_SCORE:
            yield f"“{others[0].title}” was close behind it."
    elif kind == "clarify":
        yield "Two topics are equally likely, so both are offered."
    elif kind == "outside":
        yield "It seems to be about something that the bot does not answer, so no passage is shown."
    elif kind == "unclear":
        yield "No passage fits well enough to be shown."


def _strongest(best: Candidate) -> str:
    """The part of a score that lifts a passage most; what is negative only keeps others down."""
    name = max(best.parts, key=lambda part: part[1])[0] if best.parts else ""
    return name if name.startswith("like") else f"about {name}"


def _share(value: float) -> str:
    return f"{value:.0%}".replace("%", " %")
