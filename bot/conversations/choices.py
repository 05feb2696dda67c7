"""Choices that patients made between close answers: labelled examples for review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import Message
from bot.messages import Outcome
from bot.replies.texts import ANSWER_PREFIX, SOMETHING_ELSE

QUESTION = "question_id"
"""Key in the understood part of a pressed button's message: the question's message id."""
LOOK_BACK = 20


@dataclass(frozen=True, slots=True)
class MadeChoice:
    """A question that was unclear, and the answer its patient meant.

    Attributes:
        message_id: The question's message.
        answer_id: The answer chosen; None when the patient wanted none of them.
    """

    message_id: int
    text: str
    answer_id: str | None
    chosen_at: datetime


def question_of(session: Session, pressed: Message) -> dict[str, int]:
    """Which question a pressed button settles, to be kept with it; empty when none.

    A first choice ("Cost") settles none: only what was offered in doubt does.
    """
    offers = session.scalars(
        select(Message)
        .where(
            Message.conversation_id == pressed.conversation_id,
            Message.id < pressed.id,
            Message.sender == "assistant",
            Message.in_reply_to.is_not(None),
        )
        .order_by(Message.id.desc())
        .limit(LOOK_BACK)
    )
    for offer in offers:
        if any(button["id"] == pressed.button_id for button in offer.buttons or ()):
            question = session.get_one(Message, offer.in_reply_to)
            if question.outcome == Outcome.CLARIFYING.value:
                return {QUESTION: question.id}
            return {}
    return {}


def made_choices(session: Session, since: datetime | None = None) -> Iterator[MadeChoice]:
    """Every choice made, oldest first; erased conversations hold none.

    Args:
        since: Only those made at this time or later.
    """
    query = select(Message).where(
        Message.sender == "patient",
        Message.button_id.startswith(ANSWER_PREFIX) | (Message.button_id == SOMETHING_ELSE),
    )
    if since is not None:
        query = query.where(Message.at >= since)
    for pressed in session.scalars(query.order_by(Message.id)):
        question_id = (pressed.understood or {}).get(QUESTION)
        question = session.get(Message, question_id) if question_id is not None else None
        if question is None:
            continue
        button_id = pressed.button_id or ""
        chosen = button_id.startswith(ANSWER_PREFIX)
        yield MadeChoice(
            message_id=question.id,
            text=question.text,
            answer_id=button_id.removeprefix(ANSWER_PREFIX) if chosen else None,
            chosen_at=pressed.at,
        )
