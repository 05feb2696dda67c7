"""What staff do with escalations: the state machine on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.conversations import escalations, transcript
from bot.conversations.escalation_log import events, in_words
from bot.conversations.models import Conversation, Escalation, EscalationEvent, Notice
from bot.db import Database
from bot.errors import (
    EscalationNotFound,
    IllegalTransition,
    InvalidInbound,
    StaleEscalation,
)
from bot.messages import Tier, Verdict
from tests.builders import NOON, inbound

LATER = NOON + timedelta(minutes=7)


def red_flag(database: Database, tier: Tier = Tier.URGENT, number: int = 1) -> int:
    """A message that opens or joins the escalation of conversation ``c1``."""
    with database.transaction() as session:
        if session.get(Conversation, "c1") is None:
            transcript.start_conversation(session, "web", NOON, conversation_id="c1")
        sent = inbound(client_message_id=f"message-{number:04}")
        message = transcript.store_inbound(session, sent, "my words", Verdict(tier))
        assert message is not None
        return escalations.open_or_add(
            session,
            conversation_id="c1",
            message_id=message.id,
            tier=tier,
            reason="red_flag",
            rule_ids=(),
            now=NOON,
        ).id


def current(database: Database, number: int = 1) -> Escalation:
    with database.reading() as session:
        return escalations.find(session, number)


def kinds(database: Database, number: int = 1) -> list[str]:
    with database.reading() as session:
        return [event.kind for event in events(session, number)]


def test_the_whole_way_is_recorded_with_who_when_from_and_to(database: Database) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.acknowledge(session, 1, "Maria", NOON)
        escalations.assign(session, 1, "Tom", "Maria", NOON)
        escalations.note(session, 1, "Tom", "Left a voice mail", NOON)
        escalations.resolve(session, 1, "Tom", "called_patient", "all well", LATER)
        escalations.reopen(session, 1, "Maria", "she called again", LATER)
    with database.reading() as session:
        log = events(session, 1)
    assert [(e.kind, e.by, e.from_status, e.to_status) for e in log] == [
        ("opened", "assistant", None, "open"),
        ("acknowledged", "Maria", "open", "acknowledged"),
        ("assigned", "Maria", None, "acknowledged"),
        ("note", "Tom", None, "acknowledged"),
        ("resolved", "Tom", "acknowledged", "resolved"),
        ("reopened", "Maria", "resolved", "open"),
    ]
    assert log[-1].at == LATER
    assert [in_words(e) for e in log][2:5] == [
        "assigned by Maria to Tom",
        "note by Tom: Left a voice mail",
        "resolved by Tom: called_patient: all well",
    ]


def test_resolving_keeps_outcome_and_words(database: Database) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.resolve(session, 1, "Tom", "seen_same_day", "  came at 3 ", LATER)
    found = current(database)
    assert (found.status, found.outcome, found.resolution) == (
        "resolved",
        "seen_same_day",
        "came at 3",
    )
    assert (found.resolved_by, found.resolved_at) == ("Tom", LATER)
    assert kinds(database) == ["opened", "acknowledged", "resolved"], "it was seen first"


@pytest.mark.parametrize(
    ("outcome", "words", "field"),
    [
        ("all good", "", "outcome"),
        ("", "", "outcome"),
        ("other", "  ", "note"),
        ("false_alarm", "x" * 4001, "note"),
    ],
)
def test_an_outcome_outside_the_vocabulary_is_refused(
    database: Database, outcome: str, words: str, field: str
) -> None:
    red_flag(database)
    with database.transaction() as session:
        with pytest.raises(InvalidInbound) as refused:
            escalations.resolve(session, 1, "Tom", outcome, words, NOON)
        assert refused.value.field == field
    assert current(database).status == "open"


Act = Callable[[sa.orm.Session], object]


@pytest.mark.parametrize(
    "act",
    [
        lambda s: escalations.acknowledge(s, 1, "Tom", NOON),
        lambda s: escalations.assign(s, 1, "Tom", "Tom", NOON),
        lambda s: escalations.change_tier(s, 1, Tier.EMERGENCY, "Tom", "worse", NOON),
        lambda s: escalations.change_tier(s, 1, Tier.ROUTINE, "Tom", "mild", NOON),
        lambda s: escalations.resolve(s, 1, "Tom", "false_alarm", "", NOON),
    ],
    ids=["acknowledge", "assign", "raise", "lower", "resolve"],
)
def test_what_is_resolved_cannot_be_worked_on(database: Database, act: Act) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.resolve(session, 1, "Tom", "false_alarm", "", NOON)
    before = kinds(database)
    with pytest.raises(IllegalTransition) as refused, database.transaction() as session:
        act(session)
    assert refused.value.status == "resolved"
    assert kinds(database) == before


def test_only_what_is_resolved_can_be_reopened(database: Database) -> None:
    red_flag(database)
    with pytest.raises(IllegalTransition), database.transaction() as session:
        escalations.reopen(session, 1, "Tom", "again", NOON)


def test_reopening_is_refused_where_another_escalation_is_open(database: Database) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.resolve(session, 1, "Tom", "false_alarm", "", NOON)
    assert red_flag(database, number=2) == 2
    with pytest.raises(IllegalTransition) as refused, database.transaction() as session:
        escalations.reopen(session, 1, "Tom", "again", NOON)
    assert "escalation 2" in refused.value.detail


def test_reopening_starts_clocks_and_notifications_anew(database: Database) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.resolve(session, 1, "Tom", "false_alarm", "", NOON)
        escalations.reopen(session, 1, "Tom", "she wrote again", LATER)
    found = current(database)
    assert (found.status, found.clock_from, found.notify_at, found.notify_step) == (
        *("open", LATER, LATER, 0),
    )
    assert found.acknowledged_at is found.resolved_at is found.outcome is None


@pytest.mark.parametrize(
    "act",
    [
        lambda s: escalations.acknowledge(s, 9, "Tom", NOON),
        lambda s: escalations.note(s, 9, "Tom", "x", NOON),
        lambda s: escalations.change_tier(s, 9, Tier.URGENT, "Tom", "x", NOON),
        lambda s: escalations.resolve(s, 9, "Tom", "false_alarm", "", NOON),
        lambda s: escalations.reopen(s, 9, "Tom", "x", NOON),
    ],
)
def test_an_unknown_number_is_refused(database: Database, act: Act) -> None:
    with pytest.raises(EscalationNotFound), database.transaction() as session:
        act(session)


def test_who_saw_an_older_state_cannot_overwrite_and_learns_who_has_it(
    database: Database,
) -> None:
    red_flag(database)
    seen = current(database).version
    with database.transaction() as session:
        escalations.assign(session, 1, "Maria", "Maria", NOON, version=seen)
    with pytest.raises(StaleEscalation) as refused, database.transaction() as session:
        escalations.assign(session, 1, "Tom", "Tom", NOON, version=seen)
    assert (refused.value.held_by, refused.value.status) == ("Maria", "acknowledged")
    assert "Maria" in str(refused.value)
    assert current(database).assigned_to == "Maria"


def test_of_two_at_once_one_gets_it_and_the_other_is_told(database: Database) -> None:
    red_flag(database)
    version = current(database).version
    ready = threading.Barrier(4)
    refused: list[str | None] = []

    def take(name: str) -> None:
        ready.wait()
        try:
            with database.transaction() as session:
                escalations.assign(session, 1, name, name, NOON, version=version)
        except StaleEscalation as error:
            refused.append(error.held_by)

    names = ["Ana", "Ben", "Cleo", "Dan"]
    threads = [threading.Thread(target=take, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner = current(database).assigned_to
    assert refused == [winner] * 3
    assert kinds(database).count("assigned") == 1


def test_a_red_flag_that_comes_while_staff_resolve_opens_a_new_escalation(
    database: Database,
) -> None:
    red_flag(database)
    opened: list[int] = []
    arriving = threading.Thread(target=lambda: opened.append(red_flag(database, number=2)))
    with database.transaction() as session:
        escalations.resolve(session, 1, "Tom", "false_alarm", "", NOON)
        session.flush()
        arriving.start()
        time.sleep(0.3)  # it waits for our lock
        assert opened == []
    arriving.join()
    assert opened == [2]
    assert (current(database).status, current(database, 2).status) == ("resolved", "open")


def test_a_new_red_flag_makes_an_older_view_stale(database: Database) -> None:
    red_flag(database)
    seen = current(database).version
    red_flag(database, number=2)
    with pytest.raises(StaleEscalation), database.transaction() as session:
        escalations.resolve(session, 1, "Tom", "false_alarm", "", NOON, version=seen)


def test_taking_it_oneself_counts_as_seen_but_giving_it_to_another_does_not(
    database: Database,
) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.assign(session, 1, "Maria", "Tom", NOON)
    assert current(database).status == "open"
    with database.transaction() as session:
        escalations.assign(session, 1, "Tom", "Tom", NOON)
        escalations.assign(session, 1, None, "Tom", NOON)
    assert (current(database).status, current(database).assigned_to) == ("acknowledged", None)


def test_the_first_acknowledgement_counts(database: Database) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.acknowledge(session, 1, "Maria", NOON)
        escalations.acknowledge(session, 1, "Tom", LATER)
    assert (current(database).acknowledged_by, current(database).acknowledged_at) == (
        *("Maria", NOON),
    )
    assert kinds(database).count("acknowledged") == 1


def notice(database: Database, status: str = "due") -> None:
    with database.transaction() as session:
        session.add(
            Notice(
                escalation_id=1, step=0, contact="desk", medium="email", due_at=NOON, status=status
            )
        )


def notices(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(sa.select(Notice.status).order_by(Notice.id)))


def test_acknowledging_cancels_what_is_still_due(database: Database) -> None:
    red_flag(database)
    assert current(database).notify_at == NOON
    notice(database, "sent")
    notice(database)
    with database.transaction() as session:
        escalations.acknowledge(session, 1, "Maria", NOON)
    assert notices(database) == ["sent", "cancelled"]
    assert current(database).notify_at is None


@pytest.mark.parametrize("by_staff", [True, False])
def test_raising_the_tier_starts_clocks_and_notifications_anew(
    database: Database, by_staff: bool
) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.acknowledge(session, 1, "Maria", NOON)
        found = escalations.find(session, 1)
        found.notify_step = 3
        if by_staff:
            escalations.change_tier(session, 1, Tier.EMERGENCY, "Maria", "eye pain", NOON)
    if not by_staff:
        red_flag(database, Tier.EMERGENCY, number=2)
    found = current(database)
    assert (found.tier, found.status, found.acknowledged_at) == (3, "open", None)
    assert (found.notify_step, found.notify_at) == (0, NOON)
    with database.reading() as session:
        raised = events(session, 1)[-1]
    assert (raised.kind, raised.from_tier, raised.to_tier) == ("raised", 2, 3)
    assert (raised.by, raised.words) == (("Maria", "eye pain") if by_staff else ("assistant", None))


def test_lowering_the_tier_counts_as_seen_and_keeps_the_reason(database: Database) -> None:
    red_flag(database, Tier.EMERGENCY)
    with database.transaction() as session:
        escalations.change_tier(session, 1, Tier.ROUTINE, "Maria", "an old scar", NOON)
    found = current(database)
    assert (found.tier, found.status, found.notify_at) == (1, "acknowledged", None)
    assert kinds(database) == ["opened", "acknowledged", "lowered"]


@pytest.mark.parametrize(
    ("tier", "reason", "field"),
    [(Tier.EMERGENCY, " ", "reason"), (Tier.NONE, "nothing", "tier")],
)
def test_a_tier_changes_only_with_a_reason_and_stays_a_tier(
    database: Database, tier: Tier, reason: str, field: str
) -> None:
    red_flag(database)
    with pytest.raises(InvalidInbound) as refused, database.transaction() as session:
        escalations.change_tier(session, 1, tier, "Maria", reason, NOON)
    assert refused.value.field == field


def test_the_same_tier_again_changes_nothing(database: Database) -> None:
    red_flag(database)
    before = current(database).version
    with database.transaction() as session:
        escalations.change_tier(session, 1, Tier.URGENT, "Maria", "as it is", NOON)
    assert current(database).version == before


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_nobody_works_without_a_name(database: Database, name: str) -> None:
    red_flag(database)
    with pytest.raises(InvalidInbound), database.transaction() as session:
        escalations.acknowledge(session, 1, name, NOON)


@pytest.mark.parametrize(
    "change",
    [
        sa.delete(EscalationEvent),
        sa.update(EscalationEvent).values(by="Tom"),
        sa.update(EscalationEvent).values(words="rewritten"),
        sa.update(EscalationEvent).values(words="[erased]", kind="added"),
    ],
    ids=["delete", "who", "words", "words and more"],
)
def test_the_log_cannot_be_changed(database: Database, change: sa.UpdateBase) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.note(session, 1, "Maria", "as it was", NOON)
    with pytest.raises(sa.exc.DBAPIError, match="insert-only"), database.transaction() as session:
        session.execute(change)
    assert kinds(database) == ["opened", "note"]


def test_an_erasure_takes_staffs_words_but_not_what_happened(database: Database) -> None:
    red_flag(database)
    with database.transaction() as session:
        escalations.note(session, 1, "Maria", "Mrs Lopez, 555-0100", NOON)
        escalations.resolve(session, 1, "Maria", "other", "Mrs Lopez was called", NOON)
        transcript.erase(session, "c1", "patient", NOON)
    with database.reading() as session:
        log = events(session, 1)
    assert [e.kind for e in log] == ["opened", "note", "acknowledged", "resolved"]
    assert "Lopez" not in f"{[e.words for e in log]} {current(database).resolution}"
    assert current(database).outcome == "other"
