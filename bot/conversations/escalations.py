"""Escalations: handing a message to staff, and what staff do with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.conversations.models import Escalation, EscalationMessage
from bot.errors import EscalationNotFound
from bot.messages import Tier


def open_or_add(
    session: Session,
    *,
    conversation_id: str,
    message_id: int,
    tier: Tier,
    reason: str,
    rule_ids: Sequence[str],
    now: datetime,
) -> Escalation:
    """Hand one message to staff: open the conversation's escalation, or add to it.

    Idempotent per message. The tier of an open escalation only rises. A worse sign
    reopens the clock of acknowledgement, so that staff are told again.

    Args:
        reason: Why, as a short code: ``red_flag``, ``symptom``, ``candidacy`` …
    """
    escalation = unresolved(session, conversation_id)
    if escalation is None:
        escalation = _open(session, conversation_id, tier, reason, now)
    if tier > escalation.tier:
        escalation.tier = int(tier)
        escalation.reason = reason
        escalation.status = "open"
        escalation.acknowledged_at = None
        escalation.acknowledged_by = None
    escalation.rule_ids = sorted({*escalation.rule_ids, *rule_ids})
    link = session.get(EscalationMessage, (escalation.id, message_id))
    if link is None:
        session.add(
            EscalationMessage(
                escalation_id=escalation.id, message_id=message_id, tier=int(tier), added_at=now
            )
        )
    else:
        link.tier = max(link.tier, int(tier))
    session.flush()
    return escalation


def unresolved(session: Session, conversation_id: str) -> Escalation | None:
    """The conversation's escalation that staff have not resolved yet, if any."""
    return session.scalar(
        select(Escalation).where(
            Escalation.conversation_id == conversation_id, Escalation.status != "resolved"
        )
    )


def told_before(session: Session, escalation: Escalation, message_id: int) -> bool:
    """Whether the patient already got the full wording for the escalation's tier."""
    earlier = session.scalar(
        select(EscalationMessage.message_id)
        .where(
            EscalationMessage.escalation_id == escalation.id,
            EscalationMessage.message_id < message_id,
            EscalationMessage.tier >= escalation.tier,
        )
        .limit(1)
    )
    return earlier is not None


def waiting(session: Session, include_resolved: bool = False) -> list[Escalation]:
    """Escalations as staff should take them: highest tier first, then oldest."""
    query = select(Escalation).order_by(Escalation.tier.desc(), Escalation.opened_at)
    if not include_resolved:
        query = query.where(Escalation.status != "resolved")
    return list(session.scalars(query))


def acknowledge(session: Session, escalation_id: int, by: str, now: datetime) -> Escalation:
    """Note that a member of staff has seen it. A second acknowledgement changes nothing.

    Raises:
        EscalationNotFound: No unresolved escalation has this number.
    """
    escalation = _worked_on(session, escalation_id)
    if escalation.acknowledged_at is None:
        escalation.acknowledged_at = now
        escalation.acknowledged_by = by
        escalation.status = "acknowledged"
    return escalation


def resolve(
    session: Session, escalation_id: int, by: str, resolution: str, now: datetime
) -> Escalation:
    """Close it; the assistant answers that conversation again.

    Raises:
        EscalationNotFound: No unresolved escalation has this number.
    """
    escalation = acknowledge(session, escalation_id, by, now)
    escalation.status = "resolved"
    escalation.resolved_at = now
    escalation.resolved_by = by
    escalation.resolution = resolution
    return escalation


def _open(
    session: Session, conversation_id: str, tier: Tier, reason: str, now: datetime
) -> Escalation:
    escalation = Escalation(
        conversation_id=conversation_id,
        tier=int(tier),
        status="open",
        reason=reason,
        rule_ids=[],
        opened_at=now,
    )
    try:
        with session.begin_nested():
            session.add(escalation)
    except IntegrityError:
        # Another process opened it between our look and our insert.
        existing = unresolved(session, conversation_id)
        if existing is None:
            raise
        return existing
    return escalation


def _worked_on(session: Session, escalation_id: int) -> Escalation:
    escalation = session.get(Escalation, escalation_id)
    if escalation is None or escalation.status == "resolved":
        raise EscalationNotFound(escalation_id)
    return escalation
