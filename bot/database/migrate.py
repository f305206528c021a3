"""Brings a database to the newest form of its tables.

A new form is a new file in `migrations/versions/`; `tests/database/test_migrations.py` says what it has to hold.
"""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa

from bot.database.engine import write_transaction

#: The newest migration; a test compares it with the files.
HEAD = "0005"

_one_at_a_time = threading.Lock()  # Alembic keeps its context in a global


def is_current(engine: sa.Engine) -> bool:
    """Whether all migrations have been applied; cheap, and without loading Alembic."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return False
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == [HEAD]


def upgrade(engine: sa.Engine) -> bool:
    """Apply every migration that is missing, in one transaction; True when there was one.

    Safe to call from several processes at once, and on a database in which Rasa has already made its table.
    """
    if is_current(engine):
        return False
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with _one_at_a_time, write_transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
