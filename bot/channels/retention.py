"""Deletes what is over on messengers: as `bot.ops.retention` does for the web chat."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.channels.queue import delete_people
from bot.database.engine import writing
from bot.database.models import ChannelArrival, ChannelDelivery, ChannelPerson, Event, now
from bot.ops.outbox import OFF, Outbox
from bot.ops.retention import ENDED_AFTER, erase_traces, note_erasures

#: A platform that got no acknowledgement sends a message again for this long at most.
REPEATED_FOR = timedelta(days=8)
_BATCH = 200


def sweep_people(engine: sa.Engine, retention_days: int, moment: datetime | None = None) -> list[str]:
    """Delete the conversations whose time is over at `moment`, with what the dialogue kept of them; their keys."""
    moment = moment or now()
    ended = moment - ENDED_AFTER
    oldest = moment - timedelta(days=retention_days) if retention_days else ended
    over = sa.or_(
        ChannelPerson.last_seen < oldest,
        sa.and_(ChannelPerson.keep.is_(False), ChannelPerson.last_seen < ended),
    )
    there = sa.or_(ChannelPerson.address.is_not(None), ChannelPerson.opted_out.is_(None))
    # A reply may still wait for its platform; what has been given up has no due time.
    query = sa.select(ChannelPerson.conversation).where(over, there, ChannelPerson.due.is_(None)).limit(_BATCH)
    gone: list[str] = []
    while True:
        with writing(engine) as connection:
            batch = list(connection.execute(query).scalars())
            if not batch:
                break
            delete_people(connection, batch)
            connection.execute(sa.delete(Event).where(Event.sender_id.in_(batch)))
        gone += batch
    with writing(engine) as connection:
        kept = max(REPEATED_FOR, timedelta(days=retention_days))
        connection.execute(sa.delete(ChannelArrival).where(ChannelArrival.at < moment - kept))
        done = ChannelDelivery.state.in_(["sent", "dropped"])
        connection.execute(sa.delete(ChannelDelivery).where(done, ChannelDelivery.at < ended))
        connection.execute(sa.delete(ChannelDelivery).where(ChannelDelivery.at < min(oldest, ended)))
    erase_traces(engine)
    return gone


def forget_people(engine: sa.Engine, conversations: list[str], outbox: Outbox = OFF) -> None:
    """Delete everything that messengers keep about these conversations."""
    with writing(engine) as connection:
        note_erasures(connection, conversations, outbox)
        delete_people(connection, conversations)
