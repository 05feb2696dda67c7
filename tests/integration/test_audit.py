"""The audit log cannot be changed in silence."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.audit import heads
from bot.audit.log import Action, Actor, AuditLog, Head
from bot.audit.models import AuditEvent
from bot.db import Database
from bot.errors import NotifyError
from bot.notify.mail import MailSender
from tests.builders import NOON, clinic
from tests.notice_receivers import mail_server

LOG = AuditLog("s" * 40)
MAYA = Actor(7, "Maya Ñandú", "10.0.0.1")


def write(database: Database, count: int = 5) -> None:
    for number in range(count):
        with database.transaction() as session:
            at = NOON + timedelta(seconds=number, microseconds=number)
            LOG.record(
                session,
                Action.CONVERSATION_VIEWED,
                MAYA,
                at,
                "conversation",
                f"c{number}",
                {"n": 1},
            )


def problem(database: Database, log: AuditLog = LOG, anchor: Head | None = None) -> str | None:
    with database.reading() as session:
        return log.verify(session, *([anchor] if anchor else [])).problem


def tamper(database: Database, statement: str) -> None:
    """What somebody with the database's own password can do: set the triggers aside."""
    with database.engine.begin() as connection:
        if database.engine.dialect.name == "sqlite":
            for name in ("update", "delete"):
                connection.execute(sa.text(f"DROP TRIGGER audit_events_no_{name}"))
        else:
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text(statement))


def test_an_untouched_log_is_whole(database: Database) -> None:
    assert problem(database) is None
    write(database)
    assert problem(database) is None


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE audit_events SET actor = 'Nobody' WHERE number = 3", 3),
        ("UPDATE audit_events SET at = '2020-01-01 00:00:00+00' WHERE number = 2", 2),
        ("UPDATE audit_events SET details = '{}' WHERE number = 5", 5),
        ("UPDATE audit_events SET object_id = 'c9' WHERE number = 1", 1),
        ("UPDATE audit_events SET mac = repeat('0', 64) WHERE number = 4", 4),
        ("DELETE FROM audit_events WHERE number = 3", 3),
        ("DELETE FROM audit_events WHERE number = 1", 1),
        ("UPDATE audit_events SET number = 99 WHERE number = 2", 2),
    ],
)
def test_a_changed_removed_or_renumbered_row_is_found(
    database: Database, statement: str, row: int
) -> None:
    write(database)
    if database.engine.dialect.name == "sqlite":
        statement = statement.replace("repeat('0', 64)", f"'{'0' * 64}'")
    tamper(database, statement)
    found = problem(database)
    assert found
    assert f"row {row} " in found


def test_two_rows_that_changed_places_are_found(database: Database) -> None:
    write(database)
    tamper(
        database,
        "UPDATE audit_events SET number = CASE number WHEN 2 THEN -3 ELSE -2 END "
        "WHERE number IN (2, 3)",
    )
    with database.engine.begin() as connection:
        if database.engine.dialect.name != "sqlite":
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text("UPDATE audit_events SET number = -number WHERE number < 0"))
    assert "row 2 " in (problem(database) or "")


def test_rows_cut_off_the_end_are_found_with_a_head_stored_elsewhere(database: Database) -> None:
    write(database)
    with database.reading() as session:
        head = LOG.head(session)
    assert head.number == 5
    assert problem(database, anchor=head) is None
    tamper(database, "DELETE FROM audit_events WHERE number > 3")
    assert problem(database) is None, "without the head nobody can tell"
    assert problem(database, anchor=head)


def test_a_log_rewritten_from_the_start_is_found_with_a_head_stored_elsewhere(
    database: Database,
) -> None:
    write(database)
    with database.reading() as session:
        head = LOG.head(session)
    tamper(database, "DELETE FROM audit_events")
    with database.transaction() as session:
        for _ in range(6):
            LOG.record(session, Action.SIGNED_IN, MAYA, NOON)
    assert problem(database) is None
    assert problem(database, anchor=head)


def test_without_the_secret_nobody_can_write_a_row_that_passes(database: Database) -> None:
    write(database)
    with database.transaction() as session:
        AuditLog("t" * 40).record(session, Action.SIGNED_IN, MAYA, NOON)
    assert "row 6 " in (problem(database) or "")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'x'",
        "DELETE FROM audit_events WHERE number = 1",
        "DELETE FROM audit_events",
    ],
)
def test_the_database_itself_refuses_changes(database: Database, statement: str) -> None:
    write(database)
    with (
        pytest.raises(sa.exc.DBAPIError, match="insert-only"),
        database.transaction() as session,
    ):
        session.execute(sa.text(statement))
    assert problem(database) is None


def test_a_row_goes_with_its_transaction(database: Database) -> None:
    write(database, 1)
    with pytest.raises(RuntimeError), database.transaction() as session:
        LOG.record(session, Action.SIGNED_IN, MAYA, NOON)
        raise RuntimeError
    write(database, 1)
    with database.reading() as session:
        assert session.scalars(sa.select(AuditEvent.number)).all() == [1, 2]
    assert problem(database) is None


def test_writers_at_the_same_time_make_one_chain(database: Database) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            write(database, 8)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert problem(database) is None
    with database.reading() as session:
        assert LOG.head(session).number == 48


def test_words_do_not_fit_into_the_details(database: Database) -> None:
    with pytest.raises(ValueError, match="too long"), database.transaction() as session:
        LOG.record(session, Action.NOTE_ADDED, MAYA, NOON, details={"note": "she said " * 20})


def test_the_head_is_kept_elsewhere_once_a_day_and_anchors_the_log(
    database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "elsewhere" / "heads.txt"

    def keep(now: datetime, mail: MailSender | None = None, to: str = "") -> Head | None:
        return heads.keep_daily(database, LOG, clinic(), now, path, mail, to)

    assert keep(NOON) is None, "there is nothing to keep yet"
    write(database)
    with mail_server() as server:
        sender = MailSender(server.url, "assistant@clinic.example")
        server.answers = ["451 later"]
        with pytest.raises(NotifyError):
            keep(NOON, sender, "lead@clinic.example")
        first = keep(NOON, sender, "lead@clinic.example")
        assert first is not None
        assert keep(NOON + timedelta(hours=11), sender, "lead@clinic.example") is None
        (mail,) = server.received
    assert mail["To"] == "lead@clinic.example"
    assert f"--head {first.number}:{first.mac}" in mail.get_payload(decode=True).decode()
    second = keep(NOON + timedelta(hours=13))
    assert second is not None
    assert second.number > first.number
    kept = heads.read(path)
    assert kept[0] == first
    assert kept[-1] == second
    with database.reading() as session:
        assert LOG.verify(session, *kept).problem is None
        other = Head(first.number, "f" * 64)
        assert "not the one stored elsewhere" in (LOG.verify(session, second, other).problem or "")
    tamper(database, f"DELETE FROM audit_events WHERE number >= {second.number}")
    with database.reading() as session:
        assert LOG.verify(session).problem is None, "alone it cannot know"
        assert "before the stored head" in (LOG.verify(session, *kept).problem or "")


def test_without_a_place_for_it_no_head_is_kept(database: Database) -> None:
    write(database)
    assert heads.keep_daily(database, LOG, clinic(), NOON, None, None, "") is None
    with database.reading() as session:
        assert LOG.head(session).number == 5
