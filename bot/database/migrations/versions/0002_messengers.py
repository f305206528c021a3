"""Messengers: people, what arrived and what is to be delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:


def downgrade() -> None:
    for table in ("channel_people", "channel_deliveries", "channel_arrivals"):
        op.drop_table(table)
