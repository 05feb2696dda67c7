"""The database: engine, session factory and the base of all tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, Dialect, Engine, create_engine, event, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as WaitedTooLong
from sqlalchemy.orm import DeclarativeBase, Session, make_transient_to_detached, sessionmaker
from sqlalchemy.types import TypeDecorator

BUSY_TIMEOUT_MS = 5_000
"""How long a writer waits for another one before giving up."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite stores no zone, so it is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; the database only ever sees UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the product; Alembic compares its migrations with this."""


class Database:
    """One engine and its sessions. Opened by a process's start-up, never at import."""

    def __init__(self, url: str) -> None:
        """Prepare the engine for ``url``; the first query opens the connection."""
        self.url = url
        self.engine = open_engine(url)
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        reader = self.engine.execution_options(read_only=True)
        self._reading = sessionmaker(reader, expire_on_commit=False)
        self._turn = threading.Lock() if url.startswith("sqlite") else None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end, or rolls back when an error leaves it.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: Also when it is not our turn in time.
        """
        with self._in_turn(), self._writing.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for queries only; on SQLite it never waits for a writer."""
        with self._reading() as session:
            yield session

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One writer at a time on SQLite, among the threads of this process.

        SQLite itself lets those who wait sleep for up to 100 ms and look again, while others
        overtake them; with many threads some wait for seconds. Here the next one is woken.
        """
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000):
            raise WaitedTooLong("other threads of this process kept the database busy")
        try:
            yield
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def open_engine(url: str) -> Engine:
    """Make an engine with the settings this product relies on.

    SQLite: write-ahead log (readers never block the writer), foreign keys on,
    `BEGIN IMMEDIATE` (two writers queue instead of failing half-way), busy timeout. With
    `synchronous=NORMAL` a commit does not wait for the disk: what is committed survives the
    end of any process, but the last moments may be lost when the machine loses power.
    PostgreSQL: connections are checked before use, so a restart is survived; a server that
    does not answer and a lock that is not released are given up after the same time.
    """
    if not url.startswith("sqlite"):
        waits = {
            "connect_timeout": BUSY_TIMEOUT_MS // 1000 or 1,
            # No query runs long enough to pay for being compiled; lists look up in sets
            # that must fit into memory.
            "options": f"-c lock_timeout={BUSY_TIMEOUT_MS} -c jit=off -c work_mem=32MB",
        }
        return create_engine(
            url, pool_pre_ping=True, pool_size=10, max_overflow=20, connect_args=waits
        )
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        # As many as the threads of the web app, a quarter of them kept open.
        pool_size=16,
        max_overflow=48,
        connect_args={"check_same_thread": False, "timeout": 5},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        # pysqlite's own transaction handling starts too late for BEGIN IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql("BEGIN" if options.get("read_only") else "BEGIN IMMEDIATE")

    return engine


def insert_if_new(session: Session, row: Base) -> bool:
    """Insert ``row`` at once, unless one of its table's unique keys is taken.

    One statement. A savepoint around a plain insert does the same in three, and with much
    bookkeeping, which an emergency has to wait for.

    Args:
        row: Not yet in any session; its primary key is one number that the database gives.

    Returns:
        Whether it was inserted. Then ``row`` belongs to the session; otherwise it is left alone.

    Raises:
        sqlalchemy.exc.IntegrityError: It refers to a row that is not there.
    """
    session.flush()  # it may refer to a row that was only just added
    mapper = inspect(type(row))
    values = {}
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        if column.primary_key:
            continue
        if attribute.key not in row.__dict__:
            setattr(row, attribute.key, column.default.arg if column.default is not None else None)
        values[column.name] = getattr(row, attribute.key)
    statement = _insert_if_new(type(row), session.get_bind().dialect, tuple(values))
    number = session.connection().execute(statement, values).scalar()
    if number is None:
        return False
    (key,) = mapper.primary_key
    setattr(row, mapper.get_property_by_column(key).key, number)
    make_transient_to_detached(row)
    session.add(row)
    return True


@lru_cache
def _insert_if_new(kind: type[Base], dialect: Dialect, columns: tuple[str, ...]) -> Any:
    # SQLAlchemy would compile it anew each time, which takes longer than running it.
    module: Any = sqlite if dialect.name == "sqlite" else postgresql
    statement = module.insert(inspect(kind).local_table).on_conflict_do_nothing()
    made = statement.returning(*inspect(kind).primary_key)
    return made.compile(dialect=dialect, column_keys=columns)


def utc_now() -> datetime:
    """The present, aware, in UTC. Tests pass their own clock instead."""
    return datetime.now(UTC)
