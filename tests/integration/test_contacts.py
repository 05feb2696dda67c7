"""Contact details: read from words, kept encrypted, shown to staff, erased."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.conversations import contacts, transcript
from bot.conversations.contacts import ContactDetails
from bot.conversations.escalations import open_or_add
from bot.conversations.models import Contact
from bot.db import Database
from bot.errors import InvalidInbound
from bot.messages import Tier, Verdict
from bot.private_data import PrivateData
from tests.builders import NOON, inbound

PRIVATE = PrivateData(("k" * 40,), "l" * 40)
DETAILS = ContactDetails("Maria López", "+19165550123", "maria@example.com", "after 5 pm")


@pytest.mark.parametrize(
    ("words", "phone"),
    [
        ("(916) 555-0123", "+19165550123"),
        ("916.555.0123", "+19165550123"),
        ("it's 916 555 0123, thanks", "+19165550123"),
        ("+1 916 555 0123", "+19165550123"),
        ("mi número es +52 55 5355 0100", "+525553550100"),
    ],
)
def test_a_number_is_read_however_it_is_written(words: str, phone: str) -> None:
    assert contacts.read_reach(words) == ContactDetails(phone=phone)


@pytest.mark.parametrize(
    ("words", "email"),
    [
        ("maria@example.com", "maria@example.com"),
        (
            "write to Maria.Lopez+clinic@mail.example.co.uk.",
            "Maria.Lopez+clinic@mail.example.co.uk",
        ),
    ],
)
def test_an_address_is_read_from_a_sentence(words: str, email: str) -> None:
    assert contacts.read_reach(words) == ContactDetails(email=email)


def test_both_are_read_together() -> None:
    found = contacts.read_reach("916-555-0123 or maria@example.com")
    assert found == ContactDetails(phone="+19165550123", email="maria@example.com")


@pytest.mark.parametrize(
    "words",
    [
        "",
        "call me",
        "555-0123",
        "123",
        "916-555-01234567",
        "maria@",
        "@example.com",
        "a@b",
        "x" * 300,
    ],
)
def test_what_reaches_nobody_is_refused(words: str) -> None:
    with pytest.raises(InvalidInbound) as refused:
        contacts.read_reach(words)
    assert words not in refused.value.detail or not words


@pytest.mark.parametrize("words", ["", "   ", "123", "?!", "x" * 81])
def test_what_is_no_name_is_refused(words: str) -> None:
    with pytest.raises(InvalidInbound):
        contacts.read_name(words)


def test_names_and_times_are_tidied() -> None:
    assert contacts.read_name("  Maria \n López ") == "Maria López"
    assert contacts.read_best_time(" after  5 pm ") == "after 5 pm"
    with pytest.raises(InvalidInbound):
        contacts.read_best_time("x" * 121)


@pytest.fixture
def escalation_id(database: Database) -> int:
    with database.transaction() as session:
        transcript.start_conversation(session, "web", NOON, conversation_id="c1")
        message = transcript.store_inbound(session, inbound(), "a person please", Verdict())
        assert message is not None
        opened = open_or_add(
            session,
            conversation_id="c1",
            message_id=message.id,
            tier=Tier.ROUTINE,
            reason="asked_for_staff",
            rule_ids=(),
            now=NOON,
        )
        return opened.id


def kept(database: Database, escalation_id: int) -> ContactDetails | None:
    with database.reading() as session:
        return contacts.find(session, PRIVATE, escalation_id)


def test_details_come_piece_by_piece_and_the_last_word_counts(
    database: Database, escalation_id: int
) -> None:
    assert kept(database, escalation_id) is None
    for piece in (
        ContactDetails(name="Mary"),
        ContactDetails(phone="+19165550123", email="maria@example.com"),
        ContactDetails(name="Maria López", best_time="after 5 pm"),
    ):
        with database.transaction() as session:
            contacts.save(session, PRIVATE, escalation_id, piece, NOON)
    found = kept(database, escalation_id)
    assert found == DETAILS
    assert contacts.in_words(DETAILS) == "Maria López, +19165550123, maria@example.com, after 5 pm"


def test_nothing_readable_is_in_the_database(database: Database, escalation_id: int) -> None:
    with database.transaction() as session:
        contacts.save(session, PRIVATE, escalation_id, DETAILS, NOON)
    with database.reading() as session:
        (row,) = session.execute(sa.select(*Contact.__table__.columns)).all()
    for secret in ("Maria", "9165550123", "example.com", "after 5"):
        assert secret not in str(row)


def test_an_erasure_takes_them_along(database: Database, escalation_id: int) -> None:
    with database.transaction() as session:
        contacts.save(session, PRIVATE, escalation_id, DETAILS, NOON)
    with database.transaction() as session:
        transcript.erase(session, "c1", "patient", NOON)
    with database.reading() as session:
        assert session.scalars(sa.select(Contact)).all() == []
