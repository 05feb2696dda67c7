"""Handover: a person takes a conversation over from the assistant, and gives it back.

While staff own a conversation nothing of it goes to Rasa; `intake` sees to that. Every
conversation that staff own has an unresolved escalation, so none can be forgotten: it
stays in the queue until it was given back and resolved.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.conversations import transcript
from bot.conversations.escalation_changes import changed
from bot.conversations.escalations import begin_work, open_for_staff, unresolved
from bot.conversations.models import Conversation, Escalation, Message
from bot.errors import ConversationNotFound, HeldByAnother, InvalidInbound, NotTakenOver
from bot.messages import Language
from bot.replies.texts import ReplyTexts

MAX_STAFF_CHARS: Final = 2000
"""Longest message of staff, in characters."""
MAX_NAME_CHARS: Final = 60
"""Longest name that patients are shown."""


def take_over(
    session: Session,
    conversation_id: str,
    staff: str,
    now: datetime,
    *,
    texts: ReplyTexts,
    taking_from: str | None = None,
) -> Escalation:
    """Give the conversation to a person; the patient is told who joined.

    Its escalation is acknowledged, in progress and theirs; one is opened if there is
    none. Taking over what one has changes nothing.

    Args:
        staff: The name patients see.
        taking_from: The colleague it is taken from, who must still be the one who has it.

    Raises:
        ConversationNotFound: It does not exist or was erased.
        HeldByAnother: Somebody else owns it or it is assigned to somebody else.
        InvalidInbound: The name is empty or too long.
    """
    person = _name(staff)
    conversation = _locked(session, conversation_id)
    escalation = unresolved(session, conversation_id, lock=True)
    if conversation.owner == "staff" and conversation.owned_by == person and escalation:
        return escalation
    holder = conversation.owned_by or (escalation.assigned_to if escalation else None)
    if holder not in (None, person, taking_from):
        raise HeldByAnother(conversation_id, holder)
    if escalation is None:
        escalation = open_for_staff(session, conversation_id, person, now)
    before = escalation.status
    begin_work(session, escalation, person, now)
    conversation.owner = "staff"
    conversation.owned_by = person
    conversation.owned_since = now
    message = _tell_patient(session, conversation, texts, "staff_joined", person, now)
    changed(
        session, escalation, "taken_over", person, now, message_id=message.id, from_status=before
    )
    return escalation


def give_back(
    session: Session, conversation_id: str, staff: str, now: datetime, *, texts: ReplyTexts
) -> Escalation | None:
    """Give the conversation back to the assistant; the patient is told.

    The escalation stays as it is, for staff to resolve. Giving back what the assistant
    has changes nothing.

    Returns:
        The conversation's unresolved escalation.

    Raises:
        ConversationNotFound: It does not exist or was erased.
        HeldByAnother: Somebody else owns it: they give it back, or it is taken over first.
        InvalidInbound: The name is empty or too long.
    """
    person = _name(staff)
    conversation = _locked(session, conversation_id)
    escalation = unresolved(session, conversation_id, lock=True)
    if conversation.owner != "staff":
        return escalation
    if conversation.owned_by not in (None, person):
        raise HeldByAnother(conversation_id, conversation.owned_by)
    conversation.owner = "bot"
    conversation.owned_by = conversation.owned_since = None
    message = _tell_patient(session, conversation, texts, "staff_left", person, now)
    if escalation is not None:
        changed(session, escalation, "given_back", person, now, message_id=message.id)
    return escalation


def say(session: Session, conversation_id: str, staff: str, text: str, now: datetime) -> Message:
    """Say something to the patient as a person.

    Raises:
        ConversationNotFound: It does not exist or was erased.
        NotTakenOver: The assistant owns it.
        HeldByAnother: Somebody else owns it.
        InvalidInbound: The text is empty or longer than `MAX_STAFF_CHARS`.
    """
    person = _name(staff)
    words = text.strip()
    if not words:
        raise InvalidInbound("The message is empty.", field="text")
    if len(words) > MAX_STAFF_CHARS:
        raise InvalidInbound(
            f"The message is longer than {MAX_STAFF_CHARS} characters.", field="text"
        )
    conversation = _locked(session, conversation_id)
    if conversation.owner != "staff":
        raise NotTakenOver(conversation_id)
    if conversation.owned_by not in (None, person):
        raise HeldByAnother(conversation_id, conversation.owned_by)
    message = transcript.store_outbound(session, conversation, "staff", words, now, person)
    escalation = unresolved(session, conversation_id, lock=True)
    if escalation is not None:
        before = escalation.status
        begin_work(session, escalation, person, now)
        escalation.first_reply_at = escalation.first_reply_at or now
        changed(
            session, escalation, "replied", person, now, message_id=message.id, from_status=before
        )
    return message


def last_language(session: Session, conversation_id: str) -> Language:
    """The language of the patient's last message; English before the first."""
    triage = session.scalar(
        select(Message.triage)
        .where(Message.conversation_id == conversation_id, Message.sender == "patient")
        .order_by(Message.id.desc())
        .limit(1)
    )
    return "es" if (triage or {}).get("language") == "es" else "en"


def _locked(session: Session, conversation_id: str) -> Conversation:
    conversation = session.get(
        Conversation, conversation_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if conversation is None or conversation.erased_at is not None:
        raise ConversationNotFound(conversation_id)
    return conversation


def _name(staff: str) -> str:
    stripped = staff.strip()
    if not stripped or len(stripped) > MAX_NAME_CHARS:
        raise InvalidInbound(
            f"A name of at most {MAX_NAME_CHARS} characters is needed.", field="staff"
        )
    return stripped


def _tell_patient(
    session: Session,
    conversation: Conversation,
    texts: ReplyTexts,
    name: str,
    staff: str,
    now: datetime,
) -> Message:
    suffix = "_es" if last_language(session, conversation.id) == "es" else ""
    text = texts.with_name(name + suffix, staff)
    return transcript.store_outbound(session, conversation, "system", text, now, staff)
