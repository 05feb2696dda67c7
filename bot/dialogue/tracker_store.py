"""Rasa's SQL tracker store, reading a window instead of the whole session.

Lacking in the stock store: each turn loads, replays and counts every event of the
session, so long conversations crawl; and it keeps every parse and every reply whole,
which our own transcript has already.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.orm import Session

from bot.settings import load_settings

WINDOW_EVENTS = 48
"""How far back a turn looks for slots and forms: about eight turns, more than any form takes."""
RECENT_EVENTS = 8
"""How many of the newest events it loads whatever they are: the last turn."""
_STATE = frozenset(
    {"slot", "reset_slots", "active_loop", "loop_interrupted", "session_started", "restart"}
)
_KEPT_OF_PARSE = frozenset({"text", "intent", "entities", "message_id"})

_LOADED = "_clinic_loaded_events"


class ClinicTrackerStore(SQLTrackerStore):
    """`endpoints.yml` names this class."""

    def __init__(self, domain: Any = None, event_broker: Any = None, **_: Any) -> None:
        """Open the store at the address in our settings; Rasa passes the rest."""
        url = load_settings().rasa_database_url
        path = sa.engine.make_url(url).database
        if url.startswith("sqlite") and path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        super().__init__(domain, host=url, event_broker=event_broker)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _write_ahead)
            # Rasa has opened connections already, without it.
            self.engine.dispose()

    async def _retrieve(
        self, sender_id: str, fetch_events_from_all_sessions: bool
    ) -> DialogueStateTracker | None:
        with self.session_scope() as session:
            stored = self._stored_events(session, sender_id, fetch_events_from_all_sessions)
        if not self.domain or not stored:
            return None
        tracker = DialogueStateTracker.from_dict(sender_id, stored, self.domain.slots)
        setattr(tracker, _LOADED, len(tracker.events))
        return tracker

    def _stored_events(
        self, session: Session, sender_id: str, everything: bool
    ) -> list[dict[str, Any]]:
        newest = session.query(self.SQLEvent.data, self.SQLEvent.type_name).filter(
            self.SQLEvent.sender_id == sender_id
        )
        if everything:
            rows = newest.order_by(self.SQLEvent.id).all()
        else:
            rows = newest.order_by(self.SQLEvent.id.desc()).limit(WINDOW_EVENTS).all()[::-1]
            starts = [i for i, row in enumerate(rows) if row.type_name == "session_started"]
            # Rasa's rule: a tracker holds the latest session, from its action on.
            rows = rows[max(starts[-1] - 1, 0) :] if starts else rows
            older, recent = rows[:-RECENT_EVENTS], rows[-RECENT_EVENTS:]
            rows = [row for row in older if row.type_name in _STATE] + recent
        return [json.loads(row.data) for row in rows]

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Store the events since the tracker was loaded, in one statement."""
        await self.stream_events(tracker)
        new = itertools.islice(tracker.events, getattr(tracker, _LOADED, 0), None)
        rows = [self._row(tracker.sender_id, event.as_dict()) for event in new]
        setattr(tracker, _LOADED, len(tracker.events))
        if rows:
            with self.engine.begin() as connection:
                connection.execute(sa.insert(self.SQLEvent.__table__), rows)

    def _row(self, sender_id: str, event: dict[str, Any]) -> dict[str, Any]:
        if event["event"] == "user":
            parse = {k: v for k, v in event["parse_data"].items() if k in _KEPT_OF_PARSE}
            # What intake says of the turns before is in its own transcript.
            event = {**event, "parse_data": parse, "metadata": {}}
        elif event["event"] == "bot":
            event = {**event, "data": {}}
        return {
            "sender_id": sender_id,
            "type_name": event["event"],
            "timestamp": event.get("timestamp"),
            "intent_name": event.get("parse_data", {}).get("intent", {}).get("name"),
            "action_name": event.get("name"),
            "data": json.dumps(event),
        }


def _write_ahead(connection: Any, _record: object) -> None:
    """As for our own database: a commit no longer waits for the disk."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
