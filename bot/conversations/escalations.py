"""Escalations: handing a message to staff, and what staff do with it.

The states are in `escalation_states`; here every change is checked against them, made
under the row's lock and written to the log. Functions that staff call take ``version``:
the escalation's version that the caller last saw. When another person changed it since,
nothing is changed and the caller learns who has it. None means: whatever it is now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session

from bot.conversations.escalation_changes import (
    changed,
    check_version,
    mark_acknowledged,
    raise_tier,
    restart,
    step,
)
from bot.conversations.escalation_log import ASSISTANT, record
from bot.conversations.escalation_states import (
    OPEN,
    OUTCOMES,
    RESOLVED,
    next_status,
)
from bot.conversations.models import (
    Conversation,
    Escalation,
    EscalationEvent,
    EscalationMessage,
    Message,
)
from bot.db import insert_if_new
from bot.errors import EscalationNotFound, IllegalTransition, InvalidInbound
from bot.messages import Tier

UNATTENDED = timedelta(minutes=10)
"""So long after a person last did something about it a further sign counts as unseen."""
MAX_WORDS = 4000
"""Longest note, reason or resolution, in characters."""

# What every message asks, built once: building a query takes longer than running it.
_STANDING = (
    select(Conversation.channel, Conversation.owner, Escalation.tier)
    .outerjoin(
        Escalation,
        and_(Escalation.conversation_id == Conversation.id, Escalation.status != RESOLVED),
    )
    .where(Conversation.id == bindparam("conversation_id"))
)
_LOCKED_MESSAGE = (
    select(Message, Escalation.tier)
    .outerjoin(
        Escalation,
        and_(Escalation.conversation_id == Message.conversation_id, Escalation.status != RESOLVED),
    )
    .where(Message.id == bindparam("message_id"))
    .with_for_update(of=Message)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Who answers a conversation, and whether only with approved wordings: see `held`."""

    channel: str
    owner: str
    held: bool


def open_or_add(
    session: Session,
    *,
    conversation_id: str,
    message_id: int,
    tier: Tier,
    reason: str,
    rule_ids: Sequence[str],
    now: datetime,
) -> Escalation:
    """Hand one message to staff: open the conversation's escalation, or add to it.

    Idempotent per message. The tier of an open escalation only rises. A worse sign
    starts its clocks and its notifications anew, so that staff are told again; so does
    one as serious, once nobody has done anything about the escalation for `UNATTENDED`.

    Args:
        reason: Why, as a short code: ``red_flag``, ``symptom``, ``candidacy`` …
    """
    escalation = unresolved(session, conversation_id, lock=True)
    opened = False
    if escalation is None:
        escalation, opened = _open(session, conversation_id, tier, reason, now, rule_ids)
    key = (escalation.id, message_id)
    link = None if opened else session.get(EscalationMessage, key)
    again = link is None and not opened and _unattended(session, escalation, tier, now)
    if link is None:
        session.add(
            EscalationMessage(
                escalation_id=escalation.id, message_id=message_id, tier=int(tier), added_at=now
            )
        )
        record(
            session,
            escalation,
            "opened" if opened else "added",
            ASSISTANT,
            now,
            message_id=message_id,
        )
        if tier >= Tier.URGENT and not opened:
            escalation.version += 1  # who resolves must have seen it
    else:
        link.tier = max(link.tier, int(tier))
    if tier > escalation.tier or again:
        escalation.reason = reason
        raise_tier(session, escalation, tier, ASSISTANT, now, message_id=message_id)
    escalation.rule_ids = sorted({*escalation.rule_ids, *rule_ids})
    session.flush()
    return escalation


def open_for_staff(session: Session, conversation_id: str, by: str, now: datetime) -> Escalation:
    """Open one because staff step into a conversation; nobody needs to be told of it."""
    escalation, opened = _open(session, conversation_id, Tier.ROUTINE, "taken_over", now)
    if opened:
        escalation.notify_at = None
        record(session, escalation, "opened", by, now)
    return escalation


def find(session: Session, escalation_id: int, *, lock: bool = False) -> Escalation:
    """The escalation of this number; with ``lock`` nobody else can change it meanwhile.

    Raises:
        EscalationNotFound: There is none.
    """
    found = session.get(
        Escalation,
        escalation_id,
        with_for_update=True if lock else None,
        populate_existing=lock,
    )
    if found is None:
        raise EscalationNotFound(escalation_id)
    return found


def unresolved(session: Session, conversation_id: str, *, lock: bool = False) -> Escalation | None:
    """The conversation's escalation that staff have not resolved yet, if any."""
    query = select(Escalation).where(
        Escalation.conversation_id == conversation_id, Escalation.status != RESOLVED
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalar(query)


def held(owner: str, tier: int | None) -> bool:
    """Whether an escalation that staff have not resolved forbids clinical answers.

    Args:
        owner: Who answers the conversation; staff may say what they think right.
        tier: Of the conversation's unresolved escalation; None: there is none.
    """
    return owner == "bot" and tier is not None and tier >= Tier.URGENT


def standing_of(session: Session, conversation_id: str) -> Standing:
    """How a conversation stands now."""
    row = session.execute(_STANDING, {"conversation_id": conversation_id}).one()
    return Standing(row.channel, row.owner, held(row.owner, row.tier))


def lock_message(session: Session, message_id: int) -> tuple[Message, int | None]:
    """A message under its lock, and the tier of its conversation's unresolved escalation."""
    message, tier = session.execute(_LOCKED_MESSAGE, {"message_id": message_id}).one()
    return message, tier


def messages_of(session: Session, escalation_id: int) -> list[Message]:
    """The patient's messages that belong to an escalation, oldest first."""
    return list(
        session.scalars(
            select(Message)
            .join(EscalationMessage, EscalationMessage.message_id == Message.id)
            .where(EscalationMessage.escalation_id == escalation_id)
            .order_by(Message.id)
        )
    )


def waiting(session: Session, include_resolved: bool = False) -> list[Escalation]:
    """Escalations as staff should take them: highest tier first, then oldest."""
    query = select(Escalation).order_by(Escalation.tier.desc(), Escalation.opened_at)
    if not include_resolved:
        query = query.where(Escalation.status != RESOLVED)
    return list(session.scalars(query))


def acknowledge(
    session: Session, escalation_id: int, by: str, now: datetime, *, version: int | None = None
) -> Escalation:
    """Note that a member of staff has seen it; what is still due to be told is cancelled.

    A second acknowledgement changes nothing.

    Raises:
        EscalationNotFound: There is none.
        IllegalTransition: It is resolved.
        StaleEscalation: Somebody changed it since ``version``.
    """
    escalation = _to_work_on(session, escalation_id, "acknowledge", version)
    mark_acknowledged(session, escalation, _person(by), now)
    return escalation


def assign(
    session: Session,
    escalation_id: int,
    to: str | None,
    by: str,
    now: datetime,
    *,
    version: int | None = None,
) -> Escalation:
    """Say whose it is; None: nobody's. Who takes it has seen it.

    Raises:
        As `acknowledge`.
    """
    escalation = _to_work_on(session, escalation_id, "assign", version)
    person, assignee = _person(by), _person(to, "to") if to is not None else None
    if assignee == person:
        mark_acknowledged(session, escalation, person, now)
    if escalation.assigned_to != assignee:
        escalation.assigned_to = assignee
        changed(session, escalation, "assigned", person, now, words=assignee)
    return escalation


def note(session: Session, escalation_id: int, by: str, words: str, now: datetime) -> Escalation:
    """Add an internal note; patients never see it. Possible in every state.

    Raises:
        EscalationNotFound: There is none.
        InvalidInbound: The note is empty or too long.
    """
    escalation = find(session, escalation_id, lock=True)
    record(session, escalation, "note", _person(by), now, words=_words(words, "note"))
    return escalation


def change_tier(
    session: Session,
    escalation_id: int,
    tier: Tier,
    by: str,
    reason: str,
    now: datetime,
    *,
    version: int | None = None,
) -> Escalation:
    """Raise or lower the tier, as staff judge it; the reason is kept.

    Raised, it has to be acknowledged anew and staff are told again. Lowered, it counts
    as seen. The same tier changes nothing.

    Raises:
        As `acknowledge`; InvalidInbound: there is no reason, or the tier is NONE.
    """
    person, why = _person(by), _words(reason, "reason")
    if tier < Tier.ROUTINE:
        raise InvalidInbound("An escalation has a tier; resolve it instead.", field="tier")
    action = "lower" if tier < find(session, escalation_id, lock=True).tier else "raise"
    escalation = _to_work_on(session, escalation_id, action, version)
    if tier > escalation.tier:
        raise_tier(session, escalation, tier, person, now, words=why)
    elif tier < escalation.tier:
        before = escalation.tier
        escalation.tier = int(tier)
        mark_acknowledged(session, escalation, person, now)
        changed(session, escalation, "lowered", person, now, words=why, from_tier=before)
    return escalation


def resolve(
    session: Session,
    escalation_id: int,
    by: str,
    outcome: str,
    words: str,
    now: datetime,
    *,
    version: int | None = None,
) -> Escalation:
    """Close it; the assistant answers that conversation again.

    Args:
        outcome: One of `OUTCOMES`; ``other`` needs a note.
        words: What was done; may be empty.

    Raises:
        As `acknowledge`; IllegalTransition also while staff own the conversation: it has
        to be given back first, which tells the patient. InvalidInbound: no such outcome.
    """
    if outcome not in OUTCOMES:
        raise InvalidInbound(f"The outcome must be one of: {', '.join(OUTCOMES)}.", field="outcome")
    person = _person(by)
    said = _words(words, "note") if words.strip() or outcome == "other" else None
    escalation = find(session, escalation_id, lock=True)
    check_version(escalation, version)
    if escalation.status == OPEN:
        mark_acknowledged(session, escalation, person, now)
    before = step(escalation, "resolve")
    conversation = session.get_one(Conversation, escalation.conversation_id)
    session.refresh(conversation)
    if conversation.owner == "staff":
        escalation.status = before
        raise IllegalTransition(
            escalation.id,
            "resolve",
            before,
            f"{conversation.owned_by} still has the conversation; give it back first",
        )
    escalation.resolved_at = now
    escalation.resolved_by = person
    escalation.outcome = outcome
    escalation.resolution = said
    logged = f"{outcome}: {said}" if said else outcome
    changed(session, escalation, "resolved", person, now, words=logged, from_status=before)
    return escalation


def reopen(
    session: Session,
    escalation_id: int,
    by: str,
    reason: str,
    now: datetime,
    *,
    version: int | None = None,
) -> Escalation:
    """Take a resolved one up again; its clocks and notifications start anew.

    Raises:
        As `acknowledge`; IllegalTransition also when the conversation has another
        unresolved escalation: that one is the place to go on.
    """
    person, why = _person(by), _words(reason, "reason")
    escalation = find(session, escalation_id, lock=True)
    check_version(escalation, version)
    other = unresolved(session, escalation.conversation_id)
    if other is not None and other.id != escalation.id:
        raise IllegalTransition(
            escalation.id, "reopen", escalation.status, f"escalation {other.id} is open instead"
        )
    before = step(escalation, "reopen")
    escalation.resolved_at = escalation.resolved_by = None
    escalation.outcome = escalation.resolution = None
    restart(session, escalation, now)
    changed(session, escalation, "reopened", person, now, words=why, from_status=before)
    return escalation


def begin_work(session: Session, escalation: Escalation, by: str, now: datetime) -> None:
    """Put an escalation in progress with ``by``; for handover, which holds its lock."""
    mark_acknowledged(session, escalation, by, now)
    step(escalation, "work on")
    escalation.assigned_to = by


def _open(
    session: Session,
    conversation_id: str,
    tier: Tier,
    reason: str,
    now: datetime,
    rule_ids: Sequence[str] = (),
) -> tuple[Escalation, bool]:
    escalation = Escalation(
        conversation_id=conversation_id,
        tier=int(tier),
        status=OPEN,
        reason=reason,
        rule_ids=sorted(rule_ids),
        opened_at=now,
        clock_from=now,
        notify_step=0,
        notify_at=now,
        version=1,
    )
    if insert_if_new(session, escalation):
        return escalation, True
    # Another process opened it between our look and our insert.
    existing = unresolved(session, conversation_id, lock=True)
    if existing is None:
        raise RuntimeError("an escalation was refused as a second one, but there is none")
    return existing, False


def _unattended(session: Session, escalation: Escalation, tier: Tier, now: datetime) -> bool:
    """Whether a further urgent or emergency sign may find nobody looking any more.

    Who has acknowledged Monday's sign is told nothing of Wednesday's by the ladder.
    """
    if tier < max(Tier.URGENT, escalation.tier) or escalation.status == OPEN:
        return False
    last = session.scalar(
        select(func.max(EscalationEvent.at)).where(
            EscalationEvent.escalation_id == escalation.id, EscalationEvent.by != ASSISTANT
        )
    )
    return last is None or now - last >= UNATTENDED


def _to_work_on(
    session: Session, escalation_id: int, action: str, version: int | None
) -> Escalation:
    """The locked escalation, once version and state allow ``action``."""
    escalation = find(session, escalation_id, lock=True)
    check_version(escalation, version)
    if next_status(action, escalation.status) is None:
        raise IllegalTransition(escalation.id, action, escalation.status)
    return escalation


def _person(name: str, field: str = "by") -> str:
    stripped = name.strip()
    if not stripped or len(stripped) > 100:
        raise InvalidInbound("A name of at most 100 characters is needed.", field=field)
    return stripped


def _words(text: str, field: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise InvalidInbound("A few words are needed.", field=field)
    if len(stripped) > MAX_WORDS:
        raise InvalidInbound(f"At most {MAX_WORDS} characters, please.", field=field)
    return stripped
