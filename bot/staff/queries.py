"""Queries that several parts of the console ask."""

from __future__ import annotations

import sqlalchemy as sa


def distinct(connection: sa.Connection, column: sa.ColumnElement[str]) -> list[str]:
    """The values of an indexed column, one jump in the index for each: a plain DISTINCT would read all of it."""
    values: list[str] = []
    while True:
        query = sa.select(sa.func.min(column))
        value = connection.scalar(query.where(column > values[-1]) if values else query.where(column > ""))
        if value is None:
            return values
        values.append(value)
