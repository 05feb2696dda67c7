"""Judging messages one after the other, with the keyboard."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Response
from pydantic import AfterValidator
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.audit.log import Action
from bot.channels.web import printable
from bot.console.access import Allowed, Refused, Visit
from bot.console.marks import seen
from bot.content.models import Answer
from bot.conversations.models import Conversation, Feedback, Message
from bot.conversations.redaction import snippet
from bot.conversations.transcript import ERASED_TEXT, replies_to
from bot.errors import InvalidInbound
from bot.members.permissions import May
from bot.review import store
from bot.review.intents import intent_names
from bot.review.models import MessageFlag

router = APIRouter(prefix="/review")

Reviewer = Annotated[Visit, Depends(Allowed(May.REVIEW))]
Closer = Annotated[Visit, Depends(Allowed(May.CLOSE_MISSED))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Which = Annotated[str, Query(max_length=16)]
Words = Annotated[str, AfterValidator(printable), Form(max_length=store.MAX_NOTE)]

LISTS = {
    "teaching": "Teaches most",
    "sample": "Random sample",
    "second": "Second opinion",
    "flagged": "Flagged",
    "missed": "Missed escalations",
}
WHY = {
    **store.REASONS,
    "disagree": "Reviewers disagree",
    "alone": "One reviewer found something wrong",
    "flagged": "Flagged",
}
BEFORE = 6
"""Messages shown before the one that is judged."""


@router.get("")
def show(visit: Reviewer, which: Which = "teaching") -> Response:
    """The list of what to look at."""
    which = which if which in LISTS else "teaching"
    with visit.state.database.reading() as session:
        waiting = _list(session, visit, which)
        missed = store.missed(session) if which == "missed" else []
        open_count = store.missed_open(session)
    return visit.page(
        "review_list.html",
        which=which,
        lists=LISTS,
        waiting=[(item, snippet(item.message.text)) for item in waiting],
        missed=[(review, message, snippet(message.text)) for review, message in missed],
        missed_open=open_count,
        why=WHY,
    )


@router.get("/{number}")
def one(visit: Reviewer, number: Number, which: Which = "teaching") -> Response:
    """One message with what came before it and what was said to it. Reading is recorded."""
    return _page(visit, number, which if which in LISTS else "teaching")


@router.post("/{number}")
def judge(
    visit: Reviewer,
    number: Number,
    verdict: Annotated[str, Form(max_length=24)] = "",
    right_intent: Annotated[str, Form(max_length=64)] = "",
    right_answer: Annotated[str, Form(max_length=64)] = "",
    note: Words = "",
    which: Annotated[str, Form(max_length=16)] = "teaching",
) -> Response:
    """Keep the verdict and go on to the next message of the list."""
    which = which if which in LISTS else "teaching"
    if right_intent and right_intent not in intent_names():
        return _page(visit, number, which, 422, "There is no such intent. Pick one of the list.")
    with visit.state.database.reading() as session:
        unknown = right_answer and session.get(Answer, right_answer) is None
        following = _neighbours(_list(session, visit, which), number)[1]
    if unknown:
        return _page(visit, number, which, 422, "There is no such answer. Pick one of the list.")
    with visit.state.database.transaction() as session:
        message = _message(session, number)
        try:
            store.save(
                session,
                message,
                visit.member.member_id,
                visit.member.name,
                verdict,
                visit.now,
                right_intent=right_intent,
                right_answer=right_answer,
                note=note,
            )
        except InvalidInbound as error:
            raise Refused(422, error.detail) from error
        visit.record(
            session, Action.MESSAGE_REVIEWED, "message", message.public_id, verdict=verdict
        )
    if following is None:
        return visit.go("/console/review", said="list-done", which=which)
    return visit.go(f"/console/review/{following}", said="reviewed", which=which)


@router.post("/{number}/flag")
def flag(
    visit: Reviewer,
    number: Number,
    to: Annotated[str, Form(pattern="^(on|off)$")],
    which: Annotated[str, Form(max_length=16)] = "teaching",
) -> Response:
    """Mark it to be talked about, or take the mark off."""
    with visit.state.database.transaction() as session:
        message = _message(session, number)
        store.flag(session, message, visit.member.name, to == "on", visit.now)
        visit.record(session, Action.MESSAGE_FLAGGED, "message", message.public_id, to=to)
    return visit.go(f"/console/review/{number}", said="saved", which=which)


@router.post("/missed/{number}/close")
def close(visit: Closer, number: Number) -> Response:
    """Note that a missed escalation was dealt with."""
    with visit.state.database.transaction() as session:
        try:
            store.close_missed(session, number, visit.member.name, visit.now)
        except InvalidInbound as error:
            raise Refused(404, error.detail) from error
        visit.record(session, Action.MISSED_CLOSED, "review", number)
    return visit.go("/console/review", said="saved", which="missed")


def _list(session: Session, visit: Visit, which: str) -> list[store.Waiting]:
    if which == "sample":
        return store.sample(session)
    if which == "second":
        return store.second(session, visit.member.member_id)
    if which == "flagged":
        return store.flagged(session)
    if which == "missed":
        return [store.Waiting(message, "escalated") for _, message in store.missed(session)]
    return store.teaching(session)


def _neighbours(waiting: list[store.Waiting], number: int) -> tuple[int | None, int | None]:
    """The numbers before and after one in its list; the first of it for a stranger."""
    numbers = [item.message.id for item in waiting]
    if number not in numbers:
        return None, (numbers[0] if numbers else None)
    at = numbers.index(number)
    after = numbers[at + 1] if at + 1 < len(numbers) else None
    return (numbers[at - 1] if at else None), after


def _message(session: Session, number: int) -> Message:
    found = session.get(Message, number)
    if found is None or found.sender != "patient" or found.text == ERASED_TEXT:
        raise Refused(404, "There is no such message of a patient, or it was erased.")
    return found


def _page(visit: Visit, number: int, which: str, status: int = 200, problem: str = "") -> Response:
    with visit.state.database.reading() as session:
        message = _message(session, number)
        conversation = session.get_one(Conversation, message.conversation_id)
        earlier = session.scalars(
            select(Message)
            .where(Message.conversation_id == conversation.id, Message.id < message.id)
            .order_by(Message.id.desc())
            .limit(BEFORE)
        ).all()
        replies = replies_to(session, message.id)
        thumbs = {
            row.message_id: row
            for row in session.scalars(
                select(Feedback).where(Feedback.message_id.in_([r.id for r in replies]))
            )
        }
        waiting = _list(session, visit, which)
        said = store.reviews_of(session, [number]).get(number, [])
        is_flagged = session.get(MessageFlag, number)
        answers = session.scalars(select(Answer.id).order_by(Answer.id)).all()
    with visit.state.database.transaction() as session:
        visit.record(
            session, Action.CONVERSATION_VIEWED, "conversation", conversation.id, review=True
        )
    before, after = _neighbours(waiting, number)
    return visit.page(
        "review.html",
        status,
        item=seen(message),
        conversation=conversation,
        earlier=list(reversed(earlier)),
        replies=replies,
        thumbs=thumbs,
        said_before=said,
        mine=next((r for r in said if r.reviewer_id == visit.member.member_id), None),
        flagged=is_flagged,
        verdicts=store.VERDICTS,
        why=next((WHY[w.reason] for w in waiting if w.message.id == number), ""),
        which=which,
        lists=LISTS,
        before=before,
        after=after,
        left=len(waiting),
        intents=intent_names(),
        answers=answers,
        problem=problem,
    )
