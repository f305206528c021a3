"""The durable queue on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.database.models import Base
from tests.channels.fixtures import empty_database
from tests.database.fixtures import postgresql  # noqa: F401


@pytest.fixture
def empty_postgresql(postgresql: str) -> str:  # noqa: F811
    """The address of a PostgreSQL database with empty tables."""
    engine = empty_database(postgresql)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(sa.delete(table))
    engine.dispose()
    return postgresql


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def queue_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with empty tables, once for each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("empty_postgresql"))
    address = f"sqlite:///{tmp_path / 'queue.db'}"
    empty_database(address).dispose()
    return address


@pytest.fixture
def queue_database(queue_address: str) -> Iterator[sa.Engine]:
    """An engine for a database with empty tables, once for each kind."""
    engine = empty_database(queue_address)
    yield engine
    engine.dispose()
