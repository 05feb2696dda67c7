"""What the SMS line forgets when a conversation is erased."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from bot.sms.models import SmsInbound, SmsNumber, SmsOutbound


def forget(session: Session, conversation_id: str, now: datetime) -> None:
    """Erase the words and the way back to the number; what still waits is not sent.

    The consent ledger and the suppression stay: the law asks for them. They know the
    number by its hash alone.
    """
    own = SmsOutbound.conversation_id == conversation_id
    session.execute(
        update(SmsOutbound)
        .where(own, SmsOutbound.status.in_(("queued", "sending")))
        .values(status="cancelled", updated_at=now)
    )
    session.execute(update(SmsOutbound).where(own).values(body=""))
    session.execute(
        update(SmsInbound)
        .where(SmsInbound.conversation_id == conversation_id)
        .values(text="", done_at=now)
    )
    session.execute(delete(SmsNumber).where(SmsNumber.conversation_id == conversation_id))
