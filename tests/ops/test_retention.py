"""What is deleted when."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.database.engine import make_engine
from bot.database.models import Base, ChatMessage, ChatSession, DailyCount, Event, Feedback, now
from bot.ops import retention
from bot.ops.commands import run
from bot.ops.retention import keep_sweeping, sweep
from bot.settings import Settings
from tests.database.fixtures import database, empty_database, postgresql  # noqa: F401
from tests.web.fixtures import FakeBot, everything_in

NOW = now()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def add(
    engine: sa.Engine,
    key: str,
    ago: timedelta,
    *,
    keep: bool = True,
    expires: datetime | None = None,
    reason: str | None = "r",
) -> None:
    """A conversation last used `ago`, with a message, a reply, an event and feedback."""
    at = NOW - ago
    with engine.begin() as connection:
        connection.execute(
            sa.insert(ChatSession).values(id=key, created=at, last_seen=at, expires=expires or at + DAY, keep=keep)
        )
        said: dict[str, Any] = {"client_id": "1", "direction": "visitor", "text": f"said in {key}"}
        replied: dict[str, Any] = {"answers": "1", "direction": "bot", "payload": {"id": f"m-{key}"}}
        for message in (said, replied):
            connection.execute(sa.insert(ChatMessage).values(session_id=key, at=at, keep=keep, **message))
        connection.execute(sa.insert(Feedback).values(message_id=f"m-{key}", helpful=True, reason=reason, at=at))
        connection.execute(
            sa.insert(Event).values(sender_id=key, type_name="user", timestamp=at.timestamp(), data=f"said in {key}")
        )


def left(engine: sa.Engine) -> set[str]:
    """Conversations of which something is left in any table."""
    with engine.connect() as connection:
        found = set(connection.execute(sa.select(ChatSession.id)).scalars())
        found |= set(connection.execute(sa.select(ChatMessage.session_id)).scalars())
        return found | set(connection.execute(sa.select(Event.sender_id)).scalars())


CASES: list[tuple[str, int, dict[str, Any], bool]] = [
    ("kept and young", 30, {"ago": 29 * DAY}, True),
    ("kept and old", 30, {"ago": 31 * DAY}, False),
    ("kept, expired, within its time", 30, {"ago": 2 * DAY}, True),
    ("not to be kept, going on", 30, {"ago": 50 * MINUTE, "keep": False}, True),
    ("not to be kept, ended", 30, {"ago": 61 * MINUTE, "keep": False}, False),
    ("not to be kept, expired", 30, {"ago": MINUTE, "keep": False, "expires": NOW - MINUTE}, False),
    ("nothing is kept, going on", 0, {"ago": 50 * MINUTE}, True),
    ("nothing is kept, ended", 0, {"ago": 61 * MINUTE}, False),
    ("nothing is kept, expired", 0, {"ago": MINUTE, "expires": NOW - MINUTE}, False),
]


@pytest.mark.parametrize(("days", "what", "stays"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_sweep(database: sa.Engine, days: int, what: dict[str, Any], stays: bool) -> None:  # noqa: F811
    add(database, "web-other", 5 * MINUTE)
    add(database, "web-1", **what)
    swept = sweep(database, days, NOW)
    assert left(database) == ({"web-other", "web-1"} if stays else {"web-other"})
    assert swept.conversations == (() if stays else ("web-1",))
    with database.connect() as connection:
        reason = connection.execute(sa.select(Feedback.reason).where(Feedback.message_id == "m-web-1")).scalar_one()
    assert reason == ("r" if stays else None), "that it helped stays, why goes"
    assert sweep(database, days, NOW).conversations == ()


def test_events_of_messengers(database: sa.Engine) -> None:  # noqa: F811
    """They have no web session: events go by their own age, and with 0 days when the conversation has ended."""

    def events(*ages: timedelta) -> None:
        with database.begin() as connection:
            connection.execute(sa.delete(Event))
            for age in ages:
                connection.execute(
                    sa.insert(Event).values(sender_id="tg-1", type_name="user", timestamp=(NOW - age).timestamp())
                )

    events(31 * DAY, 29 * DAY)
    assert sweep(database, 30, NOW).events == 1
    events(3 * HOUR, 5 * MINUTE)
    assert sweep(database, 0, NOW).events == 0, "it goes on"
    events(3 * HOUR, 2 * HOUR)
    assert sweep(database, 0, NOW).events == 2


def test_counts_and_ratings_stay(database: sa.Engine) -> None:  # noqa: F811
    with database.begin() as connection:
        connection.execute(
            sa.insert(DailyCount).values(
                day="2020-01-01", channel="web", kind="answer", category="", topic="safety", messages=7
            )
        )
        connection.execute(sa.insert(Feedback).values(message_id="m", helpful=False, reason="words", at=NOW - 40 * DAY))
    assert sweep(database, 30, NOW).reasons == 1
    with database.connect() as connection:
        assert connection.execute(sa.select(DailyCount.messages)).scalar() == 7
        assert connection.execute(sa.select(Feedback.helpful, Feedback.reason)).one() == (False, None)


def test_many(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 3)
    for number in range(10):
        add(engine, f"web-{number}", 40 * DAY)
    assert len(sweep(engine, 30, NOW).conversations) == 10
    assert left(engine) == set()


def test_nothing_can_be_read_in_the_files_afterwards(engine: sa.Engine, settings: Settings) -> None:
    add(engine, "web-gone", 40 * DAY, reason="a reason in web-gone")
    assert b"said in web-gone" in everything_in(settings.var)
    sweep(engine, 30, NOW)
    assert b"in web-gone" not in everything_in(settings.var)


async def test_in_the_background(engine: sa.Engine, fake_bot: FakeBot) -> None:
    add(engine, "web-gone", 40 * DAY)
    task = asyncio.create_task(keep_sweeping(engine, 30, fake_bot.forget))
    await asyncio.sleep(0.3)
    assert not task.done()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert fake_bot.forgotten == ["web-gone"] and left(engine) == set()


async def test_a_failed_sweep_is_tried_again(
    engine: sa.Engine, fake_bot: FakeBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "EVERY", 0.05)
    Base.metadata.drop_all(engine)
    task = asyncio.create_task(keep_sweeping(engine, 30, fake_bot.forget))
    await asyncio.sleep(0.2)
    Base.metadata.create_all(engine)
    add(engine, "web-gone", 40 * DAY)
    async with asyncio.timeout(10):
        while not fake_bot.forgotten:
            await asyncio.sleep(0.05)
    task.cancel()
    assert fake_bot.forgotten == ["web-gone"]
    assert "The retention sweep failed" in caplog.text


def test_the_command(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sweep"], settings) == 0
    engine = make_engine(settings.database_url)
    add(engine, "web-1", MINUTE)
    add(engine, "web-2", MINUTE)
    add(engine, "web-3", 31 * DAY)
    assert run(["forget", "web-1"], settings) == 0
    assert left(engine) == {"web-2", "web-3"}
    assert run(["sweep"], settings) == 0
    assert left(engine) == {"web-2"}
    assert "Deleted 1 conversations" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run([], settings)
    engine.dispose()
