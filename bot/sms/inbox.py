"""The inbox: text messages stored as they come in, and whose turn it is."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, exists, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from bot.conversations.transcript import start_conversation
from bot.db import insert_if_new
from bot.private_data import PrivateData
from bot.sms import consent
from bot.sms.models import SmsInbound, SmsNumber
from bot.sms.provider import InboundText

KEPT = timedelta(days=30)
"""How long the ids of finished messages are remembered, to know repeats."""


def is_repeat(session: Session, provider: str, provider_id: str) -> bool:
    """Whether this very message came before."""
    found = session.scalar(
        select(SmsInbound.id).where(
            SmsInbound.provider == provider, SmsInbound.provider_id == provider_id
        )
    )
    return found is not None


def number_of(session: Session, private: PrivateData, number: str) -> SmsNumber | None:
    """What is known of a number, if it has texted before and was not erased."""
    return session.scalar(select(SmsNumber).where(SmsNumber.number_hash == private.lookup(number)))


def store(
    session: Session,
    private: PrivateData,
    provider: str,
    inbound: InboundText,
    now: datetime,
    *,
    urgent: bool,
    over_limit: bool,
) -> SmsInbound | None:
    """Store a message before any work on it; begin a conversation for a new number.

    Returns:
        The row, or None when the same message was stored by somebody else meanwhile; the
        caller then rolls back.
    """
    number = _known_or_new(session, private, inbound.sender, now)
    row = SmsInbound(
        provider=provider,
        provider_id=inbound.provider_id,
        conversation_id=number.conversation_id,
        text=inbound.text,
        media_count=inbound.media_count,
        opt_out_type=inbound.opt_out_type,
        urgent=urgent,
        over_limit=over_limit,
        received_at=now,
    )
    return row if insert_if_new(session, row) else None


def _known_or_new(session: Session, private: PrivateData, number: str, now: datetime) -> SmsNumber:
    """The number's row, locked: messages of one sender are numbered in the order they commit."""
    number_hash = private.lookup(number)
    query = select(SmsNumber).where(SmsNumber.number_hash == number_hash).with_for_update()
    known = session.scalar(query)
    if known is not None:
        return known
    try:
        with session.begin_nested():
            conversation = start_conversation(session, "sms", now)
            session.add(
                SmsNumber(
                    number_hash=number_hash,
                    number=private.encrypt(number),
                    conversation_id=conversation.id,
                    created_at=now,
                )
            )
    except IntegrityError:
        pass  # another message of the same new number was faster
    else:
        # That the patient wrote first is what allows us to answer.
        consent.record(session, private, number_hash, "first_text", "patient", "", now)
    return session.scalars(query).one()


def earlier_waiting(session: Session, conversation_id: str, before_id: int | None) -> list[str]:
    """Words of a sender's messages that are not in the transcript yet, oldest first."""
    query = select(SmsInbound.text).where(
        SmsInbound.conversation_id == conversation_id, SmsInbound.done_at.is_(None)
    )
    if before_id is not None:
        query = query.where(SmsInbound.id < before_id)
    return list(session.scalars(query.order_by(SmsInbound.id)))


def next_due(session: Session, now: datetime, *, urgent: bool) -> int | None:
    """The row whose turn it is: the oldest of its sender; urgent ones wait for urgent ones only."""
    older = aliased(SmsInbound)
    waits = exists().where(
        and_(
            older.conversation_id == SmsInbound.conversation_id,
            older.done_at.is_(None),
            older.id < SmsInbound.id,
            older.urgent if urgent else true(),
        )
    )
    query = select(SmsInbound.id).where(
        SmsInbound.done_at.is_(None),
        or_(SmsInbound.claimed_until.is_(None), SmsInbound.claimed_until < now),
        ~waits,
    )
    if urgent:
        query = query.where(SmsInbound.urgent)
    return session.scalar(query.order_by(SmsInbound.urgent.desc(), SmsInbound.id).limit(1))


def claim(session: Session, row_id: int, now: datetime, lease: timedelta) -> SmsInbound | None:
    """Take a row, unless another process was faster. The claim ends by itself if we are killed."""
    taken = session.execute(
        update(SmsInbound)
        .where(
            SmsInbound.id == row_id,
            SmsInbound.done_at.is_(None),
            or_(SmsInbound.claimed_until.is_(None), SmsInbound.claimed_until < now),
        )
        .values(claimed_until=now + lease, attempts=SmsInbound.attempts + 1)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        return None
    return session.get(SmsInbound, row_id, populate_existing=True)


def done(session: Session, row_id: int, now: datetime) -> None:
    """The message is in the transcript with its outcome; the words are kept there alone."""
    session.execute(
        update(SmsInbound)
        .where(SmsInbound.id == row_id)
        .values(done_at=now, text="", claimed_until=None)
    )


def try_again(session: Session, row_id: int, at: datetime) -> None:
    """Let the row be claimed again from a time on."""
    session.execute(update(SmsInbound).where(SmsInbound.id == row_id).values(claimed_until=at))


def forget_old(session: Session, now: datetime) -> int:
    """Delete finished rows that nobody will repeat any more."""
    gone = session.execute(
        delete(SmsInbound).where(SmsInbound.done_at.is_not(None), SmsInbound.done_at < now - KEPT)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]
