"""A backup of either database comes back whole, but for what people had deleted since."""

from __future__ import annotations

import json
import stat
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.database.models import ChatMessage, ChatSession, ContentVersion, Topic, now
from bot.errors import DatabaseError
from bot.ops import backup as backups
from bot.ops.commands import backup, restore
from bot.ops.retention import forget_conversations
from bot.settings import Settings
from tests.database.fixtures import database, empty_database, postgresql  # noqa: F401
from tests.ops.test_retention import DAY, MINUTE, add, left
from tests.web.fixtures import changed


def url_of(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def fill(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(Topic).values(name="safety", position=1, title="Safety", aspects={"heart": "H"}))
        connection.execute(sa.delete(ContentVersion))
        connection.execute(sa.insert(ContentVersion).values(id=1, version=7))
    for number in range(3):
        add(engine, f"web-{number}", MINUTE)


def test_there_and_back(
    database: sa.Engine,  # noqa: F811
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(database)
    here, file = changed(settings, database_url=url_of(database)), tmp_path / "backup.tar.gz"
    assert backup([str(file)], here) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if "tmp" in path.name) == [], "nothing is left lying about"
    forget_conversations(database, ["web-0"])
    with database.begin() as connection:
        connection.execute(sa.delete(ChatMessage))
        connection.execute(sa.delete(ChatSession))
        connection.execute(sa.delete(Topic))
        connection.execute(sa.update(ContentVersion).values(version=9))
    database.dispose()

    assert restore([str(file)], here) == 0
    assert left(database) == {"web-1", "web-2"}, "what was deleted since does not come back"
    with database.connect() as connection:
        assert connection.scalar(sa.select(Topic.aspects)) == {"heart": "H"}
        assert connection.scalar(sa.select(ContentVersion.version)) == 10, "processes that run read it again"
    told = capsys.readouterr().out
    assert "1 that people had deleted since" in told and "in writing" not in told


def test_what_is_over_does_not_come_back(database: sa.Engine, settings: Settings, tmp_path: Path) -> None:  # noqa: F811
    fill(database)
    add(database, "web-old", 29 * DAY)
    file = tmp_path / "backup"
    backups.make(url_of(database), file)
    database.dispose()
    done = backups.restore(url_of(database), file, retention_days=20)
    assert done.swept == 1 and left(database) == {"web-0", "web-1", "web-2"}


def test_into_an_empty_place(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new machine: the database is made, and it is said that deletions since then are not known."""
    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    from bot.database.migrate import upgrade

    upgrade(engine)
    fill(engine)
    backups.make(url_of(engine), tmp_path / "backup")
    new = f"sqlite:///{tmp_path / 'new.db'}"
    assert restore([str(tmp_path / "backup")], changed(settings, database_url=new)) == 0
    assert "in writing" in capsys.readouterr().out
    again = make_engine(new)
    assert left(again) == {"web-0", "web-1", "web-2"}
    again.dispose()
    engine.dispose()


def test_an_older_form_is_brought_up_to_date(settings: Settings, tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    from bot.database import migrate
    from bot.database.migrate import is_current, upgrade

    engine = make_engine(f"sqlite:///{tmp_path / 'old.db'}")
    upgrade(engine)
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
    backups.make(url_of(engine), tmp_path / "backup")
    backups.restore(url_of(engine), tmp_path / "backup", 30)
    assert is_current(engine)
    engine.dispose()


def test_what_is_no_backup_changes_nothing(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    add(engine, "web-1", MINUTE)
    broken = tmp_path / "broken"
    broken.write_bytes(b"not a backup")
    with pytest.raises(DatabaseError, match="not a whole backup"):
        backups.restore(settings.database_url, broken, 30)
    whole = tmp_path / "whole"
    backups.make(settings.database_url, whole)
    broken.write_bytes(whole.read_bytes()[:-2000])
    with pytest.raises(DatabaseError, match="not a whole backup"):
        backups.restore(settings.database_url, broken, 30)
    with pytest.raises(DatabaseError, match="a backup of sqlite"):
        backups.restore("postgresql://nobody@127.0.0.1:1/none", whole, 30)
    assert left(engine) == {"web-1"}


def test_one_that_is_too_old_must_not_come_back(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    backups.make(settings.database_url, whole)
    with tarfile.open(whole) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    about["made"] = (now() - timedelta(days=91)).isoformat()
    (tmp_path / "out" / "about.json").write_text(json.dumps(about))
    with tarfile.open(whole, "w:gz") as archive:
        for name in ("about.json", "database"):
            archive.add(tmp_path / "out" / name, name)
    with pytest.raises(DatabaseError, match="more than 90 days"):
        backups.restore(settings.database_url, whole, 30)


def test_no_database(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="no database"):
        backups.make(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "backup")
    with pytest.raises(DatabaseError, match="pg_dump"):
        backups.make("postgresql://nobody@127.0.0.1:1/none", tmp_path / "backup")


def test_a_password_is_on_no_command_line(tmp_path: Path) -> None:
    address = backups._address(sa.make_url("postgresql+psycopg://bot:a%3Ab%5Cc@db:5433/evenkeel"), tmp_path)
    assert address.startswith("postgresql://bot@db:5433/evenkeel?passfile=") and "a:b" not in address
    passwords = tmp_path / "passwords"
    assert passwords.read_text() == "*:*:*:*:a\\:b\\\\c\n" and stat.S_IMODE(passwords.stat().st_mode) == 0o600
