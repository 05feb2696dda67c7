"""The other end of the conversation: what the database holds, and what staff put there."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from bot.conversations.models import Message
from bot.db import utc_now
from tests.browser.chat_page import Shown
from tests.conftest import Product


def stored(product: Product, shown: Shown) -> Message:
    """The database's row of a message on the page."""
    with product.database.reading() as session:
        return session.scalars(select(Message).where(Message.public_id == shown.id)).one()


def staff_says(product: Product, conversation_id: str, text: str, name: str = "Maya") -> None:
    """Store what a member of staff answers, as the staff console stores it."""
    with product.database.transaction() as session:
        session.add(
            Message(
                public_id=uuid.uuid4().hex[:24],
                conversation_id=conversation_id,
                sender="staff",
                text=text,
                at=utc_now(),
                staff_name=name,
            )
        )
