"""The commands say what they did, and their exit code says whether somebody has to act."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.articles.commands import run
from bot.database.engine import make_engine
from bot.database.models import PassageRevision
from bot.errors import ContentError
from bot.settings import Settings
from tests.articles.fakes import edit, write_content


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    read = Settings.read({"EVENKEEL_VAR": str(tmp_path / "var"), "SECRET_KEY": "x" * 40})
    return replace(read, data=write_content(tmp_path / "data"))


def test_load_and_list(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["load"], settings) == 0
    assert "4 added, 0 changed" in capsys.readouterr().out
    assert run(["load"], settings) == 0
    assert "same as at the last load" in capsys.readouterr().out
    assert run(["list", "interactions"], settings) == 0
    shown = capsys.readouterr()
    assert "benzodiazepines-and-ketamine  Benzodiazepines  [specific, benzodiazepine]" in shown.out
    assert "2 passages in 1 articles" in shown.err
    assert run(["list", "side effects"], settings) == 1
    assert "no article of the topic 'side effects'; there are interactions, side_effects" in capsys.readouterr().err


def test_a_conflict_asks_for_somebody(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    run(["load"], settings)
    with Session(make_engine(settings.database_url)) as session:
        row = session.scalars(sa.select(PassageRevision).where(PassageRevision.passage_id == "feeling-sick")).one()
        row.lead, row.edited_by_staff = "By staff.", True
        session.commit()
    edit(settings.data / "articles/side-effects.md", "Ketamine can make you feel sick.", "Ketamine may make you sick.")
    assert run(["load"], settings) == 1
    assert "the file has changed too: feeling-sick" in capsys.readouterr().out


def test_export_elsewhere(settings: Settings, tmp_path: Path) -> None:
    run(["load"], settings)
    assert run(["export", "--to", str(tmp_path / "out")], settings) == 0
    for path in settings.data.glob("articles/*.md"):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_a_bad_file_is_an_error_with_its_line(settings: Settings) -> None:
    edit(settings.data / "articles/side-effects.md", "aspects: [nausea]", "aspects: nausea")
    for command in ("load", "check"):
        with pytest.raises(ContentError, match=r"side-effects\.md:30"):
            run([command], settings)


def test_check_names_problems(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    rules = settings.data / "content_rules"
    rules.mkdir()
    for name, text in {
        "facts_not_carried.yml": "facts: {}",
        "figures.yml": "passages: {}",
        "reading.yml": "exceptions: {}",
        "read_twice.yml": "facts: []\npassages: {}",
        "do_not_say.yml": "rules:\n- {id: tell, pattern: tell the clinic, why: a test, catches: [Tell the clinic.]}",
    }.items():
        (rules / name).write_text(text)
    path = settings.data / "articles/side-effects.md"
    path.write_text(path.read_text().replace("Ketamine can hurt the bladder.", "Ketamine can\nhurt the bladder."))
    assert run(["check"], settings) == 1
    before = capsys.readouterr().out
    assert "side-effects.md:8 bladder-problems: too few phrasings: 2" in before
    assert "side-effects.md:8: tell (a test): Tell the clinic." in before
    assert "layout" in before
    run(["check", "--fix"], settings)
    after = capsys.readouterr().out
    assert "laid out anew: side-effects.md" in after and ": layout" not in after


def test_an_unknown_command_is_refused(settings: Settings) -> None:
    with pytest.raises(SystemExit):
        run(["remove"], settings)
