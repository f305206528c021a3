"""Replies and messages that were given up: to be listed and tried again. Shows no word of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.channels.client import CLOSED
from bot.database.engine import writing
from bot.database.models import ChannelArrival, ChannelDelivery, ChannelPerson, now


@dataclass(frozen=True)
class Letter:
    """Something given up: its id (r for a reply, m for a message that was never answered), and why."""

    id: str
    channel: str
    at: datetime
    kind: str
    attempts: int
    error: str
    perhaps_sent: bool


def listed(engine: sa.Engine) -> list[Letter]:
    """What was given up, the oldest first."""
    with engine.connect() as connection:
        replies = connection.execute(sa.select(ChannelDelivery.__table__).where(ChannelDelivery.state == "dead")).all()
        messages = connection.execute(sa.select(ChannelArrival.__table__).where(ChannelArrival.state == "dead")).all()
    letters = [
        Letter(f"r{row.id}", row.channel, row.at, row.kind, row.attempts, row.error or "", row.perhaps_sent)
        for row in replies
    ]
    letters += [
        Letter(f"m{row.id}", row.channel, row.at, "message", row.attempts, row.error or "", False) for row in messages
    ]
    return sorted(letters, key=lambda letter: letter.at)


def resend(engine: sa.Engine, ids: Sequence[str] = ()) -> tuple[int, int]:
    """Have what was given up tried again, all of it or only `ids`.

    Returns:
        How many are tried again, and how many are left because a day has passed since the person's last message and
        the platform would refuse them: they can go once that person has written again.
    """
    count = closed = 0
    with writing(engine) as connection:
        for table, mark in ((ChannelDelivery, "r"), (ChannelArrival, "m")):
            chosen = [int(i[1:]) for i in ids if i[:1] == mark and i[1:].isdecimal()]
            dead = (
                sa.select(table.id, table.conversation, table.error, ChannelPerson.last_seen)
                .join(ChannelPerson, ChannelPerson.conversation == table.conversation)
                .where(table.state == "dead")
            )
            if ids:
                dead = dead.where(table.id.in_(chosen))
            for row in connection.execute(dead).all():
                if row.error == CLOSED and row.last_seen < now() - timedelta(days=1):
                    closed += 1
                    continue
                again = {"state": "waiting", "attempts": 0, "due": now()}
                connection.execute(sa.update(table).where(table.id == row.id).values(**again))
                connection.execute(
                    sa.update(ChannelPerson).where(ChannelPerson.conversation == row.conversation).values(due=now())
                )
                count += 1
    return count, closed
