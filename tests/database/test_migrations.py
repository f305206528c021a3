"""The migrations make exactly the tables of the models, Rasa's among them, on every kind of database."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import bot.database.migrations
from bot.database import migrate
from bot.database.engine import make_engine
from bot.database.models import Base, Event
from bot.errors import DatabaseError
from bot.settings import ROOT


def differences(engine: sa.Engine) -> list[object]:
    with engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)


def test_autogenerate_finds_nothing_to_add(database: sa.Engine) -> None:
    assert differences(database) == []


def test_a_second_upgrade_does_nothing(empty_database: sa.Engine) -> None:
    assert not migrate.is_current(empty_database)
    assert migrate.upgrade(empty_database) is True
    assert migrate.is_current(empty_database)
    assert migrate.upgrade(empty_database) is False


def test_an_upgrade_that_fails_leaves_nothing_behind(empty_database: sa.Engine) -> None:
    with empty_database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE feedback (id INTEGER)")  # in the way of the first migration
    with contextlib.suppress(sa.exc.DatabaseError):
        migrate.upgrade(empty_database)
    assert sa.inspect(empty_database).get_table_names() == ["feedback"]


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "evenkeel.db"
    path.write_text("This was meant to be a database, and it is none. " * 9)
    with pytest.raises(DatabaseError, match=r"evenkeel\.db cannot be used \(file is not a database\).*make serve"):
        migrate.upgrade(make_engine(f"sqlite:///{path}"))


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(DatabaseError, match=r"bot:\*\*\*@127\.0\.0\.1:1/bot cannot be used .*Check DATABASE_URL"):
        migrate.upgrade(make_engine("postgresql+psycopg://bot:secret@127.0.0.1:1/bot"))


def test_a_database_of_a_newer_version_is_said(database: sa.Engine) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match="made by a newer version"):
        migrate.upgrade(database)


def test_processes_that_start_together_upgrade_once(empty_database: sa.Engine) -> None:
    address = empty_database.url.render_as_string(hide_password=False)
    program = f"""
from bot.database.engine import make_engine
from bot.database.migrate import upgrade
print(upgrade(make_engine({address!r})))
"""
    started = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert migrate.is_current(empty_database)
    assert differences(empty_database) == []


def test_rasas_own_table_is_taken_over(empty_database: sa.Engine) -> None:
    """Rasa makes `events` on its start; a migration after that must not trip over it."""
    rasas = sa.MetaData()
    sa.Table(
        "events",
        rasas,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sender_id", sa.String(255), nullable=False, index=True),
        sa.Column("type_name", sa.String(255), nullable=False),
        sa.Column("timestamp", sa.Float),
        sa.Column("intent_name", sa.String(255)),
        sa.Column("action_name", sa.String(255)),
        sa.Column("data", sa.Text),
    )
    rasas.create_all(empty_database)
    migrate.upgrade(empty_database)
    assert differences(empty_database) == []
    with empty_database.begin() as connection:
        connection.execute(sa.insert(Event), {"sender_id": "a", "type_name": "action"})
        assert connection.scalar(sa.select(Event.id)) == 1


def test_head_names_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(bot.database.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]
