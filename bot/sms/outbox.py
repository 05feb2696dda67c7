"""The outbox: what is to be sent, queued in the transaction that stored what it says."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, aliased

from bot.conversations.models import Message
from bot.messages import Language
from bot.replies.segments import part_count, to_gsm7
from bot.replies.text_message import Frame, Said, TextMessage, compose, next_piece
from bot.replies.texts import ReplyTexts
from bot.sms import consent
from bot.sms.models import SmsNumber, SmsOutbound
from bot.sms.provider import StatusReport

TurnKind = Literal["reply", "more", "keyword", "confirmation"]
"""A turn of the assistant, the rest of one, the answer to HELP or START, the confirmation of
an opt-out."""
WordsKind = Literal["staff", "proactive"]
"""Words of a person, or something that we start ourselves."""

ALLOWED_WHEN_OPTED_OUT: Final = frozenset({"confirmation", "keyword"})
"""The one confirmation, and the answer to a patient who texts HELP or START."""
RANK: Final = {"queued": 0, "sending": 0, "sent": 1, "delivered": 2, "undelivered": 2, "failed": 2}
"""A status only moves to a higher rank; those not listed are final."""
LONGEST: Final = 1500
"""Characters of one message; the provider takes 1,600."""


def deliver(
    session: Session,
    texts: ReplyTexts,
    conversation_id: str,
    messages: Sequence[Message],
    now: datetime,
    *,
    kind: TurnKind = "reply",
    urgent: bool = False,
    ahead: bool = False,
    language: Language = "en",
) -> None:
    """Queue one turn of the assistant as one text message, if its conversation is on SMS.

    To be called in the transaction that stored the turn: a reply that is stored is then
    sent, and sent once.

    Args:
        messages: The stored replies.
        urgent: Emergency and urgent wording, which is never shortened.
        ahead: An emergency: sent before what waits for this number.
    """
    if not messages:
        return
    number = session.scalar(
        select(SmsNumber).where(SmsNumber.conversation_id == conversation_id).with_for_update()
    )
    if number is None:
        return
    if kind == "reply":
        composed = _turn(texts, number, messages, urgent, language)
        bodies, number.rest = [composed.body], composed.rest
    elif kind == "more":
        composed = next_piece(number.rest, texts.in_language("sms_more", language))
        bodies, number.rest = [composed.body], composed.rest
    else:
        bodies = _in_full("\n".join(message.text for message in messages))
    suppressed = kind not in ALLOWED_WHEN_OPTED_OUT and consent.is_suppressed(
        session, number.number_hash
    )
    if number.noticed_at is None and kind == "reply" and not suppressed:
        number.noticed_at = now
    for body in bodies:
        queue(
            session, conversation_id, messages[0].id, body, now,
            kind=kind, ahead=ahead, status="suppressed" if suppressed else "queued",
        )  # fmt: skip


def deliver_words(
    session: Session,
    message: Message,
    now: datetime,
    kind: WordsKind = "staff",
) -> None:
    """Queue words of a person or of the system, if their conversation is on SMS.

    They are sent in full, a person's with their name. Called like `deliver`.

    Args:
        kind: ``proactive`` for what we start ourselves: it waits for the end of quiet hours.
    """
    number = session.scalar(
        select(SmsNumber).where(SmsNumber.conversation_id == message.conversation_id)
    )
    if number is None:
        return
    said_by = f"{message.staff_name}: " if message.sender == "staff" and message.staff_name else ""
    suppressed = consent.is_suppressed(session, number.number_hash)
    for body in _in_full(said_by + message.text):
        queue(
            session, message.conversation_id, message.id, body, now,
            kind=kind, status="suppressed" if suppressed else "queued",
        )  # fmt: skip


def queue(
    session: Session,
    conversation_id: str,
    message_id: int | None,
    body: str,
    now: datetime,
    *,
    kind: TurnKind | WordsKind,
    ahead: bool = False,
    status: str = "queued",
) -> SmsOutbound | None:
    """Add one text message to the outbox; a blank one is none."""
    if not body.strip():
        return None
    row = SmsOutbound(
        conversation_id=conversation_id,
        message_id=message_id,
        kind=kind,
        ahead=ahead,
        body=body,
        part_count=part_count(body),
        created_at=now,
        not_before=now,
        status=status,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _turn(
    texts: ReplyTexts,
    number: SmsNumber,
    messages: Sequence[Message],
    urgent: bool,
    language: Language,
) -> TextMessage:
    """One turn of the assistant; remembers its choices as those on offer."""
    offer = {b["id"]: b for message in messages for b in message.buttons or ()}
    number.offer = list(offer.values()) or None
    said = [
        Said(m.sms_text or m.text, m.text if m.answer_id is not None and m.sms_text else "")
        for m in messages
    ]
    frame = Frame(
        notice="" if number.noticed_at else texts.in_language("sms_notice", language),
        choices=[b["title"] for b in offer.values()],
        one_choice=texts.in_language("sms_one_choice", language),
        many_choices=texts.in_language("sms_many_choices", language),
        more=texts.in_language("sms_more", language),
    )
    return compose(said, frame, urgent=urgent)


def _in_full(text: str) -> list[str]:
    """Words as they are; only what no provider carries in one message is divided."""
    plain = to_gsm7(text)
    if len(plain) <= LONGEST:
        return [plain]
    return textwrap.wrap(plain, LONGEST, replace_whitespace=False)


def next_due(
    session: Session, now: datetime, *, quiet: bool, lock: bool = True
) -> SmsOutbound | None:
    """The next row to send: of each number the oldest, emergencies ahead of all.

    Args:
        quiet: Whether it is a time at which we start nothing.
        lock: To take it; False only to look.
    """
    older = aliased(SmsOutbound)
    waits = exists().where(
        and_(
            older.conversation_id == SmsOutbound.conversation_id,
            older.status.in_(("queued", "sending")),
            older.kind != "proactive",
            older.id < SmsOutbound.id,
            # An emergency waits only for one that is being sent at this moment.
            or_(~SmsOutbound.ahead, and_(older.ahead, older.claimed_until > now)),
        )
    )
    query = select(SmsOutbound).where(
        SmsOutbound.status.in_(("queued", "sending")),
        SmsOutbound.not_before <= now,
        or_(SmsOutbound.claimed_until.is_(None), SmsOutbound.claimed_until < now),
        ~waits,
    )
    if quiet:
        query = query.where(SmsOutbound.kind != "proactive")
    query = query.order_by(SmsOutbound.ahead.desc(), SmsOutbound.id).limit(1)
    if lock:
        query = query.with_for_update(skip_locked=True, of=SmsOutbound)
    return session.scalar(query)


def begin(row: SmsOutbound, now: datetime, lease: timedelta) -> None:
    """Note that the provider is about to be called. If we are killed now, this note remains."""
    row.status = "sending"
    row.started_at = row.started_at or now
    row.claimed_until = now + lease
    row.attempts += 1
    row.updated_at = now


def accepted(row: SmsOutbound, provider_id: str, status: str, now: datetime) -> None:
    """The provider took it. A report that overtook us may already have said more."""
    row.provider_id = row.provider_id or provider_id
    row.claimed_until = None
    row.started_at = None
    move(row, status, None, now)


def put_back(row: SmsOutbound, at: datetime, *, unknown: bool, code: int | None) -> None:
    """Try again from a time on; ``unknown`` if it may have been taken all the same."""
    row.error_code = code
    row.not_before = at
    row.claimed_until = None
    if not unknown:
        row.status = "queued"
        row.started_at = None


def give_up(row: SmsOutbound, status: str, code: int | None, now: datetime) -> None:
    """It will not be sent: ``failed``, ``suppressed`` or ``cancelled``."""
    row.status = status
    row.error_code = code
    row.claimed_until = None
    row.started_at = None
    row.updated_at = now


def move(row: SmsOutbound, status: str, code: int | None, now: datetime) -> bool:
    """Take a delivery status over, if it is further on than what is known."""
    if status not in RANK or RANK.get(row.status, 9) >= RANK[status]:
        return False
    row.status = status
    row.error_code = code if code is not None else row.error_code
    row.updated_at = now
    return True


def apply_report(session: Session, report: StatusReport, now: datetime) -> SmsOutbound | None:
    """Take a delivery report over; also the proof that an uncertain message was taken.

    Returns:
        The row that it speaks of, or None when there is none.
    """
    query = select(SmsOutbound).with_for_update()
    row = session.scalar(query.where(SmsOutbound.provider_id == report.provider_id))
    if row is None and report.outbound_id is not None:
        row = session.scalar(query.where(SmsOutbound.id == report.outbound_id))
        if row is not None and row.provider_id not in (None, report.provider_id):
            return None  # a second message for the same row: the caller says so loudly
    if row is None:
        return None
    if row.provider_id is None:
        accepted(row, report.provider_id, "sent", now)
    move(row, report.status, report.error_code, now)
    return row


def known_ids(session: Session, provider_ids: Sequence[str]) -> set[str]:
    """Which of the provider's ids belong to rows of ours already."""
    found = session.scalars(
        select(SmsOutbound.provider_id).where(SmsOutbound.provider_id.in_(provider_ids))
    )
    return {provider_id for provider_id in found if provider_id}
