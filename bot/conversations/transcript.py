"""The transcript: storing what was said and reading it back."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from sqlalchemy import bindparam, delete, func, or_, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.conversations.models import (
    Contact,
    Conversation,
    Erasure,
    Escalation,
    EscalationEvent,
    EscalationMessage,
    Feedback,
    Message,
)
from bot.db import insert_if_new
from bot.messages import ChannelName, InboundMessage, Outcome, Reply, Verdict
from bot.review.models import Review
from bot.sms.erasure import forget
from bot.sms.outbox import deliver_words

ERASED_TEXT = "[erased]"

NETS_DISAGREE = "nets_disagree"
"""`Message.review_reason` where one net saw an urgent sign and another did not."""

URGENT_OUTCOMES = frozenset({Outcome.ESCALATED_URGENT, Outcome.ESCALATED_EMERGENCY})
"""A reply to a message that ended so tells the patient to act now."""

# What every message asks, built once: building a query takes longer than running it.
_OF_SESSION = select(Conversation).where(Conversation.session_hash == bindparam("session_hash"))
_LOCKED = (
    select(Conversation)
    .where(Conversation.id == bindparam("conversation_id"))
    .with_for_update(key_share=True)
)
_LAST_MESSAGE = (
    update(Conversation)
    .where(Conversation.id == bindparam("conversation_id"))
    .values(last_message_at=bindparam("at"))
    .execution_options(synchronize_session=False)
)
_REPEAT = select(Message).where(
    Message.conversation_id == bindparam("conversation_id"),
    Message.client_message_id == bindparam("client_message_id"),
)
_RESOLVED_AT = (
    select(func.max(Escalation.resolved_at))
    .where(
        Escalation.conversation_id == bindparam("conversation_id"), Escalation.status == "resolved"
    )
    .scalar_subquery()
)
_SINCE_RESOLVED = or_(_RESOLVED_AT.is_(None), Message.at > _RESOLVED_AT)
_RECENT_TEXTS = (
    select(Message.text)
    .where(
        Message.conversation_id == bindparam("conversation_id"),
        Message.sender == "patient",
        _SINCE_RESOLVED,
    )
    .order_by(Message.id.desc())
    .limit(bindparam("limit"))
)
_TURNS_BEFORE = (
    select(
        *(Message.id, Message.text, Message.at, Message.tier, Message.outcome),
        *(Message.understood, _SINCE_RESOLVED.label("since_resolved")),
    )
    .where(
        Message.conversation_id == bindparam("conversation_id"),
        Message.sender == "patient",
        Message.id < bindparam("message_id"),
    )
    .order_by(Message.id.desc())
    .limit(bindparam("limit"))
)
_QUEUED_BEFORE = (
    select(Message)
    .where(
        Message.conversation_id == bindparam("conversation_id"),
        Message.outcome == Outcome.QUEUED.value,
        Message.id < bindparam("message_id"),
    )
    .order_by(Message.id)
)


class EarlierTurn(NamedTuple):
    """What a later message may lean on of one patient message.

    ``since_resolved`` is False for what staff have dealt with: see `recent_patient_texts`.
    """

    id: int
    text: str
    at: datetime
    tier: int
    outcome: str | None
    understood: dict[str, Any] | None
    since_resolved: bool


def start_conversation(
    session: Session,
    channel: ChannelName,
    now: datetime,
    *,
    session_token: str | None = None,
    lifetime: timedelta | None = None,
    conversation_id: str | None = None,
) -> Conversation:
    """Begin a conversation; ``session_token`` is the web cookie, of which only a hash is kept."""
    conversation = Conversation(
        id=conversation_id or secrets.token_urlsafe(18),
        channel=channel,
        created_at=now,
        last_message_at=now,
        owner="bot",
        session_hash=hash_token(session_token) if session_token else None,
        session_expires_at=now + lifetime if lifetime else None,
    )
    session.add(conversation)
    session.flush()
    return conversation


def ensure_conversation(
    session: Session, conversation_id: str, channel: ChannelName, now: datetime
) -> Conversation:
    """Return the conversation, starting it when it is new (a Rasa shell, for instance)."""
    found = session.get(Conversation, conversation_id)
    if found is None:
        found = start_conversation(session, channel, now, conversation_id=conversation_id)
    return found


def conversation_of_session(session: Session, token: str, now: datetime) -> Conversation | None:
    """The conversation a web cookie opens, or None when it is unknown, expired or erased."""
    conversation = session.scalar(_OF_SESSION, {"session_hash": hash_token(token)})
    if conversation is None or conversation.session_expires_at is None:
        return None
    return conversation if conversation.session_expires_at > now else None


def lock_conversation(session: Session, conversation_id: str) -> Conversation:
    """The conversation under the lock that `take_over` needs: that is either before us or after."""
    return session.scalars(_LOCKED, {"conversation_id": conversation_id}).one()


def hash_token(token: str) -> str:
    """What the database keeps of a session token: it cannot be turned back into a cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


def find_repeat(session: Session, inbound: InboundMessage) -> Message | None:
    """The message already stored under this client id, if this one is a repeat."""
    return session.scalar(
        _REPEAT,
        {
            "conversation_id": inbound.conversation_id,
            "client_message_id": inbound.client_message_id,
        },
    )


def store_inbound(
    session: Session, inbound: InboundMessage, text: str, verdict: Verdict
) -> Message | None:
    """Store a patient's message with its verdict, before any work on it.

    A `Conversation` that the session has loaded before does not learn of its new
    ``last_message_at``.

    Returns:
        The stored row, or None when another request stored the same client id first.
    """
    message = Message(
        public_id=new_public_id(),
        conversation_id=inbound.conversation_id,
        sender="patient",
        text=text,
        at=inbound.received_at,
        client_message_id=inbound.client_message_id,
        button_id=inbound.button_id,
        media_count=inbound.media_count,
        tier=int(verdict.tier),
        triage=verdict_record(verdict),
        review_reason=NETS_DISAGREE if verdict.nets_disagree else None,
    )
    try:
        if not insert_if_new(session, message):
            return None
    except IntegrityError:  # the conversation was erased meanwhile
        return None
    session.execute(
        _LAST_MESSAGE, {"conversation_id": inbound.conversation_id, "at": inbound.received_at}
    )
    return message


def store_replies(
    session: Session, message: Message, replies: Sequence[Reply], now: datetime
) -> list[Message]:
    """Store what the patient was told, in order, and return the stored rows."""
    rows = [
        Message(
            public_id=wording_id(message, number) if reply.wording else new_public_id(),
            conversation_id=message.conversation_id,
            sender="assistant",
            text=reply.text,
            sms_text=reply.sms,
            at=now,
            in_reply_to=message.id,
            triage={"wording": reply.wording} if reply.wording else None,
            buttons=[{"id": b.id, "title": b.title} for b in reply.buttons],
            answer_id=reply.answer.id if reply.answer else None,
            answer_version=reply.answer.version if reply.answer else None,
            answer_title=reply.answer.title if reply.answer else None,
            answer_reviewed_on=reply.answer.reviewed_on if reply.answer else None,
        )
        for number, reply in enumerate(replies)
    ]
    session.add_all(rows)
    session.flush()  # ids ascend in the order of adding, which is that of reading
    return rows


def store_outbound(
    session: Session,
    conversation: Conversation,
    sender: Literal["staff", "system"],
    text: str,
    now: datetime,
    staff_name: str | None = None,
) -> Message:
    """Store what the patient is told otherwise than in reply to a message.

    On SMS it is queued for sending in the same transaction.
    """
    row = Message(
        public_id=new_public_id(),
        conversation_id=conversation.id,
        sender=sender,
        text=text,
        at=now,
        staff_name=staff_name,
    )
    session.add(row)
    session.flush()
    conversation.last_message_at = max(conversation.last_message_at, now)
    deliver_words(session, row, now)
    return row


def replies_to(session: Session, message_id: int) -> list[Message]:
    """What was said in reply to one message, in order."""
    return list(
        session.scalars(
            select(Message).where(Message.in_reply_to == message_id).order_by(Message.id)
        )
    )


def wordings_said(session: Session, escalation: Escalation) -> list[str]:
    """The approved wordings the patient read since the escalation was opened, in order."""
    kept = session.scalars(
        select(Message.triage)
        .join(EscalationMessage, EscalationMessage.message_id == Message.in_reply_to)
        .where(EscalationMessage.escalation_id == escalation.id)
        .order_by(Message.id)
    )
    return [str(triage["wording"]) for triage in kept if triage and "wording" in triage]


def recent_patient_texts(session: Session, conversation_id: str, limit: int) -> list[str]:
    """The patient's last messages so far, oldest first.

    What staff have resolved is done with: nothing from before it is context any more, or
    the assistant would escalate the next harmless question for the old sign's sake.
    """
    newest = session.scalars(
        _RECENT_TEXTS, {"conversation_id": conversation_id, "limit": limit}
    ).all()
    return list(reversed(newest))


def turns_before(session: Session, message: Message, limit: int) -> list[EarlierTurn]:
    """The patient's last messages before one message, newest first."""
    values = {
        "conversation_id": message.conversation_id,
        "message_id": message.id,
        "limit": limit,
    }
    return [EarlierTurn(*row) for row in session.execute(_TURNS_BEFORE, values)]


def outcome_before(session: Session, message: Message) -> str | None:
    """How the patient's message before this one ended."""
    return session.scalar(
        select(Message.outcome)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.sender == "patient",
            Message.id < message.id,
        )
        .order_by(Message.id.desc())
        .limit(1)
    )


def queued_before(session: Session, message: Message) -> list[Message]:
    """Earlier messages of the conversation that still wait for the dialogue, oldest first."""
    return list(
        session.scalars(
            _QUEUED_BEFORE,
            {"conversation_id": message.conversation_id, "message_id": message.id},
        )
    )


def history(
    session: Session, conversation_id: str, after: str | None, limit: int = 500
) -> list[Message]:
    """Messages of a conversation in order, after the one with public id ``after``."""
    query = select(Message).where(Message.conversation_id == conversation_id)
    if after:
        marker = session.scalar(
            select(Message.id).where(
                Message.conversation_id == conversation_id, Message.public_id == after
            )
        )
        if marker is not None:
            query = query.where(Message.id > marker)
    return list(session.scalars(query.order_by(Message.id).limit(limit)))


def urgent_message_ids(session: Session, conversation_id: str) -> set[int]:
    """Ids of a conversation's messages that ended as urgent or as an emergency."""
    return set(
        session.scalars(
            select(Message.id).where(
                Message.conversation_id == conversation_id,
                Message.outcome.in_(sorted(outcome.value for outcome in URGENT_OUTCOMES)),
            )
        )
    )


def find_message(session: Session, conversation_id: str, public_id: str) -> Message | None:
    """One message of a conversation by its public id."""
    return session.scalar(
        select(Message).where(
            Message.conversation_id == conversation_id, Message.public_id == public_id
        )
    )


def offered_button(session: Session, conversation_id: str, button_id: str) -> str | None:
    """The title of a button the assistant offered in this conversation, or None.

    Only what was offered may be pressed; a made-up id is refused by intake.
    """
    offers = session.scalars(
        select(Message.buttons)
        .where(Message.conversation_id == conversation_id, Message.sender != "patient")
        .order_by(Message.id.desc())
        .limit(20)
    )
    for buttons in offers:
        for button in buttons or ():
            if button["id"] == button_id:
                return button["title"]
    return None


def due_for_retry(session: Session, now: datetime, limit: int = 20) -> list[Message]:
    """Queued messages whose next try is due, longest due first."""
    return list(
        session.scalars(
            select(Message)
            .where(Message.retry_at <= now)
            .order_by(Message.retry_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def save_feedback(
    session: Session, message: Message, helpful: bool, comment: str | None, now: datetime
) -> None:
    """Keep a patient's thumb; the last one counts."""
    session.merge(Feedback(message_id=message.id, helpful=helpful, comment=comment, at=now))


def erase(session: Session, conversation_id: str, reason: str, now: datetime) -> int:
    """Erase a transcript's words and close its session; say how many messages there were.

    Rows stay with their outcomes, so that counts remain true; escalations stay without
    the words that staff wrote and without contact details. The record of the erasure names
    no patient.
    """
    # Locked first, as everywhere, so that nobody takes it over or answers meanwhile.
    conversation = session.get_one(
        Conversation, conversation_id, with_for_update={"key_share": True}
    )
    session.execute(
        delete(Feedback).where(
            Feedback.message_id.in_(
                select(Message.id).where(Message.conversation_id == conversation_id)
            )
        )
    )
    messages = select(Message.id).where(Message.conversation_id == conversation_id)
    session.execute(
        update(Review)
        .where(Review.message_id.in_(messages), Review.note.is_not(None))
        .values(note=ERASED_TEXT)
    )
    rows = session.scalars(select(Message).where(Message.conversation_id == conversation_id)).all()
    for row in rows:
        row.text = ERASED_TEXT
        row.sms_text = None
        row.client_message_id = None
        row.understood = None
        row.triage = None
        row.buttons = None
        row.retry_at = None
    cases = select(Escalation.id).where(Escalation.conversation_id == conversation_id)
    session.execute(
        update(EscalationEvent)
        .where(EscalationEvent.escalation_id.in_(cases), EscalationEvent.words.is_not(None))
        .values(words=ERASED_TEXT)
    )
    session.execute(
        update(Escalation)
        .where(Escalation.conversation_id == conversation_id, Escalation.resolution.is_not(None))
        .values(resolution=ERASED_TEXT)
    )
    forget(session, conversation_id, now)
    session.execute(delete(Contact).where(Contact.escalation_id.in_(cases)))
    # Nobody can answer any more, and the escalation must be resolvable.
    conversation.owner = "bot"
    conversation.owned_by = conversation.owned_since = None
    conversation.session_hash = None
    conversation.session_expires_at = None
    conversation.erased_at = now
    session.add(
        Erasure(
            conversation_id=conversation_id,
            erased_at=now,
            reason=reason,
            message_count=len(rows),
        )
    )
    return len(rows)


def unfinished_since(session: Session, before: datetime, limit: int = 20) -> list[Message]:
    """Patient messages stored before ``before`` that no outcome was recorded for.

    A process that was killed in mid-message leaves one; the worker takes it up.
    """
    return list(
        session.scalars(
            select(Message)
            .where(
                # In the words of the index that holds them, which SQLite compares.
                text("outcome IS NULL AND sender = 'patient'"),
                Message.at < before,
                # One that a worker has claimed comes back as due for retry.
                Message.retry_at.is_(None),
            )
            .order_by(Message.at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def verdict_record(verdict: Verdict) -> dict[str, object]:
    """A verdict as it is kept with the message."""
    return {
        "tier": verdict.tier.name.lower(),
        "nets": list(verdict.nets),
        "rule_ids": list(verdict.rule_ids),
        "spans": [[s.start, s.end, s.rule_id] for s in verdict.spans],
        "language": verdict.language,
        "by_net": {net: tier.name.lower() for net, tier in verdict.by_net},
    }


def new_public_id() -> str:
    """A random id for a message, as clients see it."""
    return secrets.token_hex(12)


def wording_id(message: Message, number: int) -> str:
    """The public id of an approved wording in reply to a message, known before it is stored.

    When the database fails in between, a patient may read the wording first and we store
    it later; under one id the chat shows it once.
    """
    return hashlib.sha256(f"{message.public_id}:{number}".encode()).hexdigest()[:24]


def finish(message: Message, outcome: Outcome, latency_ms: float) -> None:
    """Record how a message ended. A message ends once; a queued one may end again."""
    message.outcome = outcome.value
    message.latency_ms = latency_ms
    message.retry_at = None
