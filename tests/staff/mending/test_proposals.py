"""Sentences to learn: two people, then a file that training reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.database.mending import Proposal
from bot.settings import ROOT
from bot.staff.mending.editing import Editing, NotPossible
from bot.staff.mending.proposals import Known, Proposals, accepted_file, export, known_sentences, tidy, with_sentence
from bot.staff.roles import Account
from bot.training.sentences import read_sentences

KNOWN = Known({"ask_safety": ("heart", "age"), "greet": ("greet",)}, {"hello": "greet/greet"})
FILE = """\
version: "3.1"

nlu:
  # a comment that stays
  - intent: greet
    metadata: {aspect: greet, voice: british}
    examples: |
      - Hiya
"""


@pytest.fixture
def proposals(engine: sa.Engine, editing: Editing) -> Proposals:
    return Proposals(engine, editing)


def test_one_proposes_another_accepts(
    engine: sa.Engine, proposals: Proposals, ed: Account, cleo: Account, tmp_path: Path
) -> None:
    number = proposals.sentence(ed, "  is my   heart too old ", "ask_safety", "heart", KNOWN)
    with pytest.raises(NotPossible, match="somebody else must accept"):
        proposals.decide(ed, number, accept=True)
    assert export(engine, tmp_path).written == {}
    assert proposals.decide(cleo, number, accept=True) is False
    assert "is my heart too old" in accepted_file(engine)
    assert export(engine, tmp_path).written == {"ask_safety.yml": 1}
    assert export(engine, tmp_path).written == {}
    [sentence] = read_sentences(tmp_path)
    assert (sentence.text, sentence.label, sentence.voice) == ("is my heart too old", "ask_safety/heart", "asked")
    assert [one.state for one in proposals.list("exported")[0]] == ["exported"]


def test_what_is_refused_is_never_written(
    engine: sa.Engine, proposals: Proposals, ed: Account, cleo: Account, tmp_path: Path
) -> None:
    number = proposals.sentence(ed, "is my heart too old", "ask_safety", "heart", KNOWN)
    proposals.decide(cleo, number, accept=False, why="unclear")
    with pytest.raises(NotPossible, match="decided this already"):
        proposals.decide(cleo, number, accept=True)
    assert export(engine, tmp_path).written == {}


@pytest.mark.parametrize(
    ("text", "intent", "aspect", "why"),
    [
        ("Hello!", "ask_safety", "heart", "cannot mean two things"),
        ("hello", "greet", "greet", "has learned this"),
        ("how do you do", "no_such", "greet", "listed meanings"),
        ("how do you do", "ask_safety", "greet", "listed meanings"),
        ("x", "greet", "greet", "2 to 200"),
        ("y" * 201, "greet", "greet", "2 to 200"),
        ("is [xanax](drug) fine", "greet", "greet", "without brackets"),
        ("?!", "greet", "greet", "without brackets"),
    ],
)
def test_what_makes_no_sense_is_not_taken(
    proposals: Proposals, ed: Account, text: str, intent: str, aspect: str, why: str
) -> None:
    with pytest.raises(NotPossible, match=why):
        proposals.sentence(ed, text, intent, aspect, KNOWN)


def test_the_same_twice_is_one(proposals: Proposals, ed: Account, cleo: Account) -> None:
    proposals.phrasing(ed, "pain down there", "ketamine-bladder-signs")
    with pytest.raises(NotPossible, match="proposed this already"):
        proposals.phrasing(cleo, "pain  down there", "ketamine-bladder-signs")
    with pytest.raises(NotPossible, match="no such passage"):
        proposals.phrasing(ed, "pain down there", "nowhere")


def test_a_phrasing_that_cannot_be_taken_stays_undecided(
    engine: sa.Engine, proposals: Proposals, editing: Editing, ed: Account, cleo: Account
) -> None:
    number = proposals.phrasing(ed, "pain down there", "ketamine-bladder-signs")
    editing.retire(ed, "ketamine-bladder-signs", "no")
    with pytest.raises(NotPossible, match="not published"):
        proposals.decide(cleo, number, accept=True)
    with engine.connect() as connection:
        assert connection.scalar(sa.select(Proposal.state)) == "waiting"


def test_a_file_keeps_everything_else() -> None:
    once = with_sentence(FILE, "greet", "greet", "Good evening to you")
    assert once.startswith(FILE)
    twice = with_sentence(once, "greet", "greet", "A fine morning")
    assert twice.endswith("      - A fine morning\n      - Good evening to you\n")
    assert with_sentence(twice, "greet", "greet", "A fine morning") == twice


@pytest.mark.parametrize("text", ["what about: this", "yes - no", "# not a comment", '50% "off" {x}', "– é ü 漢"])
def test_any_sentence_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    (tmp_path / "greet.yml").write_text(with_sentence(FILE, "greet", "greet", tidy(text)), encoding="utf-8")
    assert text in [sentence.text for sentence in read_sentences(tmp_path)]


def test_the_shipped_sentences_are_known() -> None:
    known = known_sentences(ROOT / "data" / "nlu")
    assert "bladder" in known.aspects["ask_side_effects"]
    assert len(known.meant) > 3_000
