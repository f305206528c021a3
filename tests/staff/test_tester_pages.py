"""The pages about tests, from the view of somebody who uses them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.database.models import Base
from bot.database.staff import Conversation
from bot.dialogues import saved
from bot.staff.audit import read_audit
from bot.staff.testing import dialogues
from tests.staff.fixtures import Staff
from tests.staff.tested_bot import ANSWER, TestedBot

XANAX = "can i take xanax with ketamine"
#: What a run and a saved test may write; nothing else may change.
OWN = {"dialogue_runs", "dialogue_results", "staff_dialogues", "staff_audit", "staff_sessions"}


@pytest.fixture
def fake_bot() -> TestedBot:
    return TestedBot()


@pytest.fixture
def tester(staff: dict[str, Staff]) -> Staff:
    return staff["tester"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of tests of our own, in the place of the project's."""
    folder = tmp_path / "dialogues"
    folder.mkdir()
    flow = saved.SavedDialogue("flow", "about xanax", (saved.SavedTurn(XANAX, None, {"topic": "interactions"}),))
    (folder / "flow.yml").write_text(saved.as_file([flow], "A flow."), encoding="utf-8")
    monkeypatch.setattr(dialogues.Dialogues.__init__, "__defaults__", (folder,))
    return folder


def counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in OWN
        }


async def begin(tester: Staff, text: str = XANAX, **circumstances: str) -> str:
    """Begin a trial; its address."""
    started = await tester.post("/staff/tester", text=text, **{"channel": "web", **circumstances})
    return started.headers["location"].partition("#")[0]


async def test_a_trial(tester: Staff, engine: sa.Engine, fake_bot: TestedBot) -> None:
    before = counts(engine)
    trial = await begin(tester, country="gb", locale="en-GB")
    shown = (await tester.get(trial)).text
    assert ANSWER.lead in shown and "About" not in shown.split("<h1>")[1][:30]
    assert "The safety screen found no danger in it." in shown
    assert "A question is answered from the store" in shown
    assert re.search(r'<button name="button" value="b1" form="say">What about alcohol\?</button>', shown)
    assert "Web page, GB, en-GB, published answers" in shown
    await tester.post(f"{trial}/say", button="b1", text="")
    await tester.post(f"{trial}/say", text="<b>my chest hurts</b>")
    shown = (await tester.get(trial)).text
    assert "&lt;b&gt;my chest hurts" in shown and "<b>my chest" not in shown
    assert "The safety screen found a medical emergency" in shown
    assert "A question is answered" in (await tester.get(f"{trial}?turn=1")).text
    await tester.post(f"{trial}/say", status=400, text=" ")
    assert counts(engine) == before, "nothing of a trial is stored or counted"
    assert fake_bot.asked == []


async def test_a_trial_is_its_owners(staff: dict[str, Staff], tester: Staff) -> None:
    trial = await begin(tester)
    await staff["admin"].get(trial, 404)
    await staff["admin"].post(f"{trial}/say", status=404, text="hello")
    await tester.post(f"{trial}/end")
    await tester.get(trial, 404)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"text": ""}, "Please write what a visitor might."),
        ({"country": "England"}, "Two letters, such as GB, or nothing."),
        ({"locale": "Klingon!"}, "Such as en-GB, or nothing."),
        ({"channel": "pigeon"}, "Not a valid choice"),
    ],
)
async def test_what_is_wrong_with_a_beginning(tester: Staff, fields: dict[str, str], says: str) -> None:
    refused = await tester.post("/staff/tester", status=400, **{"text": "hi", "channel": "web", **fields})
    assert says in refused.text


async def test_other_channels_and_going_on_from_a_turn(tester: Staff) -> None:
    trial = await begin(tester)
    await tester.post(f"{trial}/say", text="hello")
    again = (await tester.post(f"{trial}/again", channel="sms", country="", locale="")).headers["location"]
    shown = (await tester.get(again.partition("#")[0])).text
    assert "paid for as" in shown and "of 1,500 characters" in shown
    shorter = (await tester.post(f"{trial}/again", turns="1")).headers["location"]
    assert shorter.endswith("#turn-1")
    assert "Hello." not in (await tester.get(shorter.partition("#")[0])).text
    refused = await tester.post(f"{trial}/again", status=400, channel="sms", country="x")
    assert "Two letters" in refused.text


async def test_a_bot_that_is_not_ready_is_said_to_be_so(tester: Staff, fake_bot: TestedBot) -> None:
    fake_bot.ready = False
    refused = await tester.post("/staff/tester", status=503, text="hi", channel="web")
    assert "not ready yet" in refused.text
    fake_bot.ready, fake_bot.remote = True, True
    refused = await tester.post("/staff/tester", status=503, text="hi", channel="web", drafts="y")
    assert "ACTION_ENDPOINT" in refused.text


# -- saving ------------------------------------------------------------------------------------------------------


async def test_a_trial_becomes_a_test_in_one_step(tester: Staff, engine: sa.Engine) -> None:
    trial = await begin(tester)
    kept = await tester.post(f"{trial}/save", name="xanax: once more")
    assert kept.headers["location"] == "/staff/tests"
    assert "Saved as staff/xanax: once more." in (await tester.get("/staff/tests")).text
    text = (await tester.get("/staff/tests/files/staff.yml")).text
    (test,) = saved.parse(text, Path("staff.yml"))
    assert test.name == "xanax: once more"
    assert test.turns[0].expect["passage"] == "benzodiazepines-and-ketamine"
    refused = await tester.post(f"{trial}/save", status=400, name="xanax: once more")
    assert "There is a test staff/xanax: once more already" in refused.text
    assert ("saved a test", "staff/xanax: once more") in [(e.verb, e.subject) for e in read_audit(engine)]


async def test_what_is_expected_can_be_chosen(tester: Staff) -> None:
    trial = await begin(tester)
    shown = (await tester.get(f"{trial}/save")).text
    assert 'value="now:passage" checked' in shown and 'value="now:drugs">' in shown
    chosen = {"expect-0": ["now:topic", "now:drugs"], "says-0": "Xanax, work less", "never-0": "mg"}
    await tester.post(f"{trial}/save", name="chosen", file="medicines", fails="", **chosen)
    text = (await tester.get("/staff/tests/files/medicines.yml")).text
    (test,) = saved.parse(text, Path("medicines.yml"))
    assert test.turns[0].expect == {
        "topic": "interactions",
        "drugs": ["alprazolam", "benzodiazepine"],
        "says": ["Xanax", "work less"],
        "never": ["mg"],
    }


async def test_what_does_not_hold_needs_a_reason(tester: Staff) -> None:
    trial = await begin(tester)
    wanted = {"name": "later", "file": "staff", "says-0": "zebra"}
    refused = await tester.post(f"{trial}/save", status=400, fails="", **wanted)
    assert "does not say" in refused.text and "take it out" in refused.text
    await tester.post(f"{trial}/save", fails="nobody wrote it yet", **wanted)
    assert "nobody wrote it yet" in (await tester.get("/staff/tests/files/staff.yml")).text
    refused = await tester.post(f"{trial}/save", status=400, name="x", file="../x")
    assert "Small letters" in refused.text


async def test_a_test_as_text(tester: Staff) -> None:
    shown = (await tester.get("/staff/tests/edit")).text
    assert "what it is about" in shown
    text = "- name: written\n  turns:\n    - say: hello\n      expect: {kind: smalltalk}\n"
    await tester.post("/staff/tests/edit", test="", file="staff", text=text)
    shown = (await tester.get("/staff/tests/one?test=staff/written")).text
    assert "expect: {kind: smalltalk}" in shown
    wrong = text.replace("expect:", "expects:")
    refused = await tester.post("/staff/tests/edit", status=400, test="staff/written", file="staff", text=wrong)
    assert "expects is not one of" in refused.text
    refused = await tester.post("/staff/tests/edit", status=400, test="", file="staff", text=text)
    assert "There is a test staff/written already" in refused.text
    await tester.post("/staff/tests/edit", test="staff/written", file="staff", text=text.replace("hello", "hi"))
    assert "say: hi" in (await tester.get("/staff/tests/one?test=staff/written")).text
    row = re.search(r'name="row" value="(\d+)"', (await tester.get("/staff/tests/one?test=staff/written")).text)
    assert row
    await tester.post("/staff/tests/remove", row=row[1])
    await tester.get("/staff/tests/one?test=staff/written", 404)
    await tester.post("/staff/tests/remove", status=404, row=row[1])


# -- running -----------------------------------------------------------------------------------------------------


async def run(tester: Staff, **fields: Any) -> str:
    """Run tests and wait; the address of the run."""
    address = str((await tester.post("/staff/tests/run", **fields)).headers["location"])
    for _ in range(500):
        progress = (await tester.get(f"{address}/progress")).json()
        if not progress["going"]:
            return address
        await asyncio.sleep(0.01)
    raise AssertionError("it never ended")


async def test_tests_are_run_and_what_differs_is_shown(
    tester: Staff, engine: sa.Engine, fake_bot: TestedBot, folder: Path
) -> None:
    before = counts(engine)
    first = await run(tester, all="1")
    assert "Nothing to look at." in (await tester.get(first)).text
    assert "flow/about xanax" in (await tester.get(f"{first}?all=1")).text
    fake_bot.asides[False].lead = "Now it says something else about Xanax."
    text = (folder / "flow.yml").read_text(encoding="utf-8").replace("interactions", "safety")
    (folder / "flow.yml").write_text(text, encoding="utf-8")
    second = await run(tester, test="flow/about xanax")
    shown = (await tester.get(second)).text
    assert "topic is interactions, expected safety" in shown and "1 different" in shown
    result = (await tester.get(f"{second}/result?test=flow/about xanax")).text
    assert "<ins>" in result and "<del>" in result and "run 1" in result
    assert "does not hold" in result
    listed = (await tester.get("/staff/tests?state=failed")).text
    assert "1 of 1 tests" in listed and "different" in listed
    assert "0 of 1 tests" in (await tester.get("/staff/tests?state=passed")).text
    assert "1 of 1 tests" in (await tester.get("/staff/tests?words=XANAX&file=flow")).text
    assert "Run 2" in (await tester.get("/staff/tests/runs")).text
    assert counts(engine) == before, "nothing of a run is counted as a visitor's"
    opened = await tester.post("/staff/tests/open", test="flow/about xanax")
    trial = opened.headers["location"].partition("#")[0]
    assert "does not hold now" in (await tester.get(f"{trial}/save")).text
    await tester.post(f"{trial}/save", name="about xanax", file="flow", **{"expect-0": "now:topic"})
    await run(tester, all="1")
    assert "as expected" in (await tester.get("/staff/tests")).text
    assert ("ran tests", "run 2") in [(e.verb, e.subject) for e in read_audit(engine)]


async def test_a_run_of_nothing_and_two_at_once(tester: Staff, fake_bot: TestedBot) -> None:
    assert "at least one test" in (await tester.post("/staff/tests/run", status=400, test="no such")).text
    fake_bot.gate = asyncio.Event()
    address = (await tester.post("/staff/tests/run", all="1")).headers["location"]
    assert "Progress" in (await tester.get(address)).text
    assert "A run is going on" in (await tester.post("/staff/tests/run", status=409, all="1")).text
    await tester.post("/staff/tests/runs/stop")
    assert "stopped" in (await tester.get("/staff/tests/runs")).text
    await tester.get("/staff/tests/runs/99", 404)
    await tester.get("/staff/tests/runs/1/result?test=no", 404)


async def test_lists_are_paged(tester: Staff, folder: Path) -> None:
    many = [saved.SavedDialogue("many", f"test {n:03}", (saved.SavedTurn("hello", None),)) for n in range(120)]
    (folder / "many.yml").write_text(saved.as_file(many, "Many."), encoding="utf-8")
    shown, seen = (await tester.get("/staff/tests")).text, set[str]()
    for _ in range(3):
        names = re.findall(r'name="test" value="([^"]+)"', shown)
        assert len(names) <= 50 and not seen & set(names)
        seen |= set(names)
        older = re.search(r'rel="next" href="([^"]+)"', shown)
        shown = (await tester.get(older[1].replace("&amp;", "&"))).text if older else shown
    assert len(seen) == 121


# -- real conversations ------------------------------------------------------------------------------------------


async def test_a_real_conversation_is_had_again(tester: Staff, engine: sa.Engine, fake_bot: TestedBot) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(Conversation).values(id="web-1", ref="3fa9c1", channel="web"))
    fake_bot.past["web-1"] = [
        {"event": "user", "text": XANAX, "metadata": {"country": "GB", "channel": "web"}, "parse_data": {}},
        {"event": "bot", "data": {"custom": {**ANSWER.to_dict(), "lead": "As it was then."}}},
        {"event": "user", "text": "What about alcohol?", "metadata": {}, "parse_data": {"choice": {"passage": "p"}}},
    ]
    assert "written into the log" in (await tester.get("/staff/replay/3fa9c1")).text
    started = await tester.post("/staff/replay/3fa9c1")
    trial = started.headers["location"].partition("#")[0]
    shown = (await tester.get(trial)).text
    assert "different from then" in shown and "<del>" in shown
    assert len(re.findall(r'id="turn-', shown)) == 2
    assert ("read", "conversation 3fa9c1") in [(e.verb, e.subject) for e in read_audit(engine)]
    refused = await tester.post(f"{trial}/save", status=400, name="from a visitor")
    assert "please read them first" in refused.text
    await tester.post(f"{trial}/save", name="from a visitor", file="staff", looked="y", **{"expect-0": "now:topic"})
    await tester.get("/staff/replay/unknown", 404)
    await tester.post("/staff/replay/unknown", status=404)


# -- bench and coverage ------------------------------------------------------------------------------------------


async def test_the_bench(tester: Staff) -> None:
    shown = await tester.post("/staff/bench", status=200, text=f"{XANAX}\n\nhello <i>there</i>")
    assert "benzodiazepines-and-ketamine" in shown.text and "hello &lt;i&gt;there" in shown.text
    table = await tester.post("/staff/bench", status=200, text=XANAX, table="1")
    assert table.headers["content-disposition"] == 'attachment; filename="phrases.csv"'
    assert table.text.splitlines()[1].startswith(f"{XANAX},answer,benzodiazepines-and-ketamine,ask_interactions,0.9100")
    await tester.post("/staff/bench", status=400, text=" \n ")


async def test_coverage(tester: Staff, settings: Any) -> None:
    shown = (await tester.get("/staff/coverage")).text
    assert "1 of 1 tests have not been run yet" in shown
    await run(tester, all="1")
    shown = (await tester.get("/staff/coverage")).text
    assert re.search(
        r"<th scope=\"row\">A question is answered from the store</th>.*?number\">1</td>", shown, re.DOTALL
    )
    assert "Every one is reached." in (await tester.get("/staff/coverage/passages?topic=interactions")).text
    assert "make evaluate" in (await tester.get("/staff/mixed")).text
    figures = settings.var / "figures"
    figures.mkdir()
    (figures / "mixed_up.json").write_text(
        '{"at": "2026-11-22T10:00:00+00:00", "totals": {"greet": 9}, '
        '"mixed": [{"labelled": "greet", "understood": "thanks", "sentences": ["cheers <b>"]}]}'
    )
    assert 'href="/staff/mixed/greet/thanks"' in (await tester.get("/staff/mixed")).text
    assert "cheers &lt;b&gt;" in (await tester.get("/staff/mixed/greet/thanks")).text
    await tester.get("/staff/mixed/thanks/greet", 404)
