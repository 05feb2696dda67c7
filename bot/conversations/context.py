"""What a follow-up question may lean on: the turn before, as long as it is fresh."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.content.models import Answer
from bot.conversations.models import Message
from bot.conversations.transcript import EarlierTurn
from bot.messages import Outcome, Tier

FRESH = timedelta(hours=2)
"""A later "and how long?" asks about something else; texting patients answer in minutes."""
LOOK_BACK = 3
"""Patient turns that may stand between a question and its follow-up ("ok", "thanks")."""
SHORT_WORDS = 4
"""A turn this short is given together with the one that it followed."""
_CARRIES = frozenset(
    {
        Outcome.ANSWERED.value,
        Outcome.ANSWERED_WITH_REFERRAL.value,
        Outcome.CLARIFYING.value,
        Outcome.NO_ANSWER.value,
        Outcome.ESCALATED_ROUTINE.value,
    }
)
# Built once: building it takes longer than running it.
_ANSWER_IN_REPLY = (
    select(Message.answer_title, Answer.topic)
    .outerjoin(Answer, Answer.id == Message.answer_id)
    .where(Message.in_reply_to == bindparam("message_id"), Message.answer_id.is_not(None))
    .order_by(Message.id)
)


def turn_before(
    session: Session, message: Message, earlier: Sequence[EarlierTurn]
) -> dict[str, Any] | None:
    """The patient's last question before a message, and what it was answered with.

    Small talk in between is skipped. Nothing is carried over once the last turn is older
    than `FRESH`, or across a red flag: what was asked before it is no longer the subject.

    Args:
        earlier: The patient's turns before the message, newest first.

    Returns:
        ``text`` (with the turn that it followed, where it is a fragment), ``title`` and
        ``topic`` of the answer that was given or None, and ``names`` of the medicines and
        conditions that were mentioned; or None when there is nothing to lean on.
    """
    fresh: list[EarlierTurn] = []
    newer_at = message.at
    for turn in earlier[:LOOK_BACK]:
        if newer_at - turn.at > FRESH or turn.tier >= Tier.URGENT:
            break
        fresh.append(turn)
        newer_at = turn.at
    questions = [turn for turn in fresh if turn.outcome in _CARRIES]
    if not questions:
        # A statement may have been taken for small talk: "had it done yesterday!"
        return {"text": fresh[0].text, "title": None, "topic": None, "names": []} if fresh else None
    last = questions[0]
    text = last.text
    if len(text.split()) <= SHORT_WORDS and len(questions) > 1:
        text = f"{questions[1].text} {text}"
    given = session.execute(_ANSWER_IN_REPLY, {"message_id": last.id}).first()
    entities = (last.understood or {}).get("entities", ())
    return {
        "text": text,
        "title": given.answer_title if given else None,
        "topic": given.topic if given else None,
        "names": [e["value"] for e in entities if e.get("entity") in ("medicine", "condition")],
    }
