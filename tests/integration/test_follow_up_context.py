"""What a follow-up may lean on, and the choices patients made, on a real database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bot.content.store import seed
from bot.conversations import transcript
from bot.conversations.choices import made_choices, question_of
from bot.conversations.context import FRESH, LOOK_BACK, turn_before
from bot.conversations.models import Message
from bot.db import Database
from bot.messages import AnswerRef, Button, Outcome, Reply, Tier, Verdict
from bot.replies.texts import SOMETHING_ELSE
from tests import builders

MAKEUP = Reply("Wait a day.", answer=AnswerRef("aftercare-makeup", "Makeup", 1, None))


@pytest.fixture
def session(database: Database) -> Session:
    with database.transaction() as opened:
        seed(opened, [builders.draft()], builders.NOON)
        transcript.start_conversation(opened, "web", builders.NOON, conversation_id="c1")
        yield opened


def turn(
    session: Session,
    text: str,
    minutes: float,
    outcome: Outcome | None = Outcome.ANSWERED,
    replies: tuple[Reply, ...] = (MAKEUP,),
    *,
    tier: Tier = Tier.NONE,
    button: str | None = None,
) -> Message:
    inbound = builders.inbound(
        text,
        client_message_id=f"m-{minutes}",
        received_at=builders.NOON + timedelta(minutes=minutes),
        button_id=button,
    )
    message = transcript.store_inbound(session, inbound, text, Verdict(tier=tier))
    assert message is not None
    if outcome is not None:
        transcript.finish(message, outcome, 1.0)
        transcript.store_replies(session, message, replies, inbound.received_at)
    session.flush()
    return message


def before(session: Session, message: Message) -> dict[str, Any] | None:
    """What a message may lean on."""
    earlier = transcript.turns_before(session, message, LOOK_BACK)
    return turn_before(session, message, earlier)


def test_the_question_and_its_answer_are_carried_over(session: Session) -> None:
    asked = turn(session, "when can i wear makeup after it", 0)
    asked.understood = {"entities": [{"entity": "medicine", "value": "isotretinoin"}]}
    now = turn(session, "and mascara?", 1, None)
    assert before(session, now) == {
        "text": "when can i wear makeup after it",
        "title": "Makeup",
        "topic": "aftercare",
        "names": ["isotretinoin"],
    }


def test_the_first_turn_has_nothing_before_it(session: Session) -> None:
    assert before(session, turn(session, "how much", 0, None)) is None


def test_small_talk_between_is_skipped(session: Session) -> None:
    turn(session, "when can i wear makeup after it", 0)
    turn(session, "thanks", 1, Outcome.SMALLTALK, ())
    carried = before(session, turn(session, "and mascara?", 2, None))
    assert carried is not None
    assert carried["topic"] == "aftercare"


def test_a_fragment_is_given_with_the_question_it_followed(session: Session) -> None:
    turn(session, "when can i wear makeup after it", 0)
    turn(session, "and mascara?", 1)
    carried = before(session, turn(session, "waterproof too?", 2, None))
    assert carried is not None
    assert carried["text"] == "when can i wear makeup after it and mascara?"


def test_context_expires_with_time(session: Session) -> None:
    turn(session, "when can i wear makeup after it", 0)
    late = FRESH.total_seconds() / 60 + 1
    assert before(session, turn(session, "and mascara?", late, None)) is None


def test_nothing_is_carried_over_a_red_flag(session: Session) -> None:
    turn(session, "when can i wear makeup after it", 0)
    turn(session, "i cant breathe", 1, Outcome.ESCALATED_EMERGENCY, (), tier=Tier.EMERGENCY)
    assert before(session, turn(session, "how long?", 2, None)) is None


def offer(session: Session, outcome: Outcome = Outcome.CLARIFYING) -> Message:
    buttons = (Button("answer:aftercare-makeup", "Makeup"), Button(SOMETHING_ELSE, "Else"))
    return turn(session, "makup or so", 0, outcome, (Reply("One of these?", buttons=buttons),))


@pytest.mark.parametrize(
    ("button", "answer_id"),
    [("answer:aftercare-makeup", "aftercare-makeup"), (SOMETHING_ELSE, None)],
)
def test_a_choice_made_is_a_labelled_example(
    session: Session, button: str, answer_id: str | None
) -> None:
    question = offer(session)
    pressed = turn(session, "Makeup", 1, button=button)
    pressed.understood = question_of(session, pressed)
    session.flush()
    made = list(made_choices(session))
    assert [(m.message_id, m.text, m.answer_id) for m in made] == [
        (question.id, "makup or so", answer_id)
    ]
    assert list(made_choices(session, pressed.at + timedelta(seconds=1))) == []


def test_a_first_choice_settles_no_question(session: Session) -> None:
    offer(session, Outcome.SMALLTALK)
    pressed = turn(session, "Makeup", 1, button="answer:aftercare-makeup")
    assert question_of(session, pressed) == {}


def test_erased_conversations_hold_no_examples(session: Session) -> None:
    offer(session)
    pressed = turn(session, "Makeup", 1, button="answer:aftercare-makeup")
    pressed.understood = question_of(session, pressed)
    transcript.erase(session, "c1", "patient", builders.NOON)
    session.flush()
    assert list(made_choices(session)) == []
