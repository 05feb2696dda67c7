"""What Rasa keeps of conversations, for erasing it. Rasa itself has no way to forget."""

from __future__ import annotations

import sqlalchemy as sa

from bot.db import open_engine

_EVENTS = sa.table("events", sa.column("sender_id"))


class RasaEvents:
    """Rasa's `events` table, in its own database."""

    def __init__(self, url: str) -> None:
        """Prepare; the table may not exist before Rasa first runs."""
        self._engine = open_engine(url)

    def erase(self, conversation_id: str) -> int:
        """Delete all that Rasa stored of a conversation; how many events there were."""
        if not sa.inspect(self._engine).has_table("events"):
            return 0
        with self._engine.begin() as connection:
            gone = connection.execute(
                sa.delete(_EVENTS).where(_EVENTS.c.sender_id == conversation_id)
            )
            return gone.rowcount

    def close(self) -> None:
        """Close connections."""
        self._engine.dispose()
