"""What the engines promise: settings of SQLite, whole transactions, patience with another writer."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.database.engine import make_engine, read_transaction, write_transaction
from bot.database.models import ChatMessage, ChatSession, Feedback


def test_sqlite_needs_no_configuration(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new' / 'folder' / 'x.db'}")
    with engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }
    assert pragma == {"journal_mode": "wal", "busy_timeout": 5000, "foreign_keys": 1}


def test_those_that_open_a_new_file_together_wait_for_each_other(tmp_path: Path) -> None:
    """Without waiting, about one of a hundred was refused ("database is locked")."""
    for number in range(150):
        together = threading.Barrier(4)

        def connect(
            address: str = f"sqlite:///{tmp_path / str(number)}", together: threading.Barrier = together
        ) -> str:
            engine = make_engine(address)
            together.wait()
            with engine.connect() as connection:
                return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())

        with ThreadPoolExecutor(4) as pool:
            assert [each.result() for each in [pool.submit(connect) for _ in range(4)]] == ["wal"] * 4


def test_a_database_in_memory_is_shared_by_threads() -> None:
    engine = make_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE a (b INTEGER)")
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(sa.inspect(engine).has_table("a")))
    thread.start()
    thread.join()
    assert seen == [True]


def test_a_write_transaction_happens_whole_or_not_at_all(database: sa.Engine) -> None:
    with pytest.raises(ZeroDivisionError), write_transaction(database) as connection:
        connection.exec_driver_sql("CREATE TABLE half (b INTEGER)")
        connection.execute(sa.insert(Feedback), {"message_id": "m", "helpful": True})
        raise ZeroDivisionError
    assert not sa.inspect(database).has_table("half")
    with database.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count(Feedback.id))) == 0


def test_writers_wait_for_each_other(database: sa.Engine) -> None:
    def write(number: int) -> None:
        with write_transaction(database) as connection:
            count = connection.scalar(sa.select(sa.func.count(Feedback.id)))
            time.sleep(0.02)
            connection.execute(sa.insert(Feedback), {"message_id": str(count), "helpful": True})

    threads = [threading.Thread(target=write, args=(i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.connect() as connection:
        assert sorted(connection.scalars(sa.select(Feedback.message_id))) == ["0", "1", "2", "3", "4"]


def test_a_read_transaction_sees_one_state(database: sa.Engine) -> None:
    count = sa.select(sa.func.count(Feedback.id))
    with read_transaction(database) as reader:
        assert reader.scalar(count) == 0
        with database.begin() as writer:
            writer.execute(sa.insert(Feedback), {"message_id": "m", "helpful": True})
        assert reader.scalar(count) == 0


def test_moments_come_back_in_utc(database: sa.Engine) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=2)))
    with Session(database) as session:
        session.add(Feedback(message_id="m", helpful=False, at=noon))
        session.commit()
        session.expire_all()
        at = session.scalars(sa.select(Feedback.at)).one()
    assert at == noon and at.tzinfo is UTC
    with Session(database) as session, pytest.raises(sa.exc.StatementError, match="without a time zone"):
        session.add(Feedback(message_id="m", helpful=False, at=datetime(2026, 1, 1)))
        session.commit()


def test_a_client_id_is_taken_once_in_a_session(database: sa.Engine) -> None:
    with Session(database) as session:
        session.add(ChatSession(id="s"))
        session.add(ChatMessage(session_id="s", client_id="1", direction="visitor", text="hello"))
        session.add(ChatMessage(session_id="s", answers="1", direction="bot", payload={"lead": "a"}))
        session.add(ChatMessage(session_id="s", answers="1", direction="bot", payload={"lead": "b"}))
        session.commit()
        session.add(ChatMessage(session_id="s", client_id="1", direction="visitor", text="again"))
        with pytest.raises(sa.exc.IntegrityError):
            session.commit()


def test_messages_go_with_their_session(database: sa.Engine) -> None:
    with Session(database) as session:
        session.add(ChatSession(id="s", messages=[ChatMessage(client_id="1", direction="visitor", text="hello")]))
        session.commit()
        session.execute(sa.delete(ChatSession).where(ChatSession.id == "s"))
        session.commit()
        assert session.scalar(sa.select(sa.func.count(ChatMessage.id))) == 0
