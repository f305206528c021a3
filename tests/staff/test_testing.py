"""Trials, saved dialogues, runs and the bench, without pages; nothing of them touches visitors' conversations."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.database.models import Base
from bot.dialogues.past import Past
from bot.dialogues.reached import Reached
from bot.dialogues.rules import read_rules
from bot.dialogues.saved import SavedDialogue, SavedTurn, as_file, read
from bot.settings import ROOT
from bot.staff.testing import bench, content, trials
from bot.staff.testing.coverage import coverage, reached_passages, read_mixing
from bot.staff.testing.dialogues import Dialogues
from bot.staff.testing.runs import MOST_RUNS, Busy, Runs
from bot.staff.testing.saving import choices, expecting, not_met
from bot.staff.testing.shown import CHANNELS, arrived, difference
from bot.staff.testing.trials import Circumstances, Trials
from bot.staff.testing.why import why
from bot.training.evaluation import Report, write_mixed_up
from bot.web.refusals import Refusal
from tests.staff.tested_bot import ALCOHOL, ANSWER, GREETING, STEP, TestedBot

RULES = read_rules(ROOT / "data" / "stories")
XANAX = "can i take xanax with ketamine"
ABOUT = {"model": "dialogue", "content_version": 3, "drafts": False}


def saved(name: str = "one", *turns: SavedTurn, file: str = "staff", fails: str = "") -> SavedDialogue:
    return SavedDialogue(file, name, turns or (SavedTurn(XANAX, None, {"topic": "interactions"}),), fails=fails)


def everything(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


# -- trials ------------------------------------------------------------------------------------------------------


async def test_a_trial_is_had_beside_the_visitors() -> None:
    bot = TestedBot()
    kept = Trials(bot)
    trial = await kept.begin(1, Circumstances("web", "GB", "en-GB"))
    await kept.say(trial, f"my name is Peter Miller, {XANAX}, mail me at p@example.org")
    await kept.say(trial, None, "b1")
    assert bot.asked == [], "the visitors' bot was not asked"
    first, second = bot.asides[False].asked
    assert (first.country, first.locale, first.channel) == ("GB", "en-GB", "web")
    assert (second.text, second.button) == (None, "b1")
    assert [tried.said.words for tried in trial.turns][1] == "[What about alcohol?]"
    assert "p@example.org" not in (trial.turns[0].said.say or ""), "it is shown, and saved, as the bot was told it"
    assert kept.of(1, trial.key) is trial
    assert kept.of(2, trial.key) is None, "somebody else's"
    await kept.end(trial)
    assert bot.asides[False].forgotten == [first.conversation]
    assert kept.of(1, trial.key) is None


async def test_a_number_is_a_button_where_messengers_take_it_so() -> None:
    bot = TestedBot()
    kept = Trials(bot)
    for channel, pressed in (("sms", "b2"), ("web", None)):
        trial = await kept.begin(1, Circumstances(channel))
        await kept.say(trial, XANAX)
        await kept.say(trial, "2")
        assert bot.asides[False].asked[-1].button == pressed
        await kept.say(trial, "2")
        assert bot.asides[False].asked[-1].button is None, "there are none any more"


async def test_trials_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    bot = TestedBot()
    kept = Trials(bot)
    first = await kept.begin(1, Circumstances())
    others = [await kept.begin(2, Circumstances()) for _ in range(trials.MOST_OF_ONE + 1)]
    assert kept.of(2, others[0].key) is None
    assert kept.of(2, others[1].key) is not None
    assert kept.of(1, first.key) is first
    first.used -= trials.LASTS + 1
    await kept.begin(2, Circumstances())
    assert kept.of(1, first.key) is None


async def test_drafts_are_tried_with_a_bot_of_their_own() -> None:
    bot = TestedBot()
    kept = Trials(bot)
    draft = await kept.begin(1, Circumstances(drafts=True))
    await kept.say(draft, XANAX)
    assert draft.turns[0].reply.messages[0].lead == "A draft."
    published = await kept.anew(draft, 1, Circumstances())
    assert published.turns[0].reply.messages[0].lead == ANSWER.lead
    with pytest.raises(Refusal, match="not_ready") as refused:
        Trials(TestedBot(remote=True)).bot(True)
    assert "ACTION_ENDPOINT" in refused.value.sentence


async def test_going_on_from_a_turn_leaves_the_first_trial_as_it_is() -> None:
    kept = Trials(TestedBot())
    trial = await kept.begin(1, Circumstances())
    for said in ("hello", XANAX, "my chest hurts"):
        await kept.say(trial, said)
    again = await kept.anew(trial, 2)
    assert [tried.said.say for tried in again.turns] == ["hello", XANAX]
    assert len(trial.turns) == 3


async def test_a_real_conversation_is_had_again_beside_what_was_answered() -> None:
    kept = Trials(TestedBot(lead="Something new."))
    turns = (SavedTurn(XANAX, None), SavedTurn(None, "What about alcohol?"), SavedTurn(None, "A button of old"))
    past = Past(saved("x", *turns), ((ANSWER,), (ALCOHOL,), (GREETING,)))
    trial = await kept.replay(1, past, Circumstances(), "conversation 3fa9c1")
    assert trial.real
    assert [bool(difference(t.then or (), t.reply.messages)) for t in trial.turns] == [True, False, False]
    assert [tried.note for tried in trial.turns][:2] == ["", ""]
    assert "no button “A button of old”" in trial.turns[2].note


@pytest.mark.parametrize("channel", [name for name in CHANNELS if name != "web"])
def test_every_messenger_shows_it_within_its_limits(channel: str) -> None:
    parts = arrived((ANSWER, STEP), channel)
    assert parts and all(part.length <= part.most for part in parts)
    assert parts[-1].text
    buttons = [suggestion.id for part in parts for _, suggestion in part.buttons]
    numbered = any("1. What about alcohol?" in part.text for part in parts)
    assert ("b1" in buttons) or numbered
    assert ("paid for" in parts[0].note) == (channel == "sms")


def test_the_web_page_shows_it_as_it_is() -> None:
    assert arrived((ANSWER,), "web") == []


# -- why ---------------------------------------------------------------------------------------------------------


async def reply_to(said: str) -> trials.Tried:
    kept = Trials(TestedBot())
    return await kept.say(await kept.begin(1, Circumstances()), said)


async def test_why_an_answer_was_given() -> None:
    found = why(
        (await reply_to(XANAX)).reply, RULES, {"interactions": "Other medicines"}, {"alcohol-and-ketamine": "Alcohol"}
    )
    assert found.sentences == (
        "The safety screen found no danger in it.",
        "It was understood as “Other medicines” (91 %).",
        "The passage “benzodiazepines-and-ketamine” fits best, most of all because it is like its ways of asking.",
        "“Alcohol” was close behind it.",
        "The rule that followed: A question is answered from the store.",
    )
    assert found.intents[0] == ("ask_interactions", "Other medicines", 0.91)
    assert found.names == (("xanax", "alprazolam", "drug", "exact"),)
    assert sum(value for _, value in found.passages[0].parts) == pytest.approx(found.passages[0].score)
    assert ("Medicines named", "none", "alprazolam") in found.memory
    assert found.actions == (("action_answer", "RulePolicy"),)
    assert dict(found.times)["Altogether"] == 12
    assert '"intent_ranking"' in found.raw


async def test_why_help_came_first() -> None:
    found = why((await reply_to("my chest hurts")).reply, RULES, {}, {})
    assert found.sentences == (
        "The safety screen found a medical emergency, by its wording and by what it has learned (98 %), "
        "so that comes first.",
        "The rule that followed: An emergency.",
    )


# -- from a trial to a test --------------------------------------------------------------------------------------


async def test_a_trial_is_saved_with_what_it_got() -> None:
    kept = Trials(TestedBot())
    trial = await kept.begin(1, Circumstances("telegram", "GB"))
    await kept.say(trial, XANAX)
    await kept.say(trial, "my chest hurts")
    dialogue = expecting(trial)
    assert (dialogue.channel, dialogue.country) == ("telegram", "GB")
    assert dialogue.turns[0].expect["passage"] == "benzodiazepines-and-ketamine"
    assert dialogue.turns[1].expect["contacts"] == ["999"]
    assert not_met(trial, dialogue) == []
    chosen = expecting(trial, [frozenset({"now:topic"}), frozenset()], [{"says": ["Xanax"], "never": []}, {}])
    assert chosen.turns[0].expect == {"topic": "interactions", "says": ["Xanax"]}
    assert chosen.turns[1].expect == {}


async def test_a_test_that_was_opened_offers_what_it_expected_and_what_holds_now() -> None:
    kept = Trials(TestedBot())
    dialogue = saved("one", SavedTurn(XANAX, None, {"topic": "safety", "says": ["xanax"]}))
    trial = await kept.open(1, dialogue)
    offered = {choice.key: (choice.chosen, choice.met) for choice in choices(trial.turns[0])}
    assert offered["kept:topic"] == (False, False)
    assert offered["now:topic"] == (True, True)
    assert offered["kept:says"] == (True, True)
    assert offered["now:passage"] == (False, True)
    assert expecting(trial).turns[0].expect == {"says": ["xanax"], "topic": "interactions"}
    assert not_met(trial, dialogue) == ["Turn 1: topic is interactions, expected safety"]


# -- saved dialogues ---------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dialogues"
    folder.mkdir()
    (folder / "flow.yml").write_text(as_file([saved("first", file="flow")], "A flow."), encoding="utf-8")
    return folder


@pytest.fixture
def dialogues(engine: sa.Engine, folder: Path) -> Dialogues:
    return Dialogues(engine, folder)


def test_what_staff_save_is_kept_until_it_is_exported(dialogues: Dialogues, folder: Path, engine: sa.Engine) -> None:
    changed = saved("first", SavedTurn("hello", None, {"kind": "smalltalk"}), file="flow")
    dialogues.save(saved("new"), "Ada")
    dialogues.save(saved("new", SavedTurn("hi", None)), "Bea")
    dialogues.save(changed, "Ada")
    first, new = dialogues.all()
    assert (first.dialogue, first.new, first.by) == (changed, True, "Ada")
    assert (new.dialogue.turns[0].say, new.by) == ("hi", "Bea")
    assert [path.name for path in dialogues.export()] == ["flow.yml", "staff.yml"]
    assert read(folder / "flow.yml") == [changed]
    assert read(folder / "staff.yml") == [saved("new", SavedTurn("hi", None))]
    assert everything(engine)["staff_dialogues"] == 0
    assert [(kept.row, kept.new) for kept in dialogues.all()] == [(None, False), (None, False)]
    assert dialogues.export() == []


def test_what_was_saved_can_be_taken_back(dialogues: Dialogues) -> None:
    dialogues.save(saved("first", SavedTurn("hello", None), file="flow"), "Ada")
    kept = dialogues.one("flow/first")
    assert kept is not None and kept.row is not None and kept.new
    assert dialogues.remove(kept.row) == "flow/first"
    assert dialogues.remove(kept.row) is None
    again = dialogues.one("flow/first")
    assert again is not None and not again.new
    assert dialogues.one("flow/no such") is None
    assert dialogues.text_of("nothing") == ""


# -- runs --------------------------------------------------------------------------------------------------------


async def ended(runs: Runs, run: int) -> None:
    while (found := runs.run(run)) and found.going:
        await asyncio.sleep(0.01)


SOME = [
    saved("as expected", SavedTurn(XANAX, None, {"topic": "interactions"}), SavedTurn(None, "What about alcohol?")),
    saved("different", SavedTurn(XANAX, None, {"topic": "safety", "sources": True})),
    saved("known", SavedTurn("hello", None, {"kind": "answer"}), fails="not yet"),
    saved("mended", SavedTurn("hello", None, {"kind": "smalltalk"}), fails="not yet"),
    saved("broken", SavedTurn("broken", None)),
    saved("no button", SavedTurn("hello", None), SavedTurn(None, "Nothing like it"), SavedTurn("and then", None)),
]


async def test_a_run_keeps_what_came_of_it_and_touches_nobody(engine: sa.Engine) -> None:
    before, bot, runs = everything(engine), TestedBot(), Runs(engine, RULES)
    run = await runs.start(SOME, bot, "Ada", ABOUT)
    await ended(runs, run)
    found = runs.run(run)
    assert found is not None and found.ended and not found.going
    assert found.states == {"passed": 1, "failed": 2, "known": 1, "mended": 1, "broken": 1}
    assert (found.done, found.total, found.wrong, found.model) == (6, 6, 4, "dialogue")
    results = {result.dialogue: result for result in runs.results(run)}
    assert results["staff/different"].turns[0]["problems"] == [["topic", "topic is interactions, expected safety"]]
    assert "Benzodiazepines" in results["staff/different"].turns[0]["shown"]
    assert results["staff/no button"].turns[2]["shown"] is None
    assert [one.dialogue for one in runs.results(run, wrong=True)] == sorted(
        ["staff/broken", "staff/different", "staff/mended", "staff/no button"]
    )
    assert [one.dialogue for one in runs.results(run, 1, "staff/known")] == ["staff/mended"]
    assert len({turn.conversation for turn in bot.asked}) == 6
    assert sorted(set(bot.forgotten)) == sorted({turn.conversation for turn in bot.asked})
    own = {"dialogue_runs", "dialogue_results"}
    assert {name: n for name, n in everything(engine).items() if name not in own} == {
        name: n for name, n in before.items() if name not in own
    }


async def test_the_newest_results_count(engine: sa.Engine) -> None:
    runs = Runs(engine, RULES)
    first = await runs.start([saved()], TestedBot(), "Ada", ABOUT)
    await ended(runs, first)
    strict = saved("one", SavedTurn(XANAX, None, {"topic": "safety"}))
    second = await runs.start([strict], TestedBot(), "Ada", ABOUT)
    await ended(runs, second)
    assert runs.latest() == {"staff/one": ("failed", second)}
    before = runs.last_passed("staff/one", second)
    assert before is not None and before.run == first
    assert runs.last_passed("staff/one", first) is None
    assert runs.reached() == {
        "staff/one": Reached(
            frozenset({"ask_interactions"}),
            frozenset({"benzodiazepines-and-ketamine"}),
            frozenset({"A question is answered from the store"}),
        )
    }
    assert [run.id for run in runs.runs()] == [second, first]
    assert [run.id for run in runs.runs(before=second)] == [first]


async def test_one_run_at_a_time_and_it_can_be_stopped(engine: sa.Engine) -> None:
    bot, runs = TestedBot(gate=asyncio.Event()), Runs(engine, RULES)
    run = await runs.start(SOME, bot, "Ada", ABOUT)
    with pytest.raises(Busy):
        await runs.start(SOME, bot, "Ada", ABOUT)
    going = runs.run(run)
    assert going is not None and going.going
    await runs.stop()
    stopped = runs.run(run)
    assert stopped is not None and not stopped.going and stopped.done == 0 and stopped.ended
    await runs.stop()


async def test_old_runs_make_room(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.staff.testing.runs.MOST_RUNS", 2)
    assert MOST_RUNS > 2
    runs = Runs(engine, RULES)
    for _ in range(3):
        await ended(runs, await runs.start([saved()], TestedBot(), "Ada", ABOUT))
    assert len(runs.runs()) == 2
    assert everything(engine)["dialogue_results"] == 2


# -- the bench ---------------------------------------------------------------------------------------------------


def test_the_lines_of_the_bench() -> None:
    assert bench.sentences("  one\n\n two   words \n") == ["one", "two words"]
    assert len(bench.sentences("x\n" * 999)) == bench.MOST


async def test_what_is_nearest_and_its_table() -> None:
    bot = TestedBot()
    rows = await bench.look(bot, [XANAX, "=hello", "my chest hurts"])
    assert [(row.got, row.passage) for row in rows] == [
        ("answer", "benzodiazepines-and-ketamine"),
        ("smalltalk", ""),
        ("medical_emergency", ""),
    ]
    assert rows[0].intents[:2] == (("ask_interactions", 0.91), ("ask_safety", 0.05))
    assert rows[0].passages[0] == ("benzodiazepines-and-ketamine", 2.1)
    assert len(bot.forgotten) == 3
    table = list(csv.reader(io.StringIO(bench.as_csv(rows))))
    assert table[0][:5] == ["sentence", "reply", "passage", "intent 1", "intent 1 share"]
    assert {len(row) for row in table} == {3 + 4 * 5}
    assert table[2][0] == "'=hello", "no spreadsheet takes it for a formula"


# -- coverage ----------------------------------------------------------------------------------------------------


def test_what_no_test_reaches() -> None:
    reached = {
        "a/1": Reached(frozenset({"greet"}), frozenset({"p1"}), frozenset({"Small talk"})),
        "a/2": Reached(frozenset({"greet"}), frozenset({"p2"}), frozenset()),
        "gone/1": Reached(frozenset({"goodbye"}), frozenset({"p3"}), frozenset({"An emergency"})),
    }
    assert reached_passages(["a/1", "a/2", "a/3"], reached) == {"p1", "p2"}
    passages = {"safety": 2, "interactions": 1, "empty": 0}
    found = coverage(["a/1", "a/2", "a/3"], reached, RULES, passages, {"safety": 2})
    assert (found.tests, found.had) == (3, 2)
    assert dict(found.intents)["greet"] == 2 and dict(found.intents)["goodbye"] == 0
    assert [tests for _, tests in found.intents] == sorted(tests for _, tests in found.intents)
    assert {rule.name: tests for rule, tests in found.rules}["Small talk"] == 1
    assert {rule.name: tests for rule, tests in found.rules}["An emergency"] == 0
    assert found.passages == (("safety", 2, 2), ("interactions", 1, 0))


def test_what_gets_mixed_up(tmp_path: Path) -> None:
    report = Report(
        understood={
            ("greet", "greet"): ["hi", "hello"],
            ("greet", "thanks"): ["cheers", "a cheery hello"],
            ("thanks", "greet"): ["ta"],
        }
    )
    path = tmp_path / "figures" / "mixed_up.json"
    assert read_mixing(path) is None
    write_mixed_up(report, path)
    mixing = read_mixing(path)
    assert mixing is not None
    assert mixing.totals == {"greet": 4, "thanks": 1}
    assert [(p.labelled, p.understood, p.sentences) for p in mixing.pairs] == [
        ("greet", "thanks", ("a cheery hello", "cheers")),
        ("thanks", "greet", ("ta",)),
    ]
    assert mixing.pair("thanks", "greet") == mixing.pairs[1]
    assert mixing.pair("greet", "greet") is None
    assert mixing.intents == ["greet", "thanks"]


async def test_tests_are_kept_on_every_database(database: sa.Engine, folder: Path) -> None:
    kept, runs = Dialogues(database, folder), Runs(database, RULES)
    kept.save(saved("new", SavedTurn(XANAX, None, {"topic": "safety"})), "Ada")
    kept.save(saved("new"), "Bea")
    run = await runs.start([one.dialogue for one in kept.all()], TestedBot(), "Ada", ABOUT)
    await ended(runs, run)
    assert runs.latest() == {"flow/first": ("passed", run), "staff/new": ("passed", run)}
    assert runs.results(run, wrong=True) == []
    assert set(runs.reached()) == {"flow/first", "staff/new"}
    assert content.counted(database) == {} and content.without(database, ["x"], "", "", 5) == []
    row = next(one.row for one in kept.all() if one.row is not None)
    assert kept.remove(row) == "staff/new"
