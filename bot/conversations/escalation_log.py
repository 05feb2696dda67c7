"""The log of an escalation: who did what when. Rows are only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.escalation_states import KINDS
from bot.conversations.models import Escalation, EscalationEvent
from bot.messages import Tier

ASSISTANT: Final = "assistant"
"""Who did what no person did."""


def record(
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
) -> EscalationEvent:
    """Add one row; the state and tier it led to are read from the escalation.

    Args:
        kind: One of `KINDS`.
        from_status: The state before; None when it did not change.
        from_tier: The tier before; None when it did not change.
        words: Staff's words. Never a patient's.
    """
    if kind not in KINDS:
        raise ValueError(f"no such kind of event: {kind}")
    event = EscalationEvent(
        escalation_id=escalation.id,
        at=now,
        by=by,
        kind=kind,
        from_status=from_status,
        to_status=escalation.status,
        from_tier=from_tier,
        to_tier=escalation.tier,
        message_id=message_id,
        words=words,
    )
    session.add(event)
    session.flush()
    return event


def events(session: Session, escalation_id: int) -> list[EscalationEvent]:
    """Everything that happened to one escalation, oldest first."""
    return list(
        session.scalars(
            select(EscalationEvent)
            .where(EscalationEvent.escalation_id == escalation_id)
            .order_by(EscalationEvent.id)
        )
    )


def in_words(event: EscalationEvent) -> str:
    """One event as a line for staff, without its time."""
    tier = Tier(event.to_tier).name.lower()
    said = f": {event.words}" if event.words else ""
    match event.kind:
        case "opened":
            return f"opened as {tier} by {event.by}"
        case "added":
            return "the patient wrote again"
        case "raised" | "lowered":
            before = Tier(event.from_tier or 0).name.lower()
            return f"{event.kind} from {before} to {tier} by {event.by}{said}"
        case "assigned":
            return f"assigned by {event.by} to {event.words or 'nobody'}"
        case "note":
            return f"note by {event.by}{said}"
        case "notified":
            return f"told {event.words}"
        case kind:
            return f"{kind.replace('_', ' ')} by {event.by}{said}"
