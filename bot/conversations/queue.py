"""The queue of escalations as staff see it: who waits, how long, with whom. Reading only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.conversations.escalation_states import RESOLVED
from bot.conversations.models import Conversation, Escalation, Message
from bot.conversations.redaction import snippet
from bot.sms.models import SmsOutbound

View = Literal["all", "mine", "free", "resolved"]

LIMIT = 200
"""Rows of one page; the rest is reached once these are worked off."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the queue.

    Attributes:
        last_words: Beginning of the patient's newest message, redacted.
        last_at: When it came.
        holder: Who answers the patient, or whose it is; None when it is nobody's.
    """

    escalation: Escalation
    conversation: Conversation
    last_words: str
    last_at: datetime | None

    @property
    def holder(self) -> str | None:
        return self.conversation.owned_by or self.escalation.assigned_to


def cases(session: Session, view: View, name: str) -> list[Case]:
    """Escalations as staff should take them: highest tier first, then who waits longest.

    Args:
        view: ``mine`` (``name``'s), ``free`` (nobody's), ``resolved`` (newest first) or all.
    """
    query = select(Escalation, Conversation).join(
        Conversation, Conversation.id == Escalation.conversation_id
    )
    if view == "resolved":
        query = query.where(Escalation.status == RESOLVED).order_by(Escalation.resolved_at.desc())
    else:
        query = query.where(Escalation.status != RESOLVED).order_by(
            Escalation.tier.desc(), Escalation.clock_from, Escalation.id
        )
    if view == "mine":
        query = query.where((Escalation.assigned_to == name) | (Conversation.owned_by == name))
    if view == "free":
        query = query.where(Escalation.assigned_to.is_(None), Conversation.owned_by.is_(None))
    rows = session.execute(query.limit(LIMIT)).all()
    newest = _newest(session, [conversation.id for _, conversation in rows])
    return [
        Case(
            escalation,
            conversation,
            snippet(newest[conversation.id].text) if conversation.id in newest else "",
            newest[conversation.id].at if conversation.id in newest else None,
        )
        for escalation, conversation in rows
    ]


def counts(session: Session, name: str) -> dict[str, int]:
    """How many unresolved there are: all, mine, free, and red flags nobody has seen."""
    rows = session.execute(
        select(Escalation.tier, Escalation.status, Escalation.assigned_to, Conversation.owned_by)
        .join(Conversation, Conversation.id == Escalation.conversation_id)
        .where(Escalation.status != RESOLVED)
    ).all()
    return {
        "all": len(rows),
        "mine": sum(name in (row.assigned_to, row.owned_by) for row in rows),
        "free": sum(row.assigned_to is None and row.owned_by is None for row in rows),
        "red_flags": sum(row.tier >= 2 and row.status == "open" for row in rows),
    }


def fingerprint(session: Session) -> str:
    """Changes whenever the queue looks different; one cheap query over what is unresolved."""
    row = session.execute(
        select(func.count(), func.sum(Escalation.version), func.max(Escalation.id)).where(
            Escalation.status != RESOLVED
        )
    ).one()
    newest = session.scalar(select(func.max(Message.id)))
    return "-".join(str(part or 0) for part in (*row, newest))


def conversation_fingerprint(session: Session, conversation_id: str) -> str:
    """Changes whenever anything of one conversation does, an answer to a message included."""
    row = session.execute(
        select(
            func.max(Message.id),
            func.count(Message.outcome),
            func.count(Message.retry_at),
        ).where(Message.conversation_id == conversation_id)
    ).one()
    case = session.execute(
        select(func.sum(Escalation.version), func.count()).where(
            Escalation.conversation_id == conversation_id
        )
    ).one()
    sent = session.scalar(
        select(func.max(SmsOutbound.updated_at)).where(
            SmsOutbound.conversation_id == conversation_id
        )
    )
    owner = session.execute(
        select(Conversation.owner, Conversation.owned_by, Conversation.erased_at).where(
            Conversation.id == conversation_id
        )
    ).first()
    return "-".join(str(part) for part in (*row, *case, sent, *(owner or ())))


def waiting_red_flags(session: Session) -> list[int]:
    """Numbers of red flags that nobody has acknowledged, for sound and title."""
    return list(
        session.scalars(
            select(Escalation.id)
            .where(Escalation.status == "open", Escalation.tier >= 2)
            .order_by(Escalation.id)
        )
    )


def _newest(session: Session, conversation_ids: Sequence[str]) -> dict[str, Message]:
    """The patient's newest message of each conversation."""
    if not conversation_ids:
        return {}
    newest = (
        select(func.max(Message.id))
        .where(Message.conversation_id.in_(conversation_ids), Message.sender == "patient")
        .group_by(Message.conversation_id)
    )
    found = session.scalars(select(Message).where(Message.id.in_(newest)))
    return {message.conversation_id: message for message in found}
