"""Switches: who is told what while something is off."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.audit.log import COMMAND_LINE, AuditLog
from bot.audit.models import AuditEvent
from bot.content import store as content
from bot.content.store import seed
from bot.conversations import handover
from bot.conversations.models import Escalation, Message
from bot.db import Database
from bot.errors import AnswerNotFound
from bot.switches import store
from bot.switches.store import MAX_AGE_S, SwitchError, Switches
from tests import builders
from tests.builders import NOON
from tests.integration.conftest import OpenSite
from tests.web_site import EMERGENCY, Site

LOG = AuditLog("s" * 40)


def turn(database: Database, name: str, off: bool) -> bool:
    with database.transaction() as session:
        return store.turn(session, LOG, name, off, COMMAND_LINE, NOON)


def test_what_is_off_is_looked_up_again_within_a_second(database: Database) -> None:
    now = [100.0]
    switches = Switches(lambda: now[0])

    def silences(channel: str) -> bool:
        with database.reading() as session:
            return switches.silences(session, channel)

    assert not silences("web")
    turn(database, "channel:web", True)
    now[0] += MAX_AGE_S - 0.01
    assert not silences("web")
    now[0] += 0.01
    assert silences("web")
    assert not silences("sms")
    turn(database, "bot", True)
    now[0] += MAX_AGE_S
    assert silences("sms")


def test_each_change_is_recorded_once(database: Database) -> None:
    assert [turn(database, "bot", off) for off in (True, True, False, False)] == [
        *(True, False, True, False)
    ]
    with database.reading() as session:
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.number)).all()
    assert [event.action for event in events] == ["switched_off", "switched_on"]
    assert {event.object_id for event in events} == {"bot"}


@pytest.mark.parametrize("name", ["", "everything", "channel:fax", "answer:", "answer:nothing"])
def test_what_does_not_exist_cannot_be_switched(database: Database, name: str) -> None:
    with pytest.raises(SwitchError, match="There are: bot"):
        turn(database, name, True)


def test_an_answer_that_is_off_is_not_found_but_still_exported(database: Database) -> None:
    with database.transaction() as session:
        seed(session, [builders.draft(), builders.draft("aftercare-sun")], NOON)
    with database.reading() as session:
        before = content.revision(session)
    turn(database, "answer:aftercare-makeup", True)
    with database.reading() as session:
        assert [answer.id for answer in content.all_published(session)] == ["aftercare-sun"]
        with pytest.raises(AnswerNotFound):
            content.published(session, "aftercare-makeup", NOON.date())
        assert len(content.export(session)) == 2
        assert content.revision(session) > before, "indexes are made anew"
    turn(database, "answer:aftercare-makeup", False)
    with database.reading() as session:
        assert content.published(session, "aftercare-makeup", NOON.date()).id


@pytest.fixture(params=["bot", "channel:web"])
def silent(request: pytest.FixtureRequest, open_site: OpenSite) -> Site:
    """A site whose assistant is off before anybody asks."""
    site = open_site()
    turn(site.state.database, request.param, True)
    return site


def test_while_off_patients_are_told_and_staff_get_the_message(silent: Site) -> None:
    patient = silent.patient()
    first = patient.say("does it hurt").json()
    assert first["outcome"] == "escalated_routine"
    assert "switched off" in first["replies"][0]["text"]
    assert "911" in first["replies"][0]["text"]
    again = patient.say("hello?").json()
    assert again["replies"][0]["text"].startswith("I've added this")
    assert silent.dialogue.sent == []
    with silent.state.database.reading() as session:
        (escalation,) = session.scalars(select(Escalation))
        assert (escalation.tier, escalation.reason) == (1, "switched_off")
        outcomes = session.scalars(select(Message.outcome).where(Message.sender == "patient"))
        assert set(outcomes) == {"escalated_routine"}


def test_while_off_a_red_flag_still_gets_its_wording_first(silent: Site) -> None:
    said = silent.patient().say(EMERGENCY).json()
    assert said["outcome"] == "escalated_emergency"
    assert said["replies"][0]["text"].startswith("Call 911")


def test_while_off_a_spanish_message_is_answered_in_spanish(silent: Site) -> None:
    said = silent.patient().say("hola, ¿cuánto cuesta el tratamiento para la cara?").json()
    assert "apagado" in said["replies"][0]["text"]


def test_other_channels_go_on(open_site: OpenSite) -> None:
    site = open_site()
    turn(site.state.database, "channel:sms", True)
    assert site.patient().say("does it hurt").json()["outcome"] == "answered"


def test_staff_who_have_a_conversation_keep_it_while_the_assistant_is_off(silent: Site) -> None:
    patient = silent.patient()
    with silent.state.database.transaction() as session:
        handover.take_over(session, patient.conversation_id, "Maya", NOON, texts=silent.state.texts)
    said = patient.say("does it hurt").json()
    assert (said["outcome"], said["replies"]) == ("staff_owned", [])
