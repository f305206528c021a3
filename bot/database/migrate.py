"""Brings a database to the newest form of its tables.

A new form is a new file in `migrations/versions/`; `tests/database/test_migrations.py` says what it has to hold.
"""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa

from bot.database.engine import write_transaction
from bot.errors import DatabaseError

#: The newest migration; a test compares it with the files.
HEAD = "0008"

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

    Raises:
        DatabaseError: there is no using this database: it is not there, damaged, full, read-only, or newer than we are.
    """
    try:
        return not is_current(engine) and _apply(engine)
    except sa.exc.DatabaseError as error:
        ours = isinstance(error, sa.exc.ProgrammingError | sa.exc.IntegrityError)
        if ours or getattr(error.orig, "sqlite_errorname", "") == "SQLITE_ERROR":
            raise  # a statement that is wrong wants a traceback
        raise DatabaseError(_sentence(engine.url, error)) from error


def _apply(engine: sa.Engine) -> bool:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with _one_at_a_time, write_transaction(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise DatabaseError(
                f"The database {_named(engine.url)} was made by a newer version of this program: "
                "use that version, or set DATABASE_URL to another database."
            ) from error
    return True


def _sentence(url: sa.URL, error: sa.exc.DBAPIError) -> str:
    said = str(error.orig).strip().splitlines()[0].rstrip(".")
    todo = (
        "If the file is damaged, put a backup in its place, or move it away and run `make serve`, which makes a new one"
        if url.get_backend_name() == "sqlite"
        else "Check DATABASE_URL, and that the server is running and lets this user in"
    )
    return f"The database {_named(url)} cannot be used ({said}). {todo}."


def _named(url: sa.URL) -> str:
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)
