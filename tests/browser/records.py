"""The other end of the conversation: what the database holds, and what staff put there."""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import select

from bot.app_state import DATA
from bot.clinic import load_clinic
from bot.conversations.handover import give_back, say, take_over
from bot.conversations.models import Message
from bot.db import utc_now
from bot.replies.texts import ReplyTexts, load_reply_texts
from tests.browser.chat_page import Shown
from tests.conftest import Product


def stored(product: Product, shown: Shown) -> Message:
    """The database's row of a message on the page."""
    with product.database.reading() as session:
        return session.scalars(select(Message).where(Message.public_id == shown.id)).one()


STAFF = "Maya"


def staff_joins(product: Product, conversation_id: str) -> None:
    """A member of staff takes the conversation over, as in the console."""
    with product.database.transaction() as session:
        take_over(session, conversation_id, STAFF, utc_now(), texts=reply_texts())


def staff_says(product: Product, conversation_id: str, text: str) -> None:
    """Staff answer; they take the conversation over first, if they have not."""
    staff_joins(product, conversation_id)
    with product.database.transaction() as session:
        say(session, conversation_id, STAFF, text, utc_now())


def staff_leaves(product: Product, conversation_id: str) -> None:
    """Staff give the conversation back to the assistant."""
    with product.database.transaction() as session:
        give_back(session, conversation_id, STAFF, utc_now(), texts=reply_texts())


@lru_cache
def reply_texts() -> ReplyTexts:
    clinic = load_clinic(DATA / "clinic.yml")
    return load_reply_texts(DATA / "replies.yml", clinic.placeholders())
