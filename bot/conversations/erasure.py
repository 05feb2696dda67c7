"""Erasing a conversation everywhere, and the legal hold that stops it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.conversations import contacts, transcript
from bot.conversations.models import Conversation
from bot.db import Database
from bot.dialogue.rasa_events import RasaEvents
from bot.errors import ConversationNotFound
from bot.private_data import PrivateData
from bot.sms.models import SmsNumber


def erase_conversation(
    database: Database,
    rasa_events: RasaEvents,
    conversation_id: str,
    reason: str,
    now: datetime,
) -> bool:
    """Erase a conversation's words in our tables and in Rasa's; a record stays that it was done.

    A conversation on hold keeps its words, but its session ends and the wish is kept: the
    worker erases it once the hold is released. Rasa's events go first: if that fails,
    nothing else happened and the erasure can be asked for again.

    Args:
        reason: ``patient``, ``staff`` or ``retention``.

    Returns:
        Whether it was erased now.

    Raises:
        ConversationNotFound: There is none with this id.
    """
    with database.transaction() as session:
        conversation = _locked(session, conversation_id)
        if conversation.held_at is not None:
            conversation.erase_wanted = reason
            conversation.session_hash = None
            conversation.session_expires_at = None
            return False
        # Under the lock, so that nobody puts it on hold between the two databases.
        rasa_events.erase(conversation_id)
        if conversation.erased_at is None:
            transcript.erase(session, conversation_id, reason, now)
        conversation.erase_wanted = None
    return True


def conversations_of(session: Session, private: PrivateData, phone: str) -> list[Conversation]:
    """Everything that is kept of a telephone number (E.164): the conversation it texts in, and
    those in which it was left for a call back.

    Raises:
        PrivateDataUnreadable: No key in `DATA_KEYS` fits a number that was left.
    """
    texting = session.scalars(
        select(SmsNumber.conversation_id).where(SmsNumber.number_hash == private.lookup(phone))
    )
    ids = [*texting, *contacts.conversations_with(session, private, phone)]
    found = [session.get_one(Conversation, name) for name in dict.fromkeys(ids)]
    return [conversation for conversation in found if conversation.erased_at is None]


def hold(session: Session, conversation_id: str, by: str, now: datetime) -> None:
    """Keep a conversation from retention and erasure until it is released.

    Raises:
        ConversationNotFound: There is none with this id, or it was erased already.
    """
    conversation = _locked(session, conversation_id)
    if conversation.erased_at is not None:
        raise ConversationNotFound(conversation_id)
    if conversation.held_at is None:
        conversation.held_at = now
        conversation.held_by = by


def release(session: Session, conversation_id: str) -> None:
    """End a hold. An erasure that was asked for meanwhile follows with the next purge.

    Raises:
        ConversationNotFound: There is none with this id.
    """
    conversation = _locked(session, conversation_id)
    conversation.held_at = None
    conversation.held_by = None


def due(session: Session, before: datetime) -> list[tuple[str, str]]:
    """Conversations to erase, each with the reason: past retention, or asked for on hold."""
    rows = session.execute(
        select(Conversation.id, Conversation.erase_wanted)
        .where(
            Conversation.erased_at.is_(None),
            Conversation.held_at.is_(None),
            or_(Conversation.last_message_at < before, Conversation.erase_wanted.is_not(None)),
        )
        .order_by(Conversation.last_message_at)
    )
    return [(row.id, row.erase_wanted or "retention") for row in rows]


def _locked(session: Session, conversation_id: str) -> Conversation:
    found = session.get(Conversation, conversation_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise ConversationNotFound(conversation_id)
    return found
