"""The log of the console: every reading of a conversation and every change. The database refuses to change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.database.staff import StaffAudit
from bot.staff.queries import distinct
from bot.staff.roles import Account

#: Who did what is done at the terminal.
COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Entry:
    """A line of the log."""

    id: int
    at: datetime
    who: str
    verb: str
    subject: str
    detail: str | None


def write_audit(
    connection: sa.Connection, staff: Account | None, verb: str, subject: str, detail: str | None = None
) -> None:
    """Add a line (no commit); see `bot.staff.console.Console.audit`."""
    connection.execute(
        sa.insert(StaffAudit).values(
            account_id=staff.id if staff else None,
            who=staff.name if staff else COMMAND_LINE,
            verb=verb[:60],
            subject=subject[:200],
            detail=detail[:500] if detail else None,
        )
    )


def read_audit(
    engine: sa.Engine, *, before: int | None = None, account: int | None = None, verb: str = "", most: int = 50
) -> Sequence[Entry]:
    """The newest lines first, at most `most`, older than the line `before`; of one account or of one verb alone."""
    query = sa.select(
        StaffAudit.id, StaffAudit.at, StaffAudit.who, StaffAudit.verb, StaffAudit.subject, StaffAudit.detail
    )
    if before is not None:
        query = query.where(StaffAudit.id < before)
    if account is not None:
        query = query.where(StaffAudit.account_id == account)
    if verb:
        query = query.where(StaffAudit.verb == verb)
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(StaffAudit.id.desc()).limit(most)).all()
    return [Entry(*row) for row in rows]


def verbs(engine: sa.Engine) -> list[str]:
    """Every verb in the log, in the order of the alphabet."""
    with engine.connect() as connection:
        return distinct(connection, StaffAudit.__table__.c.verb)
