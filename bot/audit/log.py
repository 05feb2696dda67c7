"""Writing to the audit log and checking it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.audit.models import AuditEvent

MAX_DETAIL_CHARS = 120
"""Details are codes and counts. What is longer is somebody's words, which do not belong here."""

_FIRST_MAC = "0" * 64
_POSTGRES_LOCK = 0x41554449
"""Any number, the same in each process: appends to the chain wait for one another."""

Detail = str | int | bool | None


class Action(str, Enum):
    """What the log knows of. A past name stays, as rows name it."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_THROTTLED = "sign_in_throttled"
    SIGNED_OUT = "signed_out"
    PASSWORD_SET = "password_set"  # noqa: S105 - the name of an event
    CODES_SET_UP = "codes_set_up"
    CODES_REMOVED = "codes_removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"
    SESSION_ENDED = "session_ended"
    STAFF_ADDED = "staff_added"
    STAFF_ROLE_CHANGED = "staff_role_changed"
    STAFF_DISABLED = "staff_disabled"
    STAFF_ENABLED = "staff_enabled"
    LINK_MADE = "link_made"
    AUDIT_READ = "audit_read"
    AUDIT_HEAD_KEPT = "audit_head_kept"
    CONVERSATION_VIEWED = "conversation_viewed"
    CONVERSATION_TAKEN = "conversation_taken"
    CONVERSATION_GIVEN_BACK = "conversation_given_back"
    CONVERSATION_HELD = "conversation_held"
    CONVERSATION_RELEASED = "conversation_released"
    PERSON_SOUGHT = "person_sought"
    PERSON_ERASED = "person_erased"
    REPLY_SENT = "reply_sent"
    NOTE_ADDED = "note_added"
    ESCALATION_ACKNOWLEDGED = "escalation_acknowledged"
    ESCALATION_ASSIGNED = "escalation_assigned"
    ESCALATION_TIER_CHANGED = "escalation_tier_changed"
    ESCALATION_RESOLVED = "escalation_resolved"
    ESCALATION_REOPENED = "escalation_reopened"
    TRANSCRIPTS_EXPORTED = "transcripts_exported"
    CONVERSATION_TEST_MADE = "conversation_test_made"
    MESSAGE_REVIEWED = "message_reviewed"
    MESSAGE_FLAGGED = "message_flagged"
    MISSED_CLOSED = "missed_closed"
    ANSWER_SAVED = "answer_saved"
    ANSWER_SUBMITTED = "answer_submitted"
    ANSWER_SENT_BACK = "answer_sent_back"
    ANSWER_PUBLISHED = "answer_published"
    ANSWER_RETIRED = "answer_retired"
    ANSWER_ROLLED_BACK = "answer_rolled_back"
    SWITCHED_OFF = "switched_off"
    SWITCHED_ON = "switched_on"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a member of staff, or ``Actor(None, "command line")``."""

    member_id: int | None
    name: str
    address: str = ""


COMMAND_LINE = Actor(None, "command line")
WORKER = Actor(None, "worker")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row: its number (0 for an empty log) and its mac."""

    number: int
    mac: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the whole chain found; ``problem`` is None when it is whole."""

    head: Head
    problem: str | None


class AuditLog:
    """The chain under one key. Holds no connection; it writes in the caller's transaction."""

    def __init__(self, secret: str) -> None:
        """Keep `AUDIT_SECRET`, without which nobody can extend or forge the chain."""
        self._key = secret.encode()

    def record(
        self,
        session: Session,
        action: Action,
        actor: Actor,
        now: datetime,
        object_kind: str = "",
        object_id: str | int = "",
        details: Mapping[str, Detail] | None = None,
    ) -> AuditEvent:
        """Append one row. It stands or falls with the caller's transaction.

        Args:
            object_kind: What kind of thing: ``conversation``, ``escalation``, ``staff`` …
            details: Codes and counts; never words of a patient.

        Raises:
            ValueError: A detail is too long to be a code.
        """
        for name, value in (details or {}).items():
            if isinstance(value, str) and len(value) > MAX_DETAIL_CHARS:
                raise ValueError(f"the audit detail {name!r} is too long to be a code")
        head = self.head(session, lock=True)
        event = AuditEvent(
            number=head.number + 1,
            at=now.astimezone(UTC),
            actor_id=actor.member_id,
            actor=actor.name,
            action=action.value,
            object_kind=object_kind,
            object_id=str(object_id),
            address=actor.address[:64],
            details=dict(details or {}),
        )
        event.mac = self._mac(head.mac, event)
        session.add(event)
        session.flush()
        return event

    def head(self, session: Session, lock: bool = False) -> Head:
        """The newest row. Stored elsewhere, it also proves that none was cut off the end.

        Args:
            lock: Let other writers wait until this transaction ends. On SQLite a writing
                transaction is alone from its beginning.
        """
        if lock and session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _POSTGRES_LOCK})
        row = session.execute(
            select(AuditEvent.number, AuditEvent.mac).order_by(AuditEvent.number.desc()).limit(1)
        ).first()
        return Head(row.number, row.mac) if row else Head(0, _FIRST_MAC)

    def verify(self, session: Session, *anchors: Head) -> Verdict:
        """Recompute the chain from its first row.

        Args:
            anchors: Heads stored elsewhere earlier; each must still be part of the chain.
        """
        head = Head(0, _FIRST_MAC)
        wanted: dict[int, set[str]] = {}
        for anchor in anchors:
            wanted.setdefault(anchor.number, set()).add(anchor.mac)
        wanted.pop(0, None)
        rows = session.scalars(
            select(AuditEvent).order_by(AuditEvent.number).execution_options(yield_per=1000)
        )
        for event in rows:
            if event.number != head.number + 1:
                return Verdict(head, f"row {head.number + 1} is missing")
            if not hmac.compare_digest(event.mac, self._mac(head.mac, event)):
                return Verdict(head, f"row {event.number} was changed, or one before it replaced")
            head = Head(event.number, event.mac)
            session.expunge(event)
            if wanted.pop(event.number, {event.mac}) != {event.mac}:
                return Verdict(head, f"row {event.number} is not the one stored elsewhere")
        if wanted:
            return Verdict(head, f"the log ends at row {head.number}, before the stored head")
        return Verdict(head, None)

    def _mac(self, before: str, event: AuditEvent) -> str:
        canonical = json.dumps(
            [
                before,
                event.number,
                event.at.astimezone(UTC).isoformat(timespec="microseconds"),
                event.actor_id,
                event.actor,
                event.action,
                event.object_kind,
                event.object_id,
                event.address,
                event.details,
            ],
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
        )
        return hmac.new(self._key, canonical.encode(), hashlib.sha256).hexdigest()
