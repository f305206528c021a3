"""Reading and comparing saved conversations, without the bot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.dialogues import running, saved
from bot.dialogues.expectations import Reply, problems
from bot.dialogues.saved import SavedDialogue, SavedTurn, read, read_all
from bot.errors import ContentError
from bot.service import Reasons
from tests.terminal.conftest import ANSWER, DANGER, GREETING, TableBot

GOOD = """
dialogues:
  - name: a medicine, then a button
    country: GB
    turns:
      - say: answer
        expect: {topic: interactions}
      - press: And alcohol?
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "flow.yml"


def test_a_file_is_read(file: Path) -> None:
    file.write_text(GOOD, encoding="utf-8")
    (dialogue,) = read(file)
    assert (dialogue.id, dialogue.country, dialogue.channel) == ("flow/a medicine, then a button", "GB", "web")
    assert [turn.words for turn in dialogue.turns] == ["“answer”", "[And alcohol?]"]
    assert dialogue.turns[0].expect == {"topic": "interactions"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dialogues: [", "not valid YAML"),
        ("- a", "list named dialogues"),
        ("dialogues: [{name: x}]", "name and turns"),
        ("dialogues: [{name: x, turns: []}]", "no turns"),
        ("dialogues: [{name: x, turns: [{say: a, press: b}]}]", "either says or presses"),
        ("dialogues: [{name: x, turns: [{expect: {}}]}]", "either says or presses"),
        ("dialogues: [{name: x, turns: [{say: a, expect: {topics: b}}]}]", "topics is not one of"),
        ("dialogues: [{name: x, turns: [{say: a, expects: {}}]}]", "expects is not one of"),
        ("dialogues: [{name: x, turns: [{say: no}]}]", "in quotes"),
        ("dialogues: [{name: x, country: no, turns: [{say: a}]}]", "in quotes"),
        ("dialogues: [{name: x, turns: [{say: a}]}, {name: x, turns: [{say: a}]}]", "named x"),
    ],
)
def test_a_wrong_file_is_named(file: Path, text: str, says: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match=says) as raised:
        read(file)
    assert "flow.yml" in str(raised.value)


PARSE = Reasons(parse={"intent": {"name": "ask_interactions"}})
REPLY = Reply((ANSWER,), PARSE)


@pytest.mark.parametrize(
    ("reply", "met", "unmet"),
    [
        (REPLY, {"kind": "answer"}, {"kind": "safety"}),
        (REPLY, {"category": None}, {"category": "panic_now"}),
        (REPLY, {"topic": ["safety", "interactions"]}, {"topic": ["safety", "effectiveness"]}),
        (REPLY, {"passage": "p1"}, {"passage": "p2"}),
        (REPLY, {"intent": "ask_interactions"}, {"intent": "greet"}),
        (REPLY, {"drugs": ["alprazolam"]}, {"drugs": ["alprazolam", "sertraline"]}),
        (REPLY, {"disclaimer": True}, {"disclaimer": False}),
        (Reply((DANGER,), PARSE), {"disclaimer": False}, {"disclaimer": True}),
        (REPLY, {"sources": True}, {"sources": False}),
        (REPLY, {"sources": ["agency"]}, {"sources": ["ministry"]}),
        (REPLY, {"contacts": False}, {"contacts": True}),
        (Reply((DANGER,), PARSE), {"contacts": ["999"]}, {"contacts": ["911"]}),
        (REPLY, {"buttons": ["And alcohol?"]}, {"buttons": ["No"]}),
        (REPLY, {"buttons": 2}, {"buttons": 3}),
        (REPLY, {"flow": False}, {"flow": 1}),
        (REPLY, {"says": ["yes", "MORE"]}, {"says": ["yes", "no, never"]}),
        (REPLY, {"any": ["zebra", "more"]}, {"any": ["zebra", "fish"]}),
        (REPLY, {"never": ["zebra"]}, {"never": ["zebra", "more"]}),
        (Reply((GREETING,), PARSE, "forget"), {"wish": "forget"}, {"wish": None}),
        (
            Reply((DANGER, ANSWER), PARSE),
            {"category": "medical_emergency", "topic": "interactions"},
            {"kind": "answer"},
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_expectations(reply: Reply, met: dict[str, Any], unmet: dict[str, Any]) -> None:
    assert problems(met, reply) == []
    assert len(problems(unmet, reply)) == 1


def test_what_always_holds() -> None:
    from dataclasses import replace

    assert problems({}, Reply((replace(ANSWER, disclaimer=""),), PARSE)) == [
        "an answer ends without the disclaimer: [('p1',)]"
    ]
    assert problems({}, Reply((replace(GREETING, lead=" "),), PARSE)) == ["there is no reply"]
    assert "failed" in problems({}, Reply((GREETING,), Reasons(failed=True)))[0]


async def test_a_conversation_is_had(file: Path) -> None:
    file.write_text(GOOD, encoding="utf-8")
    (dialogue,) = read(file)
    bot = TableBot({"answer": [ANSWER]})
    replies, differences = await running.run(dialogue, bot)  # type: ignore[arg-type]
    assert (len(replies), differences) == (2, [])
    assert [(t.text, t.button, t.country) for t in bot.asked] == [("answer", None, "GB"), (None, "b1", "GB")]
    assert len({turn.conversation for turn in bot.asked}) == 1


async def test_a_button_that_is_not_there_ends_it(file: Path) -> None:
    file.write_text(GOOD.replace("And alcohol?", "No such"), encoding="utf-8")
    (dialogue,) = read(file)
    _, (difference,) = await running.run(dialogue, TableBot({"answer": [ANSWER]}))  # type: ignore[arg-type]
    assert str(difference) == "turn 2 [No such]: there is no such button, but ['And alcohol?', 'And then?']"


EXPECTED = {"kind": ["clarify", "answer"], "says": ["In short:", "999"], "flow": False, "buttons": 3, "category": None}
NEW = SavedDialogue(
    "flow",
    "yes: a “new” one",
    (
        SavedTurn("no", None, {"topic": "interactions"}),
        SavedTurn(None, "And alcohol?", EXPECTED),
        SavedTurn("ketamine # or: not\nmore", None),
    ),
    "GB",
    "telegram",
    "not yet",
    "es",
)


def test_what_is_written_is_read_alike(file: Path) -> None:
    file.write_text(saved.as_file([NEW], "What staff saved."), encoding="utf-8")
    assert read(file) == [NEW]
    assert file.read_text(encoding="utf-8").startswith("# What staff saved.\ndialogues:\n  - name: ")


def test_every_dialogue_here_can_be_written(tmp_path: Path) -> None:
    for dialogue in read_all():
        path = tmp_path / f"{dialogue.file}.yml"
        path.write_text(saved.as_file([dialogue], "One."), encoding="utf-8")
        assert read(path) == [dialogue]
        assert saved.dialogue(path, saved.entry(dialogue)) == dialogue


FILE = """# What the file is about.
dialogues:
  - name: first  # a remark
    turns:
      - say: a

  # What the second is about.
  - name: yes: a “new” one
    turns: [{say: b}]

  # The third.
  - name: third
    turns:
      - say: c
""".replace("yes: a “new” one", '"yes: a “new” one"')


def test_a_dialogue_takes_the_place_of_the_one_of_its_name() -> None:
    text = saved.put(FILE, NEW)
    assert [one.name for one in saved.parse(text, Path("flow.yml"))] == ["first", NEW.name, "third"]
    assert saved.parse(text, Path("flow.yml"))[1] == NEW
    for kept in ("# What the file is about.", "# a remark", "# What the second is about.", "\n\n  # The third.\n"):
        assert kept in text
    assert "say: b" not in text


def test_a_new_dialogue_comes_last() -> None:
    from dataclasses import replace

    text = saved.put(FILE, replace(NEW, name="fourth"))
    assert text.startswith(FILE)
    assert [one.name for one in saved.parse(text, Path("flow.yml"))][-1] == "fourth"


@pytest.mark.parametrize(
    ("name", "usable"), [("staff", True), ("side-effects_2", True), ("../x", False), ("", False), ("A b", False)]
)
def test_names_of_files(name: str, usable: bool) -> None:
    assert saved.usable_file(name) is usable
