"""Threads of one process write to SQLite in turn, instead of looking again and again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import SQLAlchemyError

from bot import db
from bot.db import Database


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/clinic.db")
    with database.transaction() as session:
        session.execute(text("CREATE TABLE noted (number INTEGER)"))
    return database


def note(database: Database, number: int) -> None:
    with database.transaction() as session:
        session.execute(text("INSERT INTO noted VALUES (:number)"), {"number": number})


def test_threads_that_write_at_once_never_meet_a_locked_database(sqlite: Database) -> None:
    @event.listens_for(sqlite.engine, "connect")
    def _never_wait(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=0")

    sqlite.engine.dispose()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: note(sqlite, number), range(200)))
    with sqlite.reading() as session:
        numbers = session.scalars(text("SELECT number FROM noted ORDER BY number")).all()
    assert numbers == list(range(200))


def test_who_waits_too_long_for_a_turn_is_told_as_of_a_locked_database(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "BUSY_TIMEOUT_MS", 20)
    with ThreadPoolExecutor(1) as pool, sqlite.transaction():
        late = pool.submit(note, sqlite, 1)
        with pytest.raises(SQLAlchemyError):
            late.result()
    note(sqlite, 2)  # the turn was given back


def test_a_transaction_that_fails_gives_its_turn_back(sqlite: Database) -> None:
    with pytest.raises(SQLAlchemyError), sqlite.transaction() as session:
        session.execute(text("INSERT INTO nowhere VALUES (1)"))
    note(sqlite, 1)
