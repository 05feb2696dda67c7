"""One statement inserts a row or finds its unique key taken, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bot.conversations import transcript
from bot.conversations.models import Conversation, Message
from bot.db import Database, insert_if_new

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.fixture
def conversation_id(database: Database) -> str:
    with database.transaction() as session:
        return transcript.start_conversation(session, "web", NOW).id


def message(conversation_id: str, key: str, text: str = "hello") -> Message:
    return Message(
        public_id=transcript.new_public_id(),
        conversation_id=conversation_id,
        sender="patient",
        text=text,
        at=NOW,
        client_message_id=key,
        triage={"language": "es"},
    )


def test_a_new_row_is_part_of_the_session_and_goes_on_being_stored(
    database: Database, conversation_id: str
) -> None:
    with database.transaction() as session:
        row = message(conversation_id, "k1")
        assert insert_if_new(session, row)
        assert row in session
        row.outcome = "answered"
    with database.reading() as session:
        stored = session.get_one(Message, row.id)
        assert (stored.text, stored.at, stored.outcome) == ("hello", NOW, "answered")
        assert (stored.tier, stored.media_count, stored.language) == (0, 0, "es")
        assert stored.triage == {"language": "es"}
        assert stored.understood is None
    with database.reading() as session:
        nothing = session.scalar(sa.select(sa.func.count()).where(Message.understood.is_(None)))
    assert nothing == 1, "SQL's own null, not JSON's"


def test_it_may_refer_to_what_was_only_just_added(database: Database) -> None:
    with database.transaction() as session:
        session.add(Conversation(id="new", channel="web", created_at=NOW, last_message_at=NOW))
        assert insert_if_new(session, message("new", "k1"))


def test_what_is_there_stays_and_the_transaction_goes_on(
    database: Database, conversation_id: str
) -> None:
    with database.transaction() as session:
        assert insert_if_new(session, message(conversation_id, "k1", "first"))
    with database.transaction() as session:
        second = message(conversation_id, "k1", "second")
        assert not insert_if_new(session, second)
        assert second not in session
        assert insert_if_new(session, message(conversation_id, "k2", "third"))
    with database.reading() as session:
        texts = session.scalars(sa.select(Message.text).order_by(Message.id)).all()
    assert texts == ["first", "third"]


def test_a_row_that_refers_to_nothing_is_an_error(database: Database) -> None:
    with (
        pytest.raises(IntegrityError),
        database.transaction() as session,
    ):
        insert_if_new(session, message("nobody", "k1"))


def test_of_many_at_once_exactly_one_gets_in(database: Database, conversation_id: str) -> None:
    def attempt(number: int) -> bool:
        with database.transaction() as session:
            return insert_if_new(session, message(conversation_id, "same", f"try {number}"))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(16))) == [False] * 15 + [True]
