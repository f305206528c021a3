"""`python -m bot backup` and `restore`: the whole database as one file, on SQLite and PostgreSQL alike.

A backup holds what people wrote, so it is as private as the database. When it is brought back, whatever people had
deleted since then, and whatever is too old by now, is deleted again before anything is served.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.database.engine import make_engine, writing
from bot.database.migrate import HEAD, upgrade
from bot.database.models import ChannelPerson, ChatSession, ContentVersion, Erasure, Event, WaitingEvent, now
from bot.errors import DatabaseError
from bot.ops.outbox import OFF, Outbox
from bot.ops.retention import ERASURES_KEPT, erasure_of, forget_conversations, sweep

_DATA, _ABOUT = "database", "about.json"


@dataclass(frozen=True)
class Restored:
    """What was done: when the backup was made, and how many conversations were deleted from it again.

    Attributes:
        erasures_known: False where the database that was replaced could not say what people had deleted since then.
    """

    made: datetime
    erased: int
    swept: int
    erasures_known: bool


def make(url: str, file: Path) -> None:
    """Write a backup of the database at `url` to `file`, readable by its owner alone; others may go on writing.

    Raises:
        DatabaseError: it cannot be made; says why.
    """
    address = sa.make_url(url)
    about = {"made": now().isoformat(), "kind": address.get_backend_name(), "form": HEAD}
    with tempfile.TemporaryDirectory(dir=file.resolve().parent) as folder:
        part = Path(folder) / _DATA
        if about["kind"] == "sqlite":
            with _sqlite(str(address.database)) as source, _sqlite(str(part), new=True) as target:
                source.backup(target)
        else:
            _run(
                address,
                ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file", str(part)],
                Path(folder),
            )
        whole = Path(folder) / "whole"
        private = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(private, "wb") as written, tarfile.open(fileobj=written, mode="w:gz") as archive:
            text = json.dumps(about).encode()
            entry = tarfile.TarInfo(_ABOUT)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
            archive.add(part, _DATA)
        whole.replace(file)


def restore(url: str, file: Path, retention_days: int, outbox: Outbox = OFF) -> Restored:
    """Put the backup in `file` in the place of what the database at `url` holds.

    Raises:
        DatabaseError: it cannot be done; the database is then as it was.
    """
    address = sa.make_url(url)
    with tempfile.TemporaryDirectory(dir=file.resolve().parent) as folder:
        about = _unpack(file, Path(folder))
        made = datetime.fromisoformat(about["made"])
        if about["kind"] != address.get_backend_name():
            raise DatabaseError(f"{file} is a backup of {about['kind']}, but DATABASE_URL is {address.drivername}.")
        if now() - made > ERASURES_KEPT:
            raise DatabaseError(
                f"{file} was made more than {ERASURES_KEPT.days} days ago: what people had deleted since then is not "
                "known any more, so it must not come back. `articles load` makes a new database with the content."
            )
        erased, version = _erased_since(url, made)
        part = Path(folder) / _DATA
        if about["kind"] == "sqlite":
            with _sqlite(str(part)) as source, _sqlite(str(address.database), new=True) as target:
                source.backup(target)
        else:
            clean = ["--clean", "--if-exists", "--single-transaction", "--no-owner", "--no-privileges"]
            _run(address, ["pg_restore", *clean, str(part)], Path(folder), named=True)
    engine = make_engine(url)
    try:
        upgrade(engine)
        again = [key for key in _conversations(engine) if erasure_of(key) in (erased or ())]
        _forget(engine, again, outbox)
        swept = len(sweep(engine, retention_days).conversations)
        from bot.channels.retention import sweep_people

        swept += len(sweep_people(engine, retention_days))
        with writing(engine) as connection:  # the processes that serve read the content again
            newer = sa.case((ContentVersion.version > version, ContentVersion.version), else_=version) + 1
            connection.execute(sa.update(ContentVersion).values(version=newer))
    finally:
        engine.dispose()
    return Restored(made, len(again), swept, erased is not None)


def _forget(engine: sa.Engine, conversations: list[str], outbox: Outbox) -> None:
    from bot.channels.retention import forget_people

    for start in range(0, len(conversations), 200):
        forget_people(engine, conversations[start : start + 200], outbox)
        forget_conversations(engine, conversations[start : start + 200], outbox)


def _erased_since(url: str, moment: datetime) -> tuple[frozenset[str] | None, int]:
    """What people had deleted since `moment`, and the version of the content; None where the database cannot say."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            # A clock may have been set back a little in between.
            since = sa.select(Erasure.id).where(Erasure.at > moment - timedelta(hours=1))
            version = connection.scalar(sa.select(ContentVersion.version)) or 0
            return frozenset(connection.execute(since).scalars()), version
    except sa.exc.SQLAlchemyError:
        return None, 0
    finally:
        engine.dispose()


def _conversations(engine: sa.Engine) -> set[str]:
    with engine.connect() as connection:
        columns = (ChatSession.id, ChannelPerson.conversation, Event.sender_id, WaitingEvent.conversation)
        return {key for column in columns for key in connection.execute(sa.select(column).distinct()).scalars() if key}


def _unpack(file: Path, folder: Path) -> dict[str, Any]:
    try:
        with tarfile.open(file, "r:gz") as archive:
            archive.extract(_DATA, folder, filter="data")
            archive.extract(_ABOUT, folder, filter="data")
        about: dict[str, Any] = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        datetime.fromisoformat(about["made"])
    except (OSError, EOFError, tarfile.TarError, KeyError, ValueError):
        raise DatabaseError(f"{file} is not a whole backup made by `python -m bot backup`.") from None
    return about


@contextlib.contextmanager
def _sqlite(path: str, *, new: bool = False) -> Iterator[sqlite3.Connection]:
    if not new and not Path(path).exists():
        raise DatabaseError(f"There is no database at {path}.")
    connection = sqlite3.connect(path, timeout=30)
    try:
        yield connection
    except sqlite3.Error as error:
        raise DatabaseError(f"The database {path} cannot be copied ({error}). Stop the bot and try again.") from None
    finally:
        connection.close()


def _run(address: sa.URL, command: list[str], folder: Path, *, named: bool = False) -> None:
    """Run one of PostgreSQL's programs; the password goes by a file, where other users cannot see it."""
    if shutil.which(command[0]) is None:
        raise DatabaseError(f"{command[0]} is not installed: it comes with PostgreSQL's client (postgresql-client).")
    whole = [*command, *(["--dbname"] if named else []), _address(address, folder)]
    done = subprocess.run(whole, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[0]
        raise DatabaseError(f"{command[0]} failed: {said}")


def _address(address: sa.URL, folder: Path) -> str:
    address = address.set(drivername="postgresql")
    if address.password:
        passwords = folder / "passwords"
        escaped = str(address.password).replace("\\", "\\\\").replace(":", "\\:")
        passwords.touch(mode=0o600)
        passwords.write_text(f"*:*:*:*:{escaped}\n", encoding="utf-8")
        address = address._replace(password=None).update_query_dict({"passfile": str(passwords)})
    return address.render_as_string(hide_password=False)
