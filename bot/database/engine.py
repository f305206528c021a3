"""Engines and transactions for SQLite and PostgreSQL.

SQLite needs no configuration: write-ahead log, 5 s of patience with another writer, foreign keys on.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

#: Milliseconds that a statement waits for another process to finish writing (SQLite).
BUSY_TIMEOUT = 5_000
#: PostgreSQL: seconds until a connection is made; milliseconds that a statement may take and that a server which does
#: not acknowledge what it is sent is waited for. A person waits five seconds.
_CONNECTED_WITHIN, _STATEMENT_WITHIN, _ACKNOWLEDGED_WITHIN = 3, 10_000, 5_000
#: Connections that one process keeps and may have at a time, and seconds that somebody waits for one.
_CONNECTIONS = {"pool_size": 5, "max_overflow": 10, "pool_timeout": 4}
#: Key of the PostgreSQL advisory lock that keeps writers of content one after the other.
_CONTENT_LOCK = 0x45564B4C


def make_engine(url: str | sa.URL, **options: Any) -> sa.Engine:
    """An engine for `url` (sqlite:// or postgresql://), ready to use; connects on first use.

    The folder of a SQLite file is made where it does not exist. `sqlite://` alone is a database in memory that
    all threads share. Further `options` go to `sqlalchemy.create_engine`.
    """
    address = sa.make_url(url)
    if address.get_backend_name() != "sqlite":
        patience = {
            "connect_timeout": _CONNECTED_WITHIN,
            "tcp_user_timeout": _ACKNOWLEDGED_WITHIN,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 2,
            "options": f"-c statement_timeout={_STATEMENT_WITHIN} -c idle_in_transaction_session_timeout=60000",
        }
        given = {name: value for name, value in patience.items() if name not in address.query}
        return sa.create_engine(address, **{"pool_pre_ping": True, "connect_args": given, **_CONNECTIONS, **options})
    if address.database in (None, "", ":memory:"):
        options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}, **options}
    else:
        Path(str(address.database)).resolve().parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(address, **options)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    _keep_a_log(cursor)
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # What somebody had deleted must not stay readable in the file.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _keep_a_log(cursor: Any) -> None:
    """Turn the write-ahead log on, waiting for processes that do the same at this moment.

    The change needs the whole file, and SQLite refuses it at once, without BUSY_TIMEOUT, where two ask together: each
    holds the lock that the other waits for (https://www.sqlite.org/c3ref/busy_handler.html). A file keeps its log, so
    this is only so on its first use.
    """
    until = time.monotonic() + BUSY_TIMEOUT / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02 * random.random())


@contextmanager
def write_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction for a batch of reads and writes: all of it happens, or nothing.

    Takes the writer's place at once. On SQLite a transaction that reads first and writes later would be refused
    without waiting if another process wrote in between; Python's driver also leaves DDL and reads outside a
    transaction that it began itself.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:  # nobody waits for this at a screen, and another process may be loading all articles
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CONTENT_LOCK)))
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction for what is not content: takes the writer's place at once on SQLite, for the same reason."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


@contextmanager
def read_transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction whose reads all see the same state of the database."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection
        connection.rollback()
