"""Escalations as text for the terminal."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import Escalation, EscalationMessage, Message
from bot.messages import Tier


def describe(
    session: Session, escalation: Escalation, zone: ZoneInfo, now: datetime, words: bool
) -> str:
    """One escalation: tier, age, state, rules; with ``words`` what the patient wrote."""
    age_min = int((now - escalation.opened_at).total_seconds() // 60)
    opened = escalation.opened_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    lines = [
        f"#{escalation.id}  {Tier(escalation.tier).name:<9}  {escalation.status:<12}  "
        f"opened {opened} ({age_min} min ago)  {escalation.reason}  "
        f"{', '.join(escalation.rule_ids)}"
    ]
    if words:
        messages = session.scalars(
            select(Message)
            .join(EscalationMessage, EscalationMessage.message_id == Message.id)
            .where(EscalationMessage.escalation_id == escalation.id)
            .order_by(Message.id)
        )
        for message in messages:
            at = message.at.astimezone(zone).strftime("%H:%M")
            lines.append(f"      {at}  {' '.join(message.text.split())}")
    return "\n".join(lines)
