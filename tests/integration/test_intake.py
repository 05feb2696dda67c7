"""The way of one message, on SQLite and PostgreSQL, with the real triage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event, select

from bot.app_state import AppState, open_app_state
from bot.conversations import transcript
from bot.conversations.escalations import open_or_add, resolve, unresolved
from bot.conversations.handover import take_over
from bot.conversations.intake import RETRY_AFTER, IntakeResult
from bot.conversations.models import Conversation, Escalation, EscalationMessage, Message
from bot.db import utc_now
from bot.dialogue.client import DialogueResult
from bot.errors import InvalidInbound
from bot.messages import Outcome, Reply, Tier
from bot.review.models import FigureDay
from bot.triage.screen import Screen
from bot.triage.tier_model import TierModel
from bot.worker import answer_leftovers, beat, purge, tidy
from tests import builders
from tests.fakes import FakeClock, FakeDialogue

EMERGENCY = "my throat is closing and i cant breathe"
URGENT = "day 5 and there is pus coming out of my cheek"


def send(state: AppState, text: str, number: int = 1, **changes: object) -> IntakeResult:
    fields = {"client_message_id": f"message-{number:04}", "received_at": state.clock(), **changes}
    return state.intake.handle(builders.inbound(text, **fields))


def stored(state: AppState) -> list[Message]:
    with state.database.reading() as session:
        return list(session.scalars(select(Message).order_by(Message.id)))


def test_a_question_is_stored_answered_and_kept_with_what_was_understood(
    state: AppState, dialogue: FakeDialogue
) -> None:
    result = send(state, "does it hurt")
    assert result.outcome is Outcome.ANSWERED
    question, answer = stored(state)
    assert (question.text, question.outcome) == ("does it hurt", "answered")
    assert question.understood == {"intent": "ask_pain", "confidence": 0.9}
    assert (answer.answer_id, answer.answer_version) == ("does-it-hurt", 1)
    assert answer.in_reply_to == question.id
    assert dialogue.sent[0][2] == question.id


def test_an_ordinary_message_costs_few_statements_and_transactions(state: AppState) -> None:
    """Each statement costs the web process more time than it costs the database."""
    send(state, "does it hurt", 1)
    send(state, "and how long does it take", 2)  # what is off is asked once a second
    ran: list[str] = []
    begun: list[object] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            ran.append(statement)

    event.listen(state.database.engine, "before_cursor_execute", note)
    event.listen(state.database.engine, "begin", begun.append)
    assert send(state, "and the day after", 3).outcome is Outcome.ANSWERED
    shown = "\n".join(ran)
    assert len(ran) <= 12, shown
    assert len(begun) <= 4, shown


def test_replies_are_kept_in_the_order_of_reading(state: AppState, dialogue: FakeDialogue) -> None:
    parts = [f"part {number}" for number in range(12)]
    buttons = (builders.button("talk-to-a-person", "Talk to a person"),)
    replies = tuple(
        Reply(part, buttons=buttons if number % 3 else ()) for number, part in enumerate(parts)
    )
    dialogue.result = replace(dialogue.result, replies=replies)
    result = send(state, "does it hurt")
    assert [reply.text for reply in result.replies] == parts
    assert [row.text for row in stored(state)[1:]] == parts


class InterruptedDialogue(FakeDialogue):
    """Something happens, and is not finished yet, when the dialogue answers."""

    def __init__(self, happening: Callable[[], None]) -> None:
        super().__init__()
        self._happening = happening

    def send(
        self, conversation_id: str, text: str, *, message_id: int, context: Mapping[str, Any]
    ) -> DialogueResult:
        self._happening()
        return super().send(conversation_id, text, message_id=message_id, context=context)


def test_a_red_flag_that_is_being_stored_when_the_dialogue_answers_goes_first(
    state: AppState, screen: Screen
) -> None:
    """The answer waits for the conversation's lock, and then sees what its holder did."""
    begun, threads = threading.Event(), []

    def store_red_flag() -> None:
        inbound = builders.inbound(URGENT, client_message_id="message-0002")
        verdict = state.screen.verdict(URGENT)
        with state.database.transaction() as session:
            message = transcript.store_inbound(session, inbound, URGENT, verdict)
            assert message is not None
            begun.set()
            time.sleep(0.3)
            open_or_add(
                session,
                conversation_id="c1",
                message_id=message.id,
                tier=Tier.URGENT,
                reason="red_flag",
                rule_ids=verdict.rule_ids,
                now=state.clock(),
            )

    def happening() -> None:
        threads.append(threading.Thread(target=store_red_flag))
        threads[0].start()
        assert begun.wait(5)

    opened = open_app_state(
        state.settings,
        state.clock,
        InterruptedDialogue(happening),  # type: ignore[arg-type]
        screen,
    )
    result = send(opened, "does it hurt")
    threads[0].join()
    opened.close()
    assert result.outcome is Outcome.ESCALATED_URGENT
    assert "(916) 555-0142" in result.replies[0].text
    assert all(row.answer_id is None for row in stored(state))


def test_what_the_dialogue_says_is_dropped_when_a_person_took_over_meanwhile(
    state: AppState, screen: Screen
) -> None:
    def happening() -> None:
        with state.database.transaction() as session:
            take_over(session, "c1", "Maria", state.clock(), texts=state.texts)

    opened = open_app_state(
        state.settings,
        state.clock,
        InterruptedDialogue(happening),  # type: ignore[arg-type]
        screen,
    )
    result = send(opened, "does it hurt")
    opened.close()
    assert result.outcome is Outcome.STAFF_OWNED
    assert result.replies == ()


def test_a_repeat_is_answered_alike_and_stored_once(
    state: AppState, dialogue: FakeDialogue
) -> None:
    first = send(state, "does it hurt")
    second = send(state, "does it hurt")
    assert [r.public_id for r in first.replies] == [r.public_id for r in second.replies]
    assert len(stored(state)) == 2
    assert len(dialogue.sent) == 1


def test_the_same_message_sent_by_several_threads_at_once_is_worked_on_once(
    state: AppState, dialogue: FakeDialogue
) -> None:
    results: list[IntakeResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(send(state, "does it hurt")))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 5
    assert len(dialogue.sent) == 1
    assert {r.message.public_id for r in results} == {results[0].message.public_id}


@pytest.mark.parametrize(
    ("text", "outcome", "words"),
    [
        (EMERGENCY, Outcome.ESCALATED_EMERGENCY, "911"),
        (URGENT, Outcome.ESCALATED_URGENT, "(916) 555-0142"),
        ("no puedo respirar y se me cierra la garganta", Outcome.ESCALATED_EMERGENCY, "911"),
    ],
)
def test_a_red_flag_is_escalated_and_answered_without_the_dialogue(
    state: AppState, dialogue: FakeDialogue, text: str, outcome: Outcome, words: str
) -> None:
    dialogue.down = True
    result = send(state, text)
    assert result.outcome is outcome
    assert words in result.replies[0].text
    assert dialogue.sent == []
    with state.database.reading() as session:
        found = unresolved(session, "c1")
        assert found is not None
        assert f"escalated_{Tier(found.tier).name.lower()}" == outcome.value
        assert found.rule_ids


def test_an_emergency_reply_starts_with_911(state: AppState) -> None:
    text = send(state, EMERGENCY).replies[0].text
    assert "911" in text.split(".")[0]


def test_after_an_urgent_sign_no_question_is_answered_until_staff_resolve_it(
    state: AppState, dialogue: FakeDialogue
) -> None:
    first = send(state, URGENT, 1)
    later = send(state, "how much does it cost", 2)
    assert later.outcome is Outcome.ESCALATED_URGENT
    assert later.replies[0].text != first.replies[0].text
    assert dialogue.sent == []
    with state.database.transaction() as session:
        found = unresolved(session, "c1")
        assert found is not None
        assert len(session.scalars(select(EscalationMessage)).all()) == 2
        resolve(session, found.id, "dana", "seen_same_day", "", state.clock())
    assert send(state, "how much does it cost", 3).outcome is Outcome.ANSWERED


def test_a_worse_sign_in_the_same_conversation_raises_the_tier(state: AppState) -> None:
    send(state, URGENT, 1)
    assert send(state, EMERGENCY, 2).outcome is Outcome.ESCALATED_EMERGENCY
    with state.database.reading() as session:
        assert [e.tier for e in session.scalars(select(Escalation))] == [int(Tier.EMERGENCY)]


def test_the_worse_sign_gets_the_full_wording_of_its_tier(state: AppState) -> None:
    send(state, URGENT, 1)
    assert send(state, EMERGENCY, 2).replies[0].text.startswith("Call 911 now.")


def test_further_messages_are_acknowledged_without_the_same_text_twice_running(
    state: AppState,
) -> None:
    texts = [
        send(state, text, number).replies[0].text
        for number, text in enumerate((URGENT, "are you there", URGENT, "please", "hello?"), 1)
    ]
    assert all(a != b for a, b in pairwise(texts))
    assert all("911" in text for text in texts)
    with state.database.reading() as session:
        assert len(session.scalars(select(EscalationMessage)).all()) == 5


@pytest.mark.parametrize("alone", [True, False], ids=["rules alone", "every net"])
def test_who_spoke_of_dying_is_given_988_also_after_the_next_harmless_word(
    state: AppState, dialogue: FakeDialogue, screen: Screen, alone: bool
) -> None:
    nets = Screen(screen.rules) if alone else screen
    opened = open_app_state(state.settings, state.clock, dialogue, nets)  # type: ignore[arg-type]
    texts = []
    for number, text in enumerate(("i want to die because of my face", "nobody cares", "ok"), 1):
        result = send(opened, text, number)
        assert result.outcome is Outcome.ESCALATED_EMERGENCY
        texts.append(result.replies[0].text)
    opened.close()
    assert all("988" in text and "911" in text for text in texts)
    assert len(set(texts)) == 3


def test_another_kind_of_emergency_gets_its_own_wording_in_full(state: AppState) -> None:
    send(state, "i want to die because of my face", 1)
    assert send(state, EMERGENCY, 2).replies[0].text.startswith("Call 911 now.")


def test_each_message_is_answered_in_its_language(state: AppState) -> None:
    assert "Call 911" in send(state, EMERGENCY, 1).replies[0].text
    spanish = send(state, "no puedo respirar y se me cierra la garganta", 2).replies[0].text
    assert "llame al 911" in spanish


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (URGENT, ("closed right now", "opens again today at 9:00 am", "(916) 555-0177")),
        (
            "dia 5 y me sale pus de la mejilla",
            ("cerrada", "vuelve a abrir hoy a las 9:00 de la mañana", "(916) 555-0177"),
        ),
    ],
)
def test_at_night_an_urgent_sign_is_told_that_it_is_closed_and_where_to_call(
    state: AppState, clock: FakeClock, text: str, words: tuple[str, ...]
) -> None:
    clock.now = builders.MIDNIGHT
    reply = send(state, text).replies[0].text
    for said in words:
        assert said in reply


def test_after_staff_resolved_it_a_new_sign_is_told_in_full_again(state: AppState) -> None:
    send(state, URGENT, 1)
    send(state, "are you there", 2)
    with state.database.transaction() as session:
        resolve(session, 1, "dana", "seen_same_day", "", state.clock())
    assert "clinician today" in send(state, URGENT, 3).replies[0].text


def test_later_messages_do_not_make_a_queued_one_wait_longer(
    state: AppState, dialogue: FakeDialogue
) -> None:
    dialogue.down = True
    for number in range(1, 8):
        send(state, "does it hurt", number)
    first = stored(state)[0]
    assert first.attempts == 7, "each later message tried it before itself"
    assert first.retry_at is not None
    assert first.retry_at <= state.clock() + RETRY_AFTER


class OneNet(TierModel):
    """A learned net that always finds the same."""

    def __init__(self, tier: Tier | None) -> None:
        self._tier = tier

    def tier(self, text: str, recent: Sequence[str] = ()) -> tuple[Tier, float]:
        if self._tier is None:
            raise RuntimeError("the model broke")
        return self._tier, 1.0


@pytest.mark.parametrize(
    ("text", "model", "reason"),
    [
        (URGENT, Tier.URGENT, None),
        (URGENT, Tier.NONE, "nets_disagree"),
        (URGENT, Tier.EMERGENCY, "nets_disagree"),
        (EMERGENCY, Tier.URGENT, "nets_disagree"),
        ("does it hurt", Tier.URGENT, "nets_disagree"),
        ("does it hurt", Tier.ROUTINE, None),
        ("does it hurt", Tier.NONE, None),
        (URGENT, None, None),
    ],
)
def test_a_message_on_which_the_nets_disagree_is_kept_for_review(
    state: AppState,
    dialogue: FakeDialogue,
    screen: Screen,
    text: str,
    model: Tier | None,
    reason: str | None,
) -> None:
    other = Screen(screen.rules, OneNet(model))
    opened = open_app_state(state.settings, state.clock, dialogue, other)  # type: ignore[arg-type]
    send(opened, text)
    opened.close()
    message = stored(state)[0]
    assert message.review_reason == reason
    assert message.triage is not None
    assert set(message.triage["by_net"]) == {"rules"} | (
        {"tier_model"} if model is not None else set()
    )


def test_with_the_rules_alone_nothing_disagrees(
    state: AppState, dialogue: FakeDialogue, screen: Screen
) -> None:
    alone = Screen(screen.rules)
    opened = open_app_state(state.settings, state.clock, dialogue, alone)  # type: ignore[arg-type]
    send(opened, URGENT)
    opened.close()
    assert stored(state)[0].review_reason is None


def test_a_red_flag_in_a_conversation_that_staff_own_is_still_answered(state: AppState) -> None:
    with state.database.transaction() as session:
        session.get_one(Conversation, "c1").owner = "staff"
    assert send(state, "thanks", 1).outcome is Outcome.STAFF_OWNED
    assert send(state, EMERGENCY, 2).outcome is Outcome.ESCALATED_EMERGENCY


def test_what_staff_own_never_reaches_the_dialogue(state: AppState, dialogue: FakeDialogue) -> None:
    with state.database.transaction() as session:
        session.get_one(Conversation, "c1").owner = "staff"
    result = send(state, "/restart")
    assert result.outcome is Outcome.STAFF_OWNED
    assert result.replies == ()
    assert dialogue.sent == []


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("/restart", "restart"),
        ('  /ask_benefits{"x":1}', 'ask_benefits{"x":1}'),
        ("//// /request_human", "request_human"),
        ("does it hurt", "does it hurt"),
    ],
)
def test_a_slash_in_patient_words_never_reaches_rasa_as_a_command(
    state: AppState, dialogue: FakeDialogue, text: str, sent: str
) -> None:
    send(state, text)
    assert dialogue.sent[0][1] == sent
    assert not dialogue.sent[0][1].startswith("/")
    assert stored(state)[0].text == text


@pytest.mark.parametrize(
    ("button_id", "command"),
    [
        ("talk-to-a-person", "/request_human"),
        ("answer:cost-overview", '/ask_cost{"answer_id": "cost-overview"}'),
    ],
)
def test_a_button_becomes_a_command_of_ours(
    state: AppState, dialogue: FakeDialogue, button_id: str, command: str
) -> None:
    send(state, None, button_id=button_id)  # type: ignore[arg-type]
    assert dialogue.sent[0][1] == command


def test_a_button_that_was_never_offered_is_refused_and_not_stored(state: AppState) -> None:
    with pytest.raises(InvalidInbound):
        send(state, None, button_id="answer:made-up")  # type: ignore[arg-type]
    assert stored(state) == []


def test_only_signs_without_words_are_asked_to_be_put_in_words(
    state: AppState, dialogue: FakeDialogue
) -> None:
    assert send(state, "😀😀 !!").outcome is Outcome.CLARIFYING
    assert dialogue.sent == []


def test_while_the_dialogue_is_down_a_message_is_kept_and_answered_later(
    state: AppState, dialogue: FakeDialogue, clock: FakeClock
) -> None:
    dialogue.down = True
    result = send(state, "does it hurt")
    assert result.outcome is Outcome.QUEUED
    assert "saved" in result.replies[0].text
    assert answer_leftovers(state) == 0, "not due yet"
    clock.advance(seconds=10)
    assert answer_leftovers(state) == 1, "tried, still down"
    dialogue.down = False
    clock.advance(minutes=10)
    assert answer_leftovers(state) == 1
    rows = stored(state)
    assert [r.text for r in rows if r.sender == "assistant"] == [
        result.replies[0].text,
        "It can sting a little.",
    ]
    assert rows[0].outcome == "answered"
    clock.advance(minutes=10)
    assert answer_leftovers(state) == 0


@pytest.mark.parametrize(
    ("text", "words"), [("¿cuánto duele la sesión?", "está guardado"), ("¿? 😀", "con palabras")]
)
def test_what_the_assistant_says_of_itself_is_in_the_language_of_the_message(
    state: AppState, dialogue: FakeDialogue, text: str, words: str
) -> None:
    dialogue.down = True
    send(state, "hola, tengo una pregunta", 1)
    (reply,) = send(state, text, 2).replies
    assert words in reply.text
    assert "Hablar con una persona" in str(reply.buttons)


def test_a_message_whose_process_was_killed_is_taken_up_once(
    state: AppState, clock: FakeClock
) -> None:
    with state.database.transaction() as session:
        message = transcript.store_inbound(
            session, builders.inbound("does it hurt"), "does it hurt", state.screen.verdict("x")
        )
        assert message is not None
    assert answer_leftovers(state) == 0, "it may still be in work"
    clock.advance(seconds=60)
    assert answer_leftovers(state) == 1
    assert stored(state)[0].outcome == "answered"


def test_a_red_flag_whose_process_was_killed_gets_its_wording(
    state: AppState, clock: FakeClock
) -> None:
    verdict = state.screen.verdict(EMERGENCY)
    with state.database.transaction() as session:
        transcript.store_inbound(session, builders.inbound(EMERGENCY), EMERGENCY, verdict)
    clock.advance(seconds=60)
    answer_leftovers(state)
    question, reply = stored(state)
    assert question.outcome == "escalated_emergency"
    assert "911" in reply.text


def test_two_workers_do_not_take_the_same_message(
    state: AppState, dialogue: FakeDialogue, clock: FakeClock
) -> None:
    dialogue.down = True
    send(state, "does it hurt")
    dialogue.down = False
    dialogue.sent.clear()
    clock.advance(minutes=1)
    threads = [threading.Thread(target=answer_leftovers, args=(state,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(dialogue.sent) == 1
    assert sum(r.answer_id == "does-it-hurt" for r in stored(state)) == 1


def test_earlier_turns_go_along_for_follow_up_questions(
    state: AppState, dialogue: FakeDialogue
) -> None:
    send(state, "does it hurt", 1)
    send(state, "and for how long", 2)
    context = dialogue.sent[1][3]
    assert context["recent"] == ["does it hurt"]
    assert context["before"]["text"] == "does it hurt"
    assert context["before"]["title"] == "Does it hurt?"
    assert context["language"] == "en"
    assert context["today"] == "2026-11-23"
    assert context["channel"] == "web"
    assert context["triage"] == {"tier": "none", "rule_ids": [], "language": "en"}


def test_a_red_flag_is_answered_although_the_turn_before_cannot_be_read(
    state: AppState, dialogue: FakeDialogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(state, "does it hurt", 1)

    def unreadable(*_: object) -> None:
        raise KeyError("entity")

    monkeypatch.setattr("bot.conversations.intake.turn_before", unreadable)
    assert send(state, EMERGENCY, 2).outcome is Outcome.ESCALATED_EMERGENCY


def test_retention_erases_words_after_its_days_and_not_before(
    state: AppState, clock: FakeClock
) -> None:
    send(state, "does it hurt")
    clock.advance(days=89)
    assert purge(state, dry_run=True) == 0
    clock.advance(days=2)
    assert purge(state, dry_run=True) == 1
    assert stored(state)[0].text == "does it hurt", "a dry run changes nothing"
    assert purge(state) == 1
    assert {row.text for row in stored(state)} == {transcript.ERASED_TEXT}
    assert purge(state) == 0


def test_the_worker_keeps_past_days_and_can_do_so_again(state: AppState) -> None:
    began = min(utc_now(), state.clock()) - timedelta(days=30)
    with state.database.transaction() as session:
        transcript.start_conversation(session, "web", began, conversation_id="old")
    tidy(state)
    with state.database.reading() as session:
        kept = len(session.scalars(select(FigureDay)).all())
    assert kept > 0
    tidy(state)
    with state.database.reading() as session:
        assert len(session.scalars(select(FigureDay)).all()) == kept


def test_the_worker_shows_that_it_lives(state: AppState) -> None:
    beat(state)
    beat(state)
