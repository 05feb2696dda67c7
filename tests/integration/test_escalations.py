"""Escalations on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from bot.conversations import transcript
from bot.conversations.escalations import (
    acknowledge,
    assign,
    find,
    note,
    open_or_add,
    resolve,
    unresolved,
    waiting,
)
from bot.conversations.listing import describe
from bot.db import Database
from bot.errors import EscalationNotFound, IllegalTransition
from bot.messages import Tier, Verdict
from tests.builders import NOON, clinic, inbound, staff


def conversation(database: Database, name: str = "c1") -> int:
    """A conversation with one message; the message's number."""
    with database.transaction() as session:
        transcript.start_conversation(session, "web", NOON, conversation_id=name)
        message = transcript.store_inbound(
            session, inbound(conversation_id=name), "my words", Verdict()
        )
        assert message is not None
        return message.id


def escalate(database: Database, message_id: int, tier: Tier, name: str = "c1") -> int:
    with database.transaction() as session:
        return open_or_add(
            session,
            conversation_id=name,
            message_id=message_id,
            tier=tier,
            reason="red_flag",
            rule_ids=("E1-x",),
            now=NOON,
        ).id


def test_one_message_opens_one_escalation_however_often_it_is_handed_over(
    database: Database,
) -> None:
    message = conversation(database)
    assert {escalate(database, message, Tier.URGENT) for _ in range(3)} == {1}
    with database.reading() as session:
        assert len(waiting(session)) == 1


def test_a_worse_sign_raises_the_tier_and_asks_for_a_new_acknowledgement(
    database: Database,
) -> None:
    number = escalate(database, conversation(database), Tier.URGENT)
    with database.transaction() as session:
        acknowledge(session, number, "dana", NOON)
    escalate(database, 1, Tier.EMERGENCY)
    with database.reading() as session:
        found = unresolved(session, "c1")
        assert found is not None
        assert (found.tier, found.status, found.acknowledged_at) == (3, "open", None)


def test_a_milder_message_never_lowers_the_tier(database: Database) -> None:
    message = conversation(database)
    escalate(database, message, Tier.EMERGENCY)
    escalate(database, message, Tier.ROUTINE)
    with database.reading() as session:
        found = unresolved(session, "c1")
        assert found is not None
        assert found.tier == Tier.EMERGENCY


def test_after_resolving_the_next_red_flag_opens_a_new_one(database: Database) -> None:
    message = conversation(database)
    number = escalate(database, message, Tier.URGENT)
    with database.transaction() as session:
        resolve(session, number, "dana", "called_patient", "", NOON)
        assert unresolved(session, "c1") is None
    assert escalate(database, message, Tier.URGENT) != number


def test_the_most_urgent_is_listed_first_and_words_only_on_demand(database: Database) -> None:
    escalate(database, conversation(database, "c1"), Tier.ROUTINE, "c1")
    escalate(database, conversation(database, "c2"), Tier.EMERGENCY, "c2")
    with database.reading() as session:
        found = waiting(session)
        assert [e.conversation_id for e in found] == ["c2", "c1"]
        assert "my words" not in describe(session, found[0], clinic(), staff(), NOON)
        shown = describe(session, found[0], clinic(), staff(), NOON, words=True)
        assert "my words" in shown
        assert "EMERGENCY" in shown
        assert "12:00" in shown


def test_the_listing_shows_who_has_it_its_clocks_and_its_log(database: Database) -> None:
    number = escalate(database, conversation(database), Tier.EMERGENCY)
    with database.transaction() as session:
        assign(session, number, "Maria", "Maria", NOON + timedelta(minutes=1))
        note(session, number, "Maria", "left a message", NOON + timedelta(minutes=2))
        found = find(session, number)
        now = NOON + timedelta(minutes=75)
        shown = describe(session, found, clinic(), staff(), now, log=True)
        assert "with Maria" in shown
        assert "acknowledged after 1 min" in shown
        assert "not replied to for 1 h 15 min (1 h 15 min in working hours) OVERDUE" in shown
        assert "note by Maria: left a message" in shown
        resolve(session, number, "Maria", "called_patient", "", now)
        shown = describe(session, found, clinic(), staff(), now)
        assert "called_patient" in shown
        assert "resolved after 1 h 15 min" in shown
        assert "OVERDUE" not in shown


def test_resolving_twice_or_a_stranger_is_refused(database: Database) -> None:
    number = escalate(database, conversation(database), Tier.URGENT)
    with database.transaction() as session:
        resolve(session, number, "dana", "false_alarm", "", NOON)
    with database.transaction() as session:
        with pytest.raises(IllegalTransition):
            resolve(session, number, "dana", "false_alarm", "", NOON)
        with pytest.raises(EscalationNotFound):
            resolve(session, 999, "dana", "false_alarm", "", NOON)


def test_two_processes_at_once_open_one_escalation(database: Database) -> None:
    message = conversation(database)
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.append(escalate(database, message, Tier.URGENT)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 6
    assert len(set(numbers)) == 1
