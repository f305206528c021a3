"""Run by Alembic; `bot.database.migrate.upgrade` hands over a connection with its transaction begun."""

from __future__ import annotations

from alembic import context

from bot.database.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
