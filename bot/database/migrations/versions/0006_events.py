"""The last events of a conversation and the last value of each slot are found without reading the whole of it."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_events_conversation", "events", ["sender_id", "id"], unique=False)
    op.create_index("ix_events_last_of_kind", "events", ["sender_id", "type_name", "action_name", "id"], unique=False)
    op.drop_index("ix_events_sender_id", table_name="events", if_exists=True)


def downgrade() -> None:
    op.create_index("ix_events_sender_id", "events", ["sender_id"], unique=False)
    op.drop_index("ix_events_last_of_kind", table_name="events")
    op.drop_index("ix_events_conversation", table_name="events")
