"""What a patient's phone shows: their own texts and ours, in the order they came."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations.models import Message
from bot.private_data import PrivateData
from bot.sms.inbox import number_of
from bot.sms.models import SmsInbound, SmsOutbound

SHOWN = ("sent", "delivered")


def thread_of(session: Session, private: PrivateData, number: str) -> list[dict[str, Any]]:
    """The messages of a number since its conversation began; empty for an unknown one."""
    known = number_of(session, private, number)
    if known is None:
        return []
    conversation_id = known.conversation_id
    said = select(Message.at, Message.text, Message.id).where(
        Message.conversation_id == conversation_id, Message.sender == "patient"
    )
    waiting = select(SmsInbound.received_at, SmsInbound.text, SmsInbound.id).where(
        SmsInbound.conversation_id == conversation_id, SmsInbound.done_at.is_(None)
    )
    sent = select(SmsOutbound).where(
        SmsOutbound.conversation_id == conversation_id, SmsOutbound.status.in_(SHOWN)
    )
    mine = [
        {"id": f"p{row_id}", "from": "patient", "at": at, "text": text}
        for at, text, row_id in session.execute(said)
    ]
    known_texts = {(each["at"], each["text"]) for each in mine}
    mine += [
        {"id": f"w{row_id}", "from": "patient", "at": at, "text": text}
        for at, text, row_id in session.execute(waiting)
        if (at, text) not in known_texts
    ]
    ours = [
        {"id": f"c{row.id}", "from": "clinic", "at": row.updated_at, "text": row.body,
         "parts": row.part_count}
        for row in session.scalars(sent)
    ]  # fmt: skip
    thread = sorted([*mine, *ours], key=lambda each: each["at"])
    return [{**each, "at": each["at"].isoformat()} for each in thread]
