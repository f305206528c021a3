"""Every query of mending on every kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.articles.load import load
from bot.database.staff import StaffAccount
from bot.settings import ROOT
from bot.staff.mending.catalogue import STATES, Catalogue
from bot.staff.mending.checks import shared_checker
from bot.staff.mending.editing import Editing
from bot.staff.mending.health import CONCERNS, Health
from bot.staff.mending.proposals import Known, Proposals, export
from bot.staff.mending.queue import Queue
from bot.staff.roles import Account, Role
from tests.articles.fakes import write_content
from tests.database.fixtures import database, empty_database, postgresql  # noqa: F401
from tests.staff.mending.test_queue import Reads, ask

PASSAGE = "bladder-problems"


@pytest.fixture
def filled(database: sa.Engine, tmp_path: Path) -> Iterator[sa.Engine]:  # noqa: F811
    load(database, write_content(tmp_path / "data"))
    yield database


def account(engine: sa.Engine, number: int, *roles: Role) -> Account:
    values = {"id": number, "login": str(number), "name": f"P{number}", "password_hash": "none", "roles": list(roles)}
    with engine.begin() as connection:
        connection.execute(sa.insert(StaffAccount).values(**values, active=True))
    return Account(number, str(number), f"P{number}", frozenset(roles))


def test_everything_is_read_and_written(filled: sa.Engine, tmp_path: Path) -> None:
    editor, clinician = account(filled, 1, Role.editor), account(filled, 2, Role.clinician)
    editing, catalogue = Editing(filled, shared_checker(ROOT / "data")), Catalogue(filled)
    number = editing.begin(editor, PASSAGE)
    for step in ("save", "send", "approve", "publish"):
        draft = editing.draft(number)
        assert draft is not None
        if step == "save":
            editing.save(editor, draft, replace(draft.section, lead="New words."), "why")
        else:
            getattr(editing, step)(clinician, draft)
    shown = catalogue.passage(PASSAGE)
    assert shown is not None and shown.published is not None
    assert (shown.published.section.lead, shown.published.review[2]) == ("New words.", "P2")
    for state in ("", *STATES):
        catalogue.passages(words="bladder", topic="side_effects", state=state, after="a")
    assert [one.id for one in catalogue.passages(words="bladder", state="published")[0]] == [PASSAGE]
    editing.switch(editor, "topic", "side_effects", "a doubt", off=True)
    assert [one.off is not None for one in catalogue.topics()] == [True, False]
    assert PASSAGE in catalogue.taken().titles.values()
    editing.begin(editor, PASSAGE)
    assert [one.passage for one in catalogue.drafts()[0]] == [PASSAGE]
    proposals = Proposals(filled, editing)
    assert proposals.decide(clinician, proposals.phrasing(editor, "pain down there", PASSAGE), accept=True)
    known = Known({"greet": ("greet",)}, {})
    assert not proposals.decide(clinician, proposals.sentence(editor, "how do", "greet", "greet", known), accept=True)
    assert export(filled, tmp_path).written == {"greet.yml": 1}


def test_the_queue_and_content_health(filled: sa.Engine) -> None:
    editor, queue = account(filled, 1, Role.editor), Queue(filled, Reads)
    for number in range(3):
        ask(filled, f"web-{number}", "the same words", "fallback")
    assert queue.sort_new() == 3
    [theme] = queue.themes().rows
    rows = queue.items(theme=theme.id, kind="fallback", channel="web").rows
    assert [row.text for row in rows] == ["the same words"] * 3
    key = f"{theme.waiting}~{theme.last.isoformat()}~{theme.id}"
    assert queue.themes(kind="gap", before=key).rows == []
    assert queue.items(before=f"{rows[0].at.isoformat()}~{rows[0].id}").rows == rows[1:]
    assert queue.answer(editor, queue.waiting_in(theme.id), "ignored") == 3
    health = Health(filled)
    assert {one.name: one.count for one in health.overview()} == {name: health.concern(name).count for name in CONCERNS}
    assert health.concern("due").count == 2 and health.concern("never").count == 2
