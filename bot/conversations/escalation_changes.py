"""Single changes of an escalation, made under its lock. `escalations` puts them together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.conversations.escalation_log import record
from bot.conversations.escalation_states import next_status
from bot.conversations.models import Escalation, Notice
from bot.errors import IllegalTransition, StaleEscalation
from bot.messages import Tier


def check_version(escalation: Escalation, version: int | None) -> None:
    """Refuse who has seen another version than the present one; None sees any.

    Raises:
        StaleEscalation: It changed since; says who has it.
    """
    if version is not None and version != escalation.version:
        held_by = escalation.assigned_to or escalation.acknowledged_by
        raise StaleEscalation(escalation.id, escalation.status, held_by)


def step(escalation: Escalation, action: str) -> str:
    """Make the transition and return the state before it.

    Raises:
        IllegalTransition: The action does not start from this state.
    """
    before = escalation.status
    after = next_status(action, before)
    if after is None:
        raise IllegalTransition(escalation.id, action, before)
    escalation.status = after
    return before


def mark_acknowledged(session: Session, escalation: Escalation, by: str, now: datetime) -> None:
    """Note who has seen it first, and tell nobody more."""
    if escalation.acknowledged_at is not None:
        return
    before = step(escalation, "acknowledge")
    escalation.acknowledged_at = now
    escalation.acknowledged_by = by
    cancel_notices(session, escalation)
    changed(session, escalation, "acknowledged", by, now, from_status=before)


def raise_tier(
    session: Session,
    escalation: Escalation,
    tier: Tier,
    by: str,
    now: datetime,
    *,
    message_id: int | None = None,
    words: str | None = None,
) -> None:
    """Give it a higher tier, which has to be acknowledged anew."""
    before, from_tier = step(escalation, "raise"), escalation.tier
    escalation.tier = int(tier)
    restart(session, escalation, now)
    changed(
        session,
        escalation,
        "raised",
        by,
        now,
        message_id=message_id,
        words=words,
        from_status=before,
        from_tier=from_tier,
    )


def restart(session: Session, escalation: Escalation, now: datetime) -> None:
    """Start clocks and notifications anew."""
    cancel_notices(session, escalation)
    escalation.clock_from = now
    escalation.acknowledged_at = escalation.acknowledged_by = None
    escalation.first_reply_at = None
    escalation.notify_step = 0
    escalation.notify_at = now


def changed(
    session: Session,
    escalation: Escalation,
    kind: str,
    by: str,
    now: datetime,
    *,
    from_status: str | None = None,
    from_tier: int | None = None,
    message_id: int | None = None,
    words: str | None = None,
) -> None:
    """Log a change and give the escalation its next version."""
    escalation.version += 1
    record(
        session,
        escalation,
        kind,
        by,
        now,
        from_status=from_status,
        from_tier=from_tier,
        message_id=message_id,
        words=words,
    )


def cancel_notices(session: Session, escalation: Escalation) -> None:
    """Tell nobody more that it waits: what is due is cancelled, no further step is taken."""
    escalation.notify_at = None
    session.execute(
        update(Notice)
        .where(
            Notice.escalation_id == escalation.id,
            Notice.status == "due",
            Notice.kind == "escalation",
        )
        .values(status="cancelled")
    )
