"""Server-sent events: what an open chat hears without asking."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from bot.app_state import AppState
from bot.channels import chat_json
from bot.conversations.models import Conversation

PING_S = 15.0
"""A comment line this often keeps proxies from closing a quiet stream, and finds dead ones."""
OVERLAP = 20
"""Sent messages that each reading goes back to, for those that became visible late."""


async def stream(
    state: AppState,
    conversation_id: str,
    after: str | None,
    is_gone: Callable[[], Any],
) -> AsyncIterator[str]:
    """The conversation from after one message on, until the session or the app ends.

    Args:
        state: The app's parts.
        conversation_id: Whose messages.
        after: Public id of the last message the browser has, or None.
        is_gone: Asked, and awaited, whether the browser has left.
    """
    reader = _Reader(state, conversation_id, after)
    with state.live.watching(conversation_id) as changed:
        while not state.closing.is_set():
            changed.clear()
            while due := await asyncio.to_thread(reader.read):
                for name, message_id, data in due:
                    id_line = f"id: {message_id}\n" if message_id else ""
                    yield f"{id_line}event: {name}\ndata: {json.dumps(data)}\n\n"
                if reader.ended:
                    return
            try:
                await asyncio.wait_for(changed.wait(), PING_S)
            except TimeoutError:
                if await is_gone():
                    return
                yield ": still here\n\n"


class _Reader:
    """Reads what is new to one stream. Its `read` runs in a thread, never twice at once."""

    def __init__(self, state: AppState, conversation_id: str, after: str | None) -> None:
        self._state = state
        self._conversation_id = conversation_id
        self._after = after
        self._sent: deque[str] = deque(maxlen=OVERLAP)
        self._answering = chat_json.BOT
        self.ended = False

    def read(self) -> list[tuple[str, str, Any]]:
        """Name, id and data of the events that are due; call it until there are none."""
        with self._state.database.reading() as session:
            conversation = session.get(Conversation, self._conversation_id)
            until = conversation.session_expires_at if conversation else None
            if conversation is None or until is None or until <= self._state.clock():
                self.ended = True
                return [("ended", "", {})]
            back_to = self._sent[0] if len(self._sent) == OVERLAP else self._after
            messages = chat_json.history(session, self._conversation_id, back_to)
            answering = chat_json.answering(conversation)
        found: list[tuple[str, str, Any]] = []
        for message in messages:
            if message["id"] not in self._sent:
                self._sent.append(message["id"])
                found.append(("message", message["id"], message))
        if answering != self._answering:
            self._answering = answering
            found.append(("answering", "", answering))
        return found
