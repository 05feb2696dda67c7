"""Wakes open event streams: one query a round for all of them, none while there are none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from bot.conversations.models import Conversation, Message
from bot.db import Database

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
"""How often the open conversations are looked at: about the delay of what staff write."""
MOST_IDS = 500
"""Conversations in one query; databases limit the parameters."""

Mark = tuple[int, int | None, datetime | None, str, str | None]
"""What changes when an open chat must hear of something: number and last id of its messages,
the end of its session, who answers. The number is there because on PostgreSQL a message may
become visible after one with a higher id."""


class LiveUpdates:
    """One per process. For the event loop's thread alone, but its query, which runs in another."""

    def __init__(self, database: Database) -> None:
        """Nothing runs until somebody watches."""
        self._database = database
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._marks: dict[str, Mark] = {}
        self._rounds: asyncio.Task[None] | None = None

    @contextmanager
    def watching(self, conversation_id: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the conversation changed.

        Clear it before reading, so that no change falls between. It may be set once
        without a change.
        """
        changed = asyncio.Event()
        self._watchers.setdefault(conversation_id, set()).add(changed)
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.get_running_loop().create_task(self._go_round())
        try:
            yield changed
        finally:
            watchers = self._watchers[conversation_id]
            watchers.discard(changed)
            if not watchers:
                del self._watchers[conversation_id]
                self._marks.pop(conversation_id, None)

    async def _go_round(self) -> None:
        while self._watchers:
            try:
                found = await asyncio.to_thread(self._look, list(self._watchers))
            except SQLAlchemyError as error:  # the next round may find the database again
                logger.warning("live updates: %s", type(error).__name__)
            else:
                self._wake(found)
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self, conversation_ids: Sequence[str]) -> dict[str, Mark]:
        found: dict[str, Mark] = {}
        with self._database.reading() as session:
            for start in range(0, len(conversation_ids), MOST_IDS):
                rows = session.execute(
                    select(
                        Conversation.id,
                        func.count(Message.id),
                        func.max(Message.id),
                        Conversation.session_expires_at,
                        Conversation.owner,
                        Conversation.owned_by,
                    )
                    .outerjoin(Message, Message.conversation_id == Conversation.id)
                    .where(Conversation.id.in_(conversation_ids[start : start + MOST_IDS]))
                    .group_by(Conversation.id)
                )
                found |= {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in rows}
        return found

    def _wake(self, found: dict[str, Mark]) -> None:
        for conversation_id, mark in found.items():
            watchers = self._watchers.get(conversation_id)
            if watchers and self._marks.get(conversation_id) != mark:
                self._marks[conversation_id] = mark
                for changed in watchers:
                    changed.set()
