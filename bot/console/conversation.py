"""One conversation: both sides, what was understood, and working its escalation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.audit.log import Action
from bot.audit.models import AuditEvent
from bot.channels.web import printable
from bot.console.access import Allowed, Refused, Visit
from bot.console.live import stream
from bot.console.marks import seen
from bot.console.pages import HEADERS
from bot.console.queue import clocks_of, next_due
from bot.conversations import contacts, erasure, escalations, handover, queue, transcript
from bot.conversations.escalation_log import events as log_of
from bot.conversations.escalation_log import in_words
from bot.conversations.escalation_states import OUTCOMES
from bot.conversations.models import Conversation, Escalation, Feedback
from bot.errors import (
    BotError,
    ConversationNotFound,
    EscalationNotFound,
    HeldByAnother,
    InvalidInbound,
    PrivateDataUnreadable,
    StaleEscalation,
)
from bot.members import accounts
from bot.members.permissions import May
from bot.messages import Tier
from bot.replies.canned import gap
from bot.replies.segments import is_gsm7, part_count, to_gsm7
from bot.review import learning
from bot.review import store as review_store
from bot.sms import consent
from bot.sms.models import SmsOutbound

router = APIRouter()

Reader = Annotated[Visit, Depends(Allowed(May.SEE_TRANSCRIPTS))]
Watcher = Annotated[Visit, Depends(Allowed(May.SEE_TRANSCRIPTS, background=True))]
Worker = Annotated[Visit, Depends(Allowed(May.WORK_QUEUE))]
Keeper = Annotated[Visit, Depends(Allowed(May.HOLD_AND_ERASE))]
Exporter = Annotated[Visit, Depends(Allowed(May.EXPORT_REDACTED))]
Id = Annotated[str, Path(max_length=40, pattern=r"^[\w-]+$")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Version = Annotated[int | None, Form(ge=0, le=2**31 - 1)]
Words = Annotated[str, AfterValidator(printable), Form(max_length=4000)]

PAGE_MESSAGES = 500

DELIVERIES = {
    "queued": "waits to be sent",
    "sending": "is being sent",
    "sent": "sent, not yet confirmed",
    "delivered": "delivered",
    "undelivered": "NOT delivered",
    "failed": "could NOT be sent",
    "suppressed": "NOT sent, as the number has opted out",
    "cancelled": "withdrawn before it was sent",
}
"""What became of a text message, in the words of staff, by its status."""

Change = Callable[[Session], None]


@router.get("/conversations/{conversation_id}")
def show(
    visit: Reader, conversation_id: Id, canned: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """The transcript with its escalation. Reading it is recorded."""
    draft = ""
    for reply in visit.state.canned:
        if reply.id == canned:
            draft = reply.written_by(visit.member.name, visit.state.clinic.placeholders())
    _record_view(visit, conversation_id)
    return _page(visit, conversation_id, draft=draft)


@router.get("/escalations/{number}")
def escalation(visit: Reader, number: Number) -> Response:
    """Where notifications lead: to the conversation of an escalation."""
    return visit.go(f"/console/conversations/{_conversation_of(visit, number)}")


@router.get("/conversations/{conversation_id}/events")
def events(visit: Watcher, conversation_id: Id) -> StreamingResponse:
    """Tell the page when anything of the conversation changed."""

    def look(session: Session) -> tuple[str, dict[str, Any]]:
        return queue.conversation_fingerprint(session, conversation_id), {}

    return stream(visit, look)


@router.post("/conversations/{conversation_id}/take-over")
def take_over(
    visit: Worker, conversation_id: Id, taking_from: Annotated[str, Form(max_length=100)] = ""
) -> Response:
    """Answer the patient oneself; the assistant is silent from now on."""

    def change(session: Session) -> None:
        texts, name = visit.state.texts, visit.member.name
        handover.take_over(
            session, conversation_id, name, visit.now, texts=texts, taking_from=taking_from or None
        )
        visit.record(
            session,
            Action.CONVERSATION_TAKEN,
            "conversation",
            conversation_id,
            taken_from=taking_from or None,
        )

    with visit.state.database.reading() as session:
        unheard = consent.opted_out(session, conversation_id)
    return _change(visit, conversation_id, change, "taken-unheard" if unheard else "taken")


@router.post("/conversations/{conversation_id}/give-back")
def give_back(visit: Worker, conversation_id: Id) -> Response:
    """Let the assistant answer again."""

    def change(session: Session) -> None:
        texts, name = visit.state.texts, visit.member.name
        handover.give_back(session, conversation_id, name, visit.now, texts=texts)
        visit.record(session, Action.CONVERSATION_GIVEN_BACK, "conversation", conversation_id)

    return _change(visit, conversation_id, change, "given-back")


@router.post("/conversations/{conversation_id}/reply")
def reply(visit: Worker, conversation_id: Id, text: Words) -> Response:
    """Say something to the patient on their channel."""

    def change(session: Session) -> None:
        missing = gap(text)
        if missing:
            raise InvalidInbound(f"Please fill in {missing} first. Nothing was sent.")
        if consent.opted_out(session, conversation_id):
            raise InvalidInbound("This number has opted out of text messages. Nothing was sent.")
        message = handover.say(session, conversation_id, visit.member.name, text, visit.now)
        visit.record(
            session, Action.REPLY_SENT, "conversation", conversation_id, message=message.public_id
        )

    return _change(visit, conversation_id, change, "sent", draft=text)


@router.post("/escalations/{number}/acknowledge")
def acknowledge(
    visit: Worker, number: Number, version: Version = None, back: Annotated[str, Form()] = ""
) -> Response:
    """Note that one has seen it."""

    def change(session: Session) -> None:
        escalations.acknowledge(session, number, visit.member.name, visit.now, version=version)
        visit.record(session, Action.ESCALATION_ACKNOWLEDGED, "escalation", number)

    response = _change(visit, _conversation_of(visit, number), change, "acknowledged")
    if back == "queue" and response.status_code == 303:
        return visit.go("/console/queue", said="acknowledged")
    return response


@router.post("/escalations/{number}/assign")
def assign(
    visit: Worker,
    number: Number,
    to: Annotated[str, Form(max_length=12)] = "",
    version: Version = None,
) -> Response:
    """Say whose it is: a member's number, or nothing for nobody."""

    def change(session: Session) -> None:
        member = accounts.get_member(session, int(to)) if to.isdecimal() else None
        escalations.assign(
            session,
            number,
            member.name if member else None,
            visit.member.name,
            visit.now,
            version=version,
        )
        visit.record(
            session,
            Action.ESCALATION_ASSIGNED,
            "escalation",
            number,
            to=member.id if member else None,
        )

    return _change(visit, _conversation_of(visit, number), change, "assigned")


@router.post("/escalations/{number}/note")
def note(visit: Worker, number: Number, text: Words) -> Response:
    """Add an internal note; the patient never sees it."""

    def change(session: Session) -> None:
        escalations.note(session, number, visit.member.name, text, visit.now)
        visit.record(session, Action.NOTE_ADDED, "escalation", number)

    return _change(visit, _conversation_of(visit, number), change, "noted", note=text)


@router.post("/escalations/{number}/tier")
def change_tier(
    visit: Worker,
    number: Number,
    tier: Annotated[int, Form(ge=1, le=3)],
    reason: Words = "",
    version: Version = None,
) -> Response:
    """Raise or lower the tier, with the reason. Lowering is for those who may judge it."""

    def change(session: Session) -> None:
        before = escalations.find(session, number, lock=True).tier
        if tier < before and not visit.member.may(May.LOWER_TIER):
            raise Refused(403, "Only a clinician or an admin may lower a tier.")
        escalations.change_tier(
            session, number, Tier(tier), visit.member.name, reason, visit.now, version=version
        )
        visit.record(
            session,
            Action.ESCALATION_TIER_CHANGED,
            "escalation",
            number,
            before=before,
            after=tier,
        )

    return _change(visit, _conversation_of(visit, number), change, "tier-changed")


@router.post("/escalations/{number}/resolve")
def resolve(
    visit: Worker,
    number: Number,
    outcome: Annotated[str, Form(max_length=32)],
    text: Words = "",
    version: Version = None,
) -> Response:
    """Close it with an outcome; the assistant answers again."""

    def change(session: Session) -> None:
        escalations.resolve(
            session, number, visit.member.name, outcome, text, visit.now, version=version
        )
        visit.record(session, Action.ESCALATION_RESOLVED, "escalation", number, outcome=outcome)

    return _change(visit, _conversation_of(visit, number), change, "resolved", note=text)


@router.post("/escalations/{number}/reopen")
def reopen(visit: Worker, number: Number, reason: Words = "", version: Version = None) -> Response:
    """Take a resolved one up again."""

    def change(session: Session) -> None:
        escalations.reopen(session, number, visit.member.name, reason, visit.now, version=version)
        visit.record(session, Action.ESCALATION_REOPENED, "escalation", number)

    return _change(visit, _conversation_of(visit, number), change, "reopened")


@router.post("/conversations/{conversation_id}/test")
def make_test(visit: Exporter, conversation_id: Id) -> Response:
    """The conversation as a conversation test, redacted, for a developer to read and keep."""
    with visit.state.database.transaction() as session:
        found = session.get(Conversation, conversation_id)
        if found is None or found.erased_at is not None:
            raise Refused(404, "There is no such conversation, or it was erased.")
        text = learning.conversation_test(session, conversation_id, "from a conversation")
        visit.record(session, Action.CONVERSATION_TEST_MADE, "conversation", conversation_id)
    name = f"conversation-{conversation_id[:8]}.yml"
    return Response(
        text,
        media_type="application/yaml; charset=utf-8",
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post("/reply-length")
def reply_length(visit: Worker, text: Words = "") -> dict[str, str | int]:
    """What a text costs by SMS, for the line under the reply; nothing is stored."""
    words = to_gsm7(text.strip())
    if not words:
        return {"parts": 0, "characters": 0, "alphabet": "GSM-7"}
    alphabet = "GSM-7" if is_gsm7(words) else "UCS-2"
    return {"parts": part_count(words), "characters": len(words), "alphabet": alphabet}


@router.post("/conversations/{conversation_id}/hold")
def hold(visit: Keeper, conversation_id: Id) -> Response:
    """Keep it from retention and erasure."""

    def change(session: Session) -> None:
        erasure.hold(session, conversation_id, visit.member.name, visit.now)
        visit.record(session, Action.CONVERSATION_HELD, "conversation", conversation_id)

    return _change(visit, conversation_id, change, "held")


@router.post("/conversations/{conversation_id}/release")
def release(visit: Keeper, conversation_id: Id) -> Response:
    """End the hold."""

    def change(session: Session) -> None:
        erasure.release(session, conversation_id)
        visit.record(session, Action.CONVERSATION_RELEASED, "conversation", conversation_id)

    return _change(visit, conversation_id, change, "released")


@router.post("/conversations/{conversation_id}/erase")
def erase(
    visit: Keeper, conversation_id: Id, sure: Annotated[str, Form(max_length=10)] = ""
) -> Response:
    """Erase the person's words everywhere; a record stays that it was done."""
    if sure != "yes":
        raise Refused(422, "Tick the box to say that you are sure. Nothing was erased.")
    state = visit.state
    try:
        done = erasure.erase_conversation(
            state.database, state.rasa_events, conversation_id, "staff", visit.now
        )
    except ConversationNotFound as error:
        raise Refused(404, "There is no such conversation.") from error
    with state.database.transaction() as session:
        visit.record(session, Action.PERSON_ERASED, "conversation", conversation_id, held=not done)
    if not done:
        raise Refused(409, "It is on legal hold. It will be erased once the hold is released.")
    return visit.go(f"/console/conversations/{conversation_id}", said="erased")


def _record_view(visit: Visit, conversation_id: str) -> None:
    """Record that the person reads it; a page that refreshes itself adds no further row.

    Only when this session's first look is on record: a request cannot call itself a
    refresh to stay out of the log.
    """
    with visit.state.database.reading() as session:
        if session.get(Conversation, conversation_id) is None:
            raise Refused(404, "There is no such conversation.")
        on_record = visit.background and session.scalar(
            select(AuditEvent.number)
            .where(
                AuditEvent.object_kind == "conversation",
                AuditEvent.object_id == conversation_id,
                AuditEvent.action == Action.CONVERSATION_VIEWED.value,
                AuditEvent.actor_id == visit.member.member_id,
                AuditEvent.at >= visit.member.created_at,
            )
            .limit(1)
        )
    if not on_record:
        with visit.state.database.transaction() as session:
            visit.record(session, Action.CONVERSATION_VIEWED, "conversation", conversation_id)


def _change(
    visit: Visit, conversation_id: str, change: Change, said: str, **typed: str
) -> Response:
    """Make a change and lead back to the conversation; if refused, show why and what was typed."""
    try:
        with visit.state.database.transaction() as session:
            change(session)
    except (ConversationNotFound, EscalationNotFound) as error:
        raise Refused(404, "There is no such conversation, or it was erased.") from error
    except BotError as error:
        status = 422 if isinstance(error, InvalidInbound) else 409
        return _page(visit, conversation_id, status, problem=_in_words(error), **typed)
    return visit.go(f"/console/conversations/{conversation_id}", said=said)


def _in_words(error: BotError) -> str:
    if isinstance(error, StaleEscalation):
        who = f" {error.held_by} has it." if error.held_by else ""
        return f"Somebody changed this meanwhile, so nothing was overwritten.{who} Look again."
    if isinstance(error, HeldByAnother):
        return f"{error.held_by} has this conversation. Nothing was changed or sent."
    text = getattr(error, "detail", "") or str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _conversation_of(visit: Visit, number: int) -> str:
    with visit.state.database.reading() as session:
        found = session.get(Escalation, number)
    if found is None:
        raise Refused(404, "There is no such escalation.")
    return found.conversation_id


def _page(
    visit: Visit,
    conversation_id: str,
    status: int = 200,
    problem: str = "",
    draft: str = "",
    note: str = "",
) -> Response:
    with visit.state.database.reading() as session:
        conversation = session.get(Conversation, conversation_id)
        if conversation is None:
            raise Refused(404, "There is no such conversation.")
        messages = transcript.history(session, conversation_id, None, PAGE_MESSAGES)
        ids = [message.id for message in messages]
        thumbs = {
            found.message_id: found
            for found in session.scalars(select(Feedback).where(Feedback.message_id.in_(ids)))
        }
        cases = list(
            session.scalars(
                select(Escalation)
                .where(Escalation.conversation_id == conversation_id)
                .order_by(Escalation.id.desc())
            )
        )
        logs = {case.id: [(e.at, in_words(e)) for e in log_of(session, case.id)] for case in cases}
        reviews = review_store.reviews_of(session, ids)
        deliveries: dict[int, list[SmsOutbound]] = {}
        for sent in session.scalars(
            select(SmsOutbound).where(SmsOutbound.message_id.in_(ids)).order_by(SmsOutbound.id)
        ):
            deliveries.setdefault(sent.message_id or 0, []).append(sent)
        members = [m for m in accounts.all_members(session) if m.disabled_at is None]
        opted_out = consent.opted_out(session, conversation_id)
        call_back = _call_back(visit, session, cases) if visit.member.may(May.WORK_QUEUE) else []
    return visit.page(
        "conversation.html",
        status,
        conversation=conversation,
        messages=[seen(message) for message in messages],
        thumbs=thumbs,
        reviews=reviews,
        deliveries=deliveries,
        delivered_as=DELIVERIES,
        opted_out=opted_out,
        call_back=call_back,
        verdicts=review_store.VERDICTS,
        case=cases[0] if cases else None,
        earlier=cases[1:],
        logs=logs,
        clocks={case.id: clocks_of(visit, case) for case in cases},
        due=next_due,
        members=members,
        outcomes=OUTCOMES,
        tiers=(Tier.ROUTINE, Tier.URGENT, Tier.EMERGENCY),
        canned=[
            (r.id, r.title, r.written_by(visit.member.name, visit.state.clinic.placeholders()))
            for r in visit.state.canned
        ],
        problem=problem,
        draft=draft,
        note=note,
        max_chars=handover.MAX_STAFF_CHARS,
    )


def _call_back(visit: Visit, session: Session, cases: list[Escalation]) -> list[tuple[str, str]]:
    """How the patient wants to be called back, newest escalation first: label and value."""
    for case in cases:
        try:
            left = contacts.find(session, visit.state.private, case.id)
        except PrivateDataUnreadable:
            return [("Details", "cannot be read: no key in DATA_KEYS fits")]
        if left is not None:
            said = {
                "Name": left.name,
                "Phone": left.phone,
                "E-mail": left.email,
                "Good time": left.best_time,
            }
            return [(label, value) for label, value in said.items() if value]
    return []
