"""Databases for tests: SQLite in a folder of the test, and PostgreSQL where a server answers.

The server is that of TEST_POSTGRESQL_URL, else one on this machine that trusts the user postgres. Without one the
tests on PostgreSQL are skipped with the reason, but fail where CI is true.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.database.migrate import upgrade
from bot.database.models import Base

_SERVER = os.environ.get("TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a new PostgreSQL database, dropped at the end of the session."""
    server = sa.create_engine(_SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"evenkeel_test_{secrets.token_hex(4)}"
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except sa.exc.OperationalError as error:
        reason = f"no PostgreSQL answers at {_SERVER}: {str(error.orig).splitlines()[0]}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    yield sa.make_url(_SERVER).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine for a database without tables, once for each kind of database."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path / 'test.db'}")
    else:
        engine = make_engine(request.getfixturevalue("postgresql"))
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    yield engine
    engine.dispose()


@pytest.fixture
def database(empty_database: sa.Engine) -> sa.Engine:
    """An engine for a database with empty tables of the newest form, once for each kind of database."""
    upgrade(empty_database)
    return empty_database


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine for a SQLite database with empty tables, made without migrations because that is quicker."""
    engine = make_engine(f"sqlite:///{tmp_path / 'quick.db'}")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()
