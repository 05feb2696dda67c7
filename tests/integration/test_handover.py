"""A person takes a conversation over and gives it back, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from bot.app_state import AppState, open_app_state
from bot.conversations import escalations, handover, transcript
from bot.conversations.escalation_log import events
from bot.conversations.intake import IntakeResult
from bot.conversations.models import Conversation, Escalation, Message
from bot.dialogue.client import DialogueResult
from bot.errors import (
    ConversationNotFound,
    HeldByAnother,
    IllegalTransition,
    InvalidInbound,
    NotTakenOver,
)
from bot.messages import Outcome, Reply, Tier
from bot.triage.screen import Screen
from bot.worker import answer_leftovers
from tests import builders
from tests.fakes import FakeClock, FakeDialogue

EMERGENCY = "my throat is closing and i cant breathe"
URGENT = "day 5 and there is pus coming out of my cheek"


def take_over(state: AppState, name: str = "Maria", **options: Any) -> None:
    with state.database.transaction() as session:
        handover.take_over(session, "c1", name, state.clock(), texts=state.texts, **options)


def give_back(state: AppState, name: str = "Maria") -> None:
    with state.database.transaction() as session:
        handover.give_back(session, "c1", name, state.clock(), texts=state.texts)


def say(state: AppState, text: str, name: str = "Maria") -> Message:
    with state.database.transaction() as session:
        return handover.say(session, "c1", name, text, state.clock())


def send(state: AppState, text: str | None, number: int = 1, **changes: Any) -> IntakeResult:
    fields = {"client_message_id": f"message-{number:04}", "received_at": state.clock(), **changes}
    return state.intake.handle(builders.inbound(text, **fields))


def rows(state: AppState, sender: str) -> list[Message]:
    with state.database.reading() as session:
        query = select(Message).where(Message.sender == sender).order_by(Message.id)
        return list(session.scalars(query))


def conversation(state: AppState) -> Conversation:
    with state.database.reading() as session:
        return session.get_one(Conversation, "c1")


def escalation(state: AppState) -> Escalation:
    with state.database.reading() as session:
        return session.scalars(select(Escalation).order_by(Escalation.id.desc())).first()  # type: ignore[return-value]


def test_the_patient_reads_who_joined_and_who_left(state: AppState) -> None:
    take_over(state)
    assert (conversation(state).owner, conversation(state).owned_by) == ("staff", "Maria")
    assert conversation(state).owned_since == builders.NOON
    give_back(state)
    joined, left = rows(state, "system")
    assert joined.text.startswith("Maria from the clinic has joined")
    assert "automated assistant" in left.text
    assert conversation(state).owner == "bot"
    assert conversation(state).owned_by is None


def test_it_is_said_in_the_language_the_patient_wrote_last(state: AppState) -> None:
    send(state, "hello", 1)
    send(state, "cuanto cuesta el tratamiento por favor", 2)
    take_over(state)
    give_back(state)
    joined, left = rows(state, "system")
    assert joined.text.startswith("Maria, de la clínica")
    assert "asistente automático" in left.text


def test_taking_over_puts_the_escalation_in_progress_and_in_their_name(state: AppState) -> None:
    send(state, URGENT)
    take_over(state)
    found = escalation(state)
    assert (found.status, found.assigned_to, found.acknowledged_by) == (
        *("in_progress", "Maria", "Maria"),
    )
    assert found.notify_at is None, "nobody more needs to be told"


def test_a_conversation_that_staff_own_is_never_without_an_escalation(state: AppState) -> None:
    take_over(state)
    found = escalation(state)
    assert (found.tier, found.status, found.reason) == (1, "in_progress", "taken_over")
    assert found.notify_at is None
    with state.database.reading() as session:
        assert [e.kind for e in events(session, found.id)] == [
            *("opened", "acknowledged", "taken_over"),
        ]


def test_taking_over_twice_says_it_once(state: AppState) -> None:
    take_over(state)
    take_over(state)
    assert len(rows(state, "system")) == 1


def test_a_colleague_sees_who_has_it_and_can_only_take_it_from_them(state: AppState) -> None:
    take_over(state, "Maria")
    with pytest.raises(HeldByAnother) as refused:
        take_over(state, "Tom")
    assert refused.value.held_by == "Maria"
    with pytest.raises(HeldByAnother):
        take_over(state, "Tom", taking_from="Ana")
    take_over(state, "Tom", taking_from="Maria")
    assert conversation(state).owned_by == "Tom"
    assert escalation(state).assigned_to == "Tom"


def test_what_is_assigned_to_a_colleague_is_not_taken_from_under_them(state: AppState) -> None:
    send(state, URGENT)
    with state.database.transaction() as session:
        escalations.assign(session, 1, "Maria", "Maria", state.clock())
    with pytest.raises(HeldByAnother):
        take_over(state, "Tom")
    take_over(state, "Tom", taking_from="Maria")


def test_of_two_who_take_over_at_once_one_gets_it(state: AppState) -> None:
    refused: list[str] = []
    ready = threading.Barrier(3)

    def run(name: str) -> None:
        ready.wait()
        try:
            take_over(state, name)
        except HeldByAnother as error:
            refused.append(error.held_by)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("Ana", "Ben", "Cleo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == [conversation(state).owned_by] * 2
    assert len(rows(state, "system")) == 1


def test_staff_speak_under_their_name_and_the_first_reply_is_timed(
    state: AppState, clock: FakeClock
) -> None:
    send(state, URGENT)
    take_over(state)
    clock.advance(minutes=3)
    first = say(state, "  Hello, this is Maria. ")
    assert (first.sender, first.staff_name, first.text) == (
        *("staff", "Maria", "Hello, this is Maria."),
    )
    clock.advance(minutes=3)
    say(state, "Are you there?")
    assert escalation(state).first_reply_at == first.at
    assert [r.text for r in rows(state, "staff")] == ["Hello, this is Maria.", "Are you there?"]


@pytest.mark.parametrize("text", ["", " \n ", "x" * (handover.MAX_STAFF_CHARS + 1)])
def test_an_empty_or_overlong_message_of_staff_is_refused(state: AppState, text: str) -> None:
    take_over(state)
    with pytest.raises(InvalidInbound) as refused:
        say(state, text)
    assert refused.value.field == "text"


def test_only_who_owns_it_may_speak(state: AppState) -> None:
    with pytest.raises(NotTakenOver):
        say(state, "hello")
    take_over(state)
    with pytest.raises(HeldByAnother):
        say(state, "hello", "Tom")
    with pytest.raises(HeldByAnother):
        give_back(state, "Tom")
    give_back(state)
    with pytest.raises(NotTakenOver):
        say(state, "hello")
    assert rows(state, "staff") == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_nobody_takes_over_without_a_name(state: AppState, name: str) -> None:
    with pytest.raises(InvalidInbound):
        take_over(state, name)


def test_there_must_be_a_conversation(state: AppState) -> None:
    with state.database.transaction() as session:
        for act in (handover.take_over, handover.give_back):
            with pytest.raises(ConversationNotFound):
                act(session, "unknown", "Maria", state.clock(), texts=state.texts)
        with pytest.raises(ConversationNotFound):
            handover.say(session, "unknown", "Maria", "hello", state.clock())


def test_after_an_erasure_nobody_owns_it_and_its_escalation_can_be_resolved(
    state: AppState,
) -> None:
    take_over(state)
    with state.database.transaction() as session:
        transcript.erase(session, "c1", "patient", state.clock())
    with pytest.raises(ConversationNotFound):
        say(state, "hello")
    with state.database.transaction() as session:
        escalations.resolve(session, 1, "Maria", "answered_in_chat", "", state.clock())


def test_giving_back_what_nobody_has_changes_nothing(state: AppState) -> None:
    give_back(state)
    assert rows(state, "system") == []


def test_what_staff_own_cannot_be_resolved_before_it_is_given_back(state: AppState) -> None:
    send(state, URGENT)
    take_over(state)
    with (
        pytest.raises(IllegalTransition) as refused,
        state.database.transaction() as session,
    ):
        escalations.resolve(session, 1, "Maria", "answered_in_chat", "", state.clock())
    assert "give it back" in refused.value.detail
    assert escalation(state).status == "in_progress"
    give_back(state)
    with state.database.transaction() as session:
        escalations.resolve(session, 1, "Maria", "answered_in_chat", "", state.clock())
    assert send(state, "does it hurt", 2).outcome is Outcome.ANSWERED


@pytest.mark.parametrize(
    "sent",
    [
        {"text": "does it hurt"},
        {"text": "/restart"},
        {"text": "/session_start"},
        {"text": None, "button_id": "talk-to-a-person"},
        {"text": None, "button_id": "answer:cost-overview"},
        {"text": None, "button_id": "something-else"},
        {"text": "😀"},
        {"text": "thanks"},
    ],
    ids=str,
)
def test_nothing_goes_to_rasa_while_staff_own_it(
    state: AppState, dialogue: FakeDialogue, clock: FakeClock, sent: dict[str, Any]
) -> None:
    if sent.get("button_id") == "something-else":
        with state.database.transaction() as session:
            seen = transcript.store_inbound(
                session, builders.inbound(), "x", state.screen.verdict("x")
            )
            assert seen is not None
            offer = Reply("?", buttons=(builders.button("something-else", "Something else"),))
            transcript.store_replies(session, seen, [offer], clock())
    take_over(state)
    clock.advance(hours=3)
    result = send(state, sent["text"], 2, button_id=sent.get("button_id"))
    assert result.outcome is Outcome.STAFF_OWNED
    assert result.replies == ()
    assert dialogue.sent == []


def test_nothing_goes_to_rasa_after_a_restart_of_the_web_app(
    state: AppState, dialogue: FakeDialogue, screen: Screen
) -> None:
    take_over(state)
    again = open_app_state(state.settings, state.clock, dialogue, screen)  # type: ignore[arg-type]
    assert send(again, "does it hurt").outcome is Outcome.STAFF_OWNED
    again.close()
    assert dialogue.sent == []


def test_what_was_queued_before_is_left_to_the_person(
    state: AppState, dialogue: FakeDialogue, clock: FakeClock
) -> None:
    dialogue.down = True
    send(state, "does it hurt")
    take_over(state)
    dialogue.down = False
    dialogue.sent.clear()
    clock.advance(minutes=10)
    assert answer_leftovers(state) == 1
    assert rows(state, "patient")[0].outcome == "staff_owned"
    assert dialogue.sent == []


class TakenOverMeanwhile(FakeDialogue):
    """While it thinks about a message, a person takes the conversation over."""

    state: AppState

    def send(self, *args: Any, **kwargs: Any) -> DialogueResult:
        take_over(self.state)
        return super().send(*args, **kwargs)


@pytest.fixture
def interrupted(state: AppState, screen: Screen) -> Iterator[AppState]:
    dialogue = TakenOverMeanwhile()
    dialogue.state = state
    opened = open_app_state(state.settings, state.clock, dialogue, screen)  # type: ignore[arg-type]
    yield opened
    opened.close()


def test_an_answer_that_comes_after_a_person_joined_is_dropped(interrupted: AppState) -> None:
    result = send(interrupted, "does it hurt")
    assert (result.outcome, result.replies) == (Outcome.STAFF_OWNED, ())
    assert rows(interrupted, "assistant") == []


def test_a_dialogue_that_fails_after_a_person_joined_says_nothing(
    interrupted: AppState, clock: FakeClock
) -> None:
    interrupted.dialogue.down = True  # type: ignore[attr-defined]
    assert send(interrupted, "does it hurt").replies == ()
    clock.advance(minutes=1)
    assert answer_leftovers(interrupted) == 1
    assert rows(interrupted, "patient")[0].outcome == "staff_owned"


def test_an_emergency_that_only_rasa_saw_is_said_even_so(interrupted: AppState) -> None:
    interrupted.dialogue.result = DialogueResult(  # type: ignore[attr-defined]
        Outcome.ESCALATED_EMERGENCY, Tier.EMERGENCY, (Reply("Call 911 now."),), {}
    )
    result = send(interrupted, "does it hurt")
    assert result.outcome is Outcome.ESCALATED_EMERGENCY
    assert result.replies[0].text == "Call 911 now."


def test_an_emergency_is_answered_with_911_and_raises_even_while_staff_own_it(
    state: AppState, clock: FakeClock
) -> None:
    take_over(state)
    clock.advance(minutes=5)
    result = send(state, EMERGENCY)
    assert result.outcome is Outcome.ESCALATED_EMERGENCY
    assert "911" in result.replies[0].text.split(".")[0]
    found = escalation(state)
    assert (found.tier, found.status, found.notify_at) == (3, "open", clock())
    assert conversation(state).owner == "staff", "the person keeps it"


def test_an_urgent_sign_while_staff_own_it_raises_and_tells_staff_but_says_nothing(
    state: AppState, clock: FakeClock
) -> None:
    take_over(state)
    clock.advance(minutes=5)
    result = send(state, URGENT)
    assert (result.outcome, result.replies) == (Outcome.STAFF_OWNED, ())
    found = escalation(state)
    assert (found.tier, found.status, found.notify_at) == (2, "open", clock())


def test_what_the_patient_writes_to_a_person_joins_the_escalation(state: AppState) -> None:
    take_over(state)
    send(state, "thanks for joining")
    with state.database.reading() as session:
        assert [m.text for m in escalations.messages_of(session, 1)] == ["thanks for joining"]
    assert escalation(state).status == "in_progress"


def test_an_urgent_sign_unsaid_while_staff_owned_it_is_said_in_full_afterwards(
    state: AppState,
) -> None:
    take_over(state)
    send(state, URGENT, 1)
    give_back(state)
    reply = send(state, "the pus is still there", 2).replies[0]
    assert "clinician today" in reply.text
