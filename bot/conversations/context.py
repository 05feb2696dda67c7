"""What a follow-up question may lean on: the turn before, as long as it is fresh."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.content.models import Answer
from bot.conversations import transcript
from bot.conversations.models import Message
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


def turn_before(session: Session, message: Message) -> dict[str, Any] | None:
    """The patient's last question before a message, and what it was answered with.

    Small talk in between is skipped. Nothing is carried over once the last turn is older
    than `FRESH`, or across a red flag: what was asked before it is no longer the subject.

    Returns:
        ``text`` (with the turn that it followed, where it is a fragment), ``title`` and
        ``topic`` of the answer that was given or None, and ``names`` of the medicines and
        conditions that were mentioned; or None when there is nothing to lean on.
    """
    earlier = session.scalars(
        select(Message)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.sender == "patient",
            Message.id < message.id,
        )
        .order_by(Message.id.desc())
        .limit(LOOK_BACK)
    ).all()
    fresh: list[Message] = []
    newer = message
    for turn in earlier:
        if newer.at - turn.at > FRESH or turn.tier >= Tier.URGENT:
            break
        fresh.append(turn)
        newer = turn
    questions = [turn for turn in fresh if turn.outcome in _CARRIES]
    if not questions:
        # A statement may have been taken for small talk: "had it done yesterday!"
        return {"text": fresh[0].text, "title": None, "topic": None, "names": []} if fresh else None
    last = questions[0]
    text = last.text
    if len(text.split()) <= SHORT_WORDS and len(questions) > 1:
        text = f"{questions[1].text} {text}"
    given = [r for r in transcript.replies_to(session, last.id) if r.answer_id]
    answer = session.get(Answer, given[0].answer_id) if given else None
    entities = (last.understood or {}).get("entities", ())
    return {
        "text": text,
        "title": given[0].answer_title if given else None,
        "topic": answer.topic if answer else None,
        "names": [e["value"] for e in entities if e.get("entity") in ("medicine", "condition")],
    }
