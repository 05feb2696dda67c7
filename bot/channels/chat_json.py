"""What the widget API says: stored messages in the shapes of the contract."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from bot.conversations import transcript
from bot.conversations.models import Conversation, Message
from bot.messages import Button, Language
from bot.replies.texts import ReplyTexts

BOT: dict[str, str | None] = {"owner": "bot", "staff_name": None}
"""What `answering` says while the assistant answers; a browser takes it for granted."""


def opening(texts: ReplyTexts, language: Language) -> dict[str, Any]:
    """What a patient reads before the first message.

    In Spanish the first choices are left out: they lead to answers in English.
    """
    if language == "es":
        choices = (texts.person_button("es"),)
        return _opening(texts["notice_es"], texts["greeting_es"], choices)
    return _opening(texts["notice"], texts["greeting"], texts.quick_replies)


def _opening(notice: str, greeting: str, choices: tuple[Button, ...]) -> dict[str, Any]:
    return {
        "notice": notice,
        "greeting": greeting,
        "quick_replies": [{"id": choice.id, "title": choice.title} for choice in choices],
    }


def history(session: Session, conversation_id: str, after: str | None) -> list[dict[str, Any]]:
    """The messages after one, in order, as history and event streams show them."""
    urgent = transcript.urgent_message_ids(session, conversation_id)
    return [
        {
            **reply(message),
            # The outcome is not in the history, but an emergency must stand out there too.
            "urgent": message.sender == "assistant" and message.in_reply_to in urgent,
            "sender": message.sender,
            "at": message.at.isoformat(),
            "staff_name": message.staff_name,
            "client_message_id": message.client_message_id,
        }
        for message in transcript.history(session, conversation_id, after)
    ]


def reply(message: Message) -> dict[str, Any]:
    """One stored message in the shape of the contract."""
    answer = None
    if message.answer_id is not None:
        answer = {
            "id": message.answer_id,
            "title": message.answer_title,
            "version": message.answer_version,
            "reviewed_on": message.answer_reviewed_on,
        }
    return {
        "id": message.public_id,
        "text": message.text,
        "buttons": message.buttons or [],
        "answer": answer,
    }


def answering(conversation: Conversation) -> dict[str, str | None]:
    """Who answers now: ``bot``, or ``staff`` and the name that patients see, if any."""
    return {"owner": conversation.owner, "staff_name": conversation.owned_by}
