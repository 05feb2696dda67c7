"""`bot rotate-keys`: write every encrypted value again under the newest key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table, select, update

from bot.db import Base, Database
from bot.members import models as member_models
from bot.private_data import PrivateData
from bot.sms import models as sms_models

TABLE_MODULES = (member_models, sms_models)
"""Imported so that their tables are known. A module that calls `PrivateData.encrypt` for a
column of its own belongs here, with the column marked."""

BATCH = 200
"""Rows of one transaction: a long one would hold up messages."""


def private_columns() -> list[tuple[Table, Column[Any]]]:
    """Every column that holds encrypted values, by its mark ``info={"private": True}``."""
    return [
        (table, column)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.info.get("private")
    ]


def rotate_keys(database: Database, private: PrivateData) -> int:
    """Re-encrypt all of them; afterwards the former keys can be taken out of `DATA_KEYS`.

    It may run while the product does, and again after it was interrupted.

    Returns:
        How many values were written again.

    Raises:
        PrivateDataUnreadable: No key fits a value; what came before it is done.
    """
    return sum(_rotate(database, private, table, column) for table, column in private_columns())


def _rotate(database: Database, private: PrivateData, table: Table, column: Column[Any]) -> int:
    (key,) = table.primary_key.columns
    done, last = 0, None
    while True:
        with database.transaction() as session:
            query = select(key, column).order_by(key).limit(BATCH).with_for_update()
            if last is not None:
                query = query.where(key > last)
            rows = session.execute(query).all()
            for row_key, value in rows:
                last = row_key
                if value is not None:
                    session.execute(
                        update(table).where(key == row_key).values({column: private.rotate(value)})
                    )
                    done += 1
        if len(rows) < BATCH:
            return done
