"""Erasing and holding, on our database and Rasa's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from bot.conversations import erasure
from bot.conversations.models import Conversation, Erasure, Message
from bot.db import Database
from bot.dialogue.rasa_events import RasaEvents
from bot.errors import ConversationNotFound
from bot.worker import purge
from tests.builders import NOON
from tests.integration.conftest import OpenSite
from tests.web_site import Patient, Site

WORDS = "my name is Remarkable Patientname"


@pytest.fixture
def rasa(tmp_path: Path):
    """Rasa's own table with two conversations in it."""
    url = f"sqlite:///{tmp_path}/rasa-events.db"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id TEXT)"))
        connection.execute(sa.text("INSERT INTO events (sender_id) VALUES ('c1'), ('c1'), ('c2')"))
    engine.dispose()
    events = RasaEvents(url)
    yield events
    events.close()


def start(database: Database) -> None:
    from bot.conversations import transcript
    from bot.messages import Verdict
    from tests.builders import inbound

    with database.transaction() as session:
        transcript.start_conversation(session, "web", NOON, conversation_id="c1")
        assert transcript.store_inbound(session, inbound(WORDS), WORDS, Verdict())


def words(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Message.text)))


def erase(database: Database, rasa: RasaEvents, reason: str = "staff") -> bool:
    return erasure.erase_conversation(database, rasa, "c1", reason, NOON)


def test_words_go_from_both_databases_and_a_record_stays(
    database: Database, rasa: RasaEvents
) -> None:
    start(database)
    assert erase(database, rasa)
    assert words(database) == ["[erased]"]
    assert rasa.erase("c1") == 0, "nothing was left to erase"
    assert rasa.erase("c2") == 1, "another person's stay"
    with database.reading() as session:
        (record,) = session.scalars(select(Erasure))
        assert (record.reason, record.message_count) == ("staff", 1)


def test_a_hold_keeps_the_words_and_the_wish_is_done_once_it_is_released(
    database: Database, rasa: RasaEvents
) -> None:
    start(database)
    with database.transaction() as session:
        erasure.hold(session, "c1", "Maya", NOON)
    assert not erase(database, rasa, "patient")
    assert words(database) == [WORDS]
    long_ago = NOON - timedelta(days=1)
    with database.reading() as session:
        assert erasure.due(session, NOON + timedelta(days=999)) == []
        assert session.get_one(Conversation, "c1").session_hash is None
    with database.transaction() as session:
        erasure.release(session, "c1")
    with database.reading() as session:
        assert erasure.due(session, long_ago) == [("c1", "patient")]
    assert erase(database, rasa, "patient")
    assert words(database) == ["[erased]"]
    with database.reading() as session:
        assert erasure.due(session, NOON + timedelta(days=999)) == []


def test_what_does_not_exist_or_is_erased_cannot_be_held(
    database: Database, rasa: RasaEvents
) -> None:
    with pytest.raises(ConversationNotFound):
        erase(database, rasa)
    start(database)
    erase(database, rasa)
    with pytest.raises(ConversationNotFound), database.transaction() as session:
        erasure.hold(session, "c1", "Maya", NOON)


def old_patient(site: Site) -> Patient:
    patient = site.patient()
    patient.say(WORDS)
    site.clock.advance(days=site.state.settings.retention_days + 1)
    return patient


@pytest.mark.parametrize("held", [False, True])
def test_retention_passes_over_what_is_held(open_site: OpenSite, held: bool) -> None:
    site = open_site()
    patient = old_patient(site)
    if held:
        with site.state.database.transaction() as session:
            erasure.hold(session, patient.conversation_id, "Maya", site.clock())
    assert purge(site.state, dry_run=True) == (0 if held else 1)
    assert purge(site.state) == (0 if held else 1)
    assert (site.stored(patient.conversation_id)[0].text == WORDS) is held


def test_a_patient_who_deletes_a_held_chat_can_no_longer_see_it(site: Site) -> None:
    patient = site.patient()
    patient.say(WORDS)
    with site.state.database.transaction() as session:
        erasure.hold(session, patient.conversation_id, "Maya", site.clock())
    assert patient.http.delete("/api/chat/session").status_code == 204
    assert patient.http.get("/api/chat/messages").status_code == 401
    assert site.stored(patient.conversation_id)[0].text == WORDS
