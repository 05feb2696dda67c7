"""Answers: what patients read, writing it anew, and the second person's approval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.audit.log import Action
from bot.console.access import Allowed, Refused, Visit
from bot.content import editing
from bot.content.files import AnswerDraft, load_topics
from bot.content.models import Answer, AnswerVersion
from bot.conversations.models import Feedback, Message
from bot.errors import AnswerNotFound, ContentError
from bot.members.permissions import May
from bot.replies.placeholders import fill
from bot.replies.segments import is_gsm7, part_count, to_gsm7
from bot.settings import ROOT
from bot.switches.models import Switch
from bot.switches.store import ANSWER as SWITCH

router = APIRouter(prefix="/answers")

Reader = Annotated[Visit, Depends(Allowed(May.SEE_ANSWERS))]
Editor = Annotated[Visit, Depends(Allowed(May.EDIT_ANSWERS))]
Approver = Annotated[Visit, Depends(Allowed(May.APPROVE_ANSWERS))]
Id = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9-]+$")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]

MAX_FIELD = 6000
MOMENT_S = 0.1
"""How long a page waits for the phrasings to be compared; it asks again by itself."""


@router.get("")
def show(visit: Reader) -> Response:
    """Every answer with its state, how often it was sent, and its thumbs."""
    with visit.state.database.reading() as session:
        answers = session.scalars(select(Answer).order_by(Answer.topic, Answer.id)).all()
        newest = {version.answer_id: version for version in _newest(session)}
        live = {version.answer_id: version for version in _live(session)}
        used = dict(_used(session))
        thumbs = {row[0]: (row[1], row[2]) for row in _thumbs(session)}
    return visit.page(
        "answers.html",
        answers=answers,
        newest=newest,
        live=live,
        used=used,
        thumbs=thumbs,
        today=_today(visit),
        topics=list(_topics()),
    )


@router.post("/new")
def new(
    visit: Editor,
    answer_id: Annotated[str, Form(max_length=64, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")],
    topic: Annotated[str, Form(max_length=64)],
) -> Response:
    """Begin an answer: an empty draft that nobody sees yet."""
    if topic not in _topics():
        raise Refused(422, "There is no such topic.")
    with visit.state.database.transaction() as session:
        if session.get(Answer, answer_id) is not None:
            raise Refused(409, "There is an answer of this name already.")
        editing.save(session, _empty(visit, answer_id, topic), visit.member.name, 0, visit.now)
        visit.record(session, Action.ANSWER_SAVED, "answer", answer_id, version=1)
    return visit.go(f"/console/answers/{answer_id}/edit")


@router.get("/{answer_id}")
def one(visit: Reader, answer_id: Id) -> Response:
    """One answer: its newest version beside the published one, and what can be done."""
    return _page(visit, answer_id)


@router.get("/{answer_id}/edit")
def edit(visit: Editor, answer_id: Id) -> Response:
    """The form, filled with the newest version."""
    with visit.state.database.reading() as session:
        answer, versions = _all(session, answer_id)
        draft = editing.to_draft(answer, versions[0])
        problems = editing.check(session, draft, _topics(), visit.state.clinic, _today(visit))
    return _form(visit, draft, versions[0].version, problems)


@router.post("/{answer_id}/edit")
async def save(visit: Editor, answer_id: Id, request: Request) -> Response:
    """Show a preview, or keep what was written as a new draft."""
    sent = {k: v for k, v in (await request.form()).items() if isinstance(v, str)}
    return _save(visit, answer_id, sent)


@router.post("/{answer_id}/{version}/submit")
def submit(visit: Editor, answer_id: Id, version: Number) -> Response:
    """Ask a clinician to approve it."""

    def change(session: Session) -> None:
        editing.submit(session, answer_id, version)
        visit.record(session, Action.ANSWER_SUBMITTED, "answer", answer_id, version=version)

    return _change(visit, answer_id, change, "submitted")


@router.post("/{answer_id}/{version}/send-back")
def send_back(visit: Approver, answer_id: Id, version: Number) -> Response:
    """Return it to its author."""

    def change(session: Session) -> None:
        editing.send_back(session, answer_id, version)
        visit.record(session, Action.ANSWER_SENT_BACK, "answer", answer_id, version=version)

    return _change(visit, answer_id, change, "saved")


@router.post("/{answer_id}/{version}/publish")
def publish(
    visit: Approver,
    answer_id: Id,
    version: Number,
    review_due: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Approve what somebody else wrote, and put it before patients."""
    try:
        due = date.fromisoformat(review_due) if review_due else _year_on(visit)
    except ValueError as error:
        raise Refused(422, "Give the day of the next review as year-month-day.") from error

    def change(session: Session) -> None:
        editing.publish(
            session,
            answer_id,
            version,
            visit.member.name,
            due,
            _topics(),
            visit.state.clinic,
            visit.now,
        )
        visit.record(session, Action.ANSWER_PUBLISHED, "answer", answer_id, version=version)

    return _change(visit, answer_id, change, "published")


@router.post("/{answer_id}/retire")
def retire(visit: Approver, answer_id: Id) -> Response:
    """Take it away from patients."""

    def change(session: Session) -> None:
        editing.retire(session, answer_id)
        visit.record(session, Action.ANSWER_RETIRED, "answer", answer_id)

    return _change(visit, answer_id, change, "retired")


@router.post("/{answer_id}/{version}/roll-back")
def roll_back(visit: Approver, answer_id: Id, version: Number) -> Response:
    """Put an earlier published wording back."""

    def change(session: Session) -> None:
        editing.roll_back(session, answer_id, version, _today(visit))
        visit.record(session, Action.ANSWER_ROLLED_BACK, "answer", answer_id, version=version)

    return _change(visit, answer_id, change, "published")


def _change(visit: Visit, answer_id: str, change: Callable[[Session], None], said: str) -> Response:
    try:
        with visit.state.database.transaction() as session:
            change(session)
    except AnswerNotFound as error:
        raise Refused(404, "There is no such answer, or no such version of it.") from error
    except ContentError as error:
        return _page(visit, answer_id, 409, f"Not done: {error.detail}.")
    return visit.go(f"/console/answers/{answer_id}", said=said)


def _save(visit: Visit, answer_id: str, sent: dict[str, str]) -> Response:
    if any(len(value) > MAX_FIELD or "\0" in value for value in sent.values()):
        raise Refused(422, "A field is too long, or holds what no keyboard writes.")
    based_on = sent.get("based_on", "")
    if not based_on.isdecimal() or len(based_on) > 9:
        raise Refused(422, "This page was out of date. Please reload it.")
    with visit.state.database.reading() as session:
        answer, versions = _all(session, answer_id)
        base = editing.to_draft(answer, versions[0])
        try:
            draft = editing.wording(sent, base)
        except ContentError as error:
            raise Refused(422, f"{error.detail.capitalize()}.") from error
        problems = editing.check(session, draft, _topics(), visit.state.clinic, _today(visit))
    if sent.get("act") == "preview":
        return _form(visit, draft, int(based_on), problems)
    try:
        with visit.state.database.transaction() as session:
            number = editing.save(session, draft, visit.member.name, int(based_on), visit.now)
            visit.record(session, Action.ANSWER_SAVED, "answer", answer_id, version=number)
    except ContentError as error:
        return _form(visit, draft, int(based_on), problems, 409, f"Not saved: {error.detail}.")
    return visit.go(f"/console/answers/{answer_id}", said="saved")


def _form(
    visit: Visit,
    draft: AnswerDraft,
    based_on: int,
    problems: list[Any],
    status: int = 200,
    problem: str = "",
) -> Response:
    return visit.page(
        "answer_edit.html",
        status,
        draft=draft,
        based_on=based_on,
        problems=problems,
        collisions=visit.state.phrasings.find(draft.id, draft.phrasings, MOMENT_S),
        preview=_preview(visit, draft),
        problem=problem,
    )


def _page(visit: Visit, answer_id: str, status: int = 200, problem: str = "") -> Response:
    with visit.state.database.reading() as session:
        answer, versions = _all(session, answer_id)
        used = dict(_used(session, answer_id)).get(answer_id, 0)
        off = session.get(Switch, SWITCH + answer_id)
        problems = editing.check(
            session,
            editing.to_draft(answer, versions[0]),
            _topics(),
            visit.state.clinic,
            _today(visit),
        )
    live = next((v for v in versions if v.version == answer.published_version), None)
    newest = versions[0]
    texts = ("title", "body", "sms")
    return visit.page(
        "answer.html",
        status,
        answer=answer,
        live=live,
        newest=newest,
        versions=versions,
        used=used,
        off=off,
        switch=SWITCH + answer_id,
        problems=problems,
        collisions=visit.state.phrasings.find(answer_id, newest.phrasings, MOMENT_S)
        if newest.status in ("draft", "in_review")
        else [],
        preview=_preview(visit, editing.to_draft(answer, newest)),
        changes=[
            (name, editing.difference(getattr(live, name), getattr(newest, name)))
            for name in texts
            if getattr(live, name) != getattr(newest, name)
        ]
        if live
        else [],
        phrasings=(
            [p for p in newest.phrasings if live and p not in live.phrasings],
            [p for p in (live.phrasings if live else []) if p not in newest.phrasings],
        ),
        today=_today(visit),
        due=_year_on(visit),
        problem=problem,
    )


def _preview(visit: Visit, draft: AnswerDraft) -> dict[str, Any]:
    """Both forms with the clinic's particulars filled in; why not, where they cannot be."""
    values = visit.state.clinic.placeholders()
    try:
        body, sms = fill(draft.body, values), fill(draft.sms, values)
    except ContentError as error:
        return {"problem": error.detail, "body": draft.body, "sms": draft.sms, "parts": 0}
    plain = to_gsm7(sms.strip())
    return {
        "problem": "",
        "body": body,
        "sms": sms,
        "parts": part_count(plain) if plain else 0,
        "alphabet": "GSM-7" if is_gsm7(plain) else "UCS-2",
    }


def _all(session: Session, answer_id: str) -> tuple[Answer, list[AnswerVersion]]:
    answer = session.get(Answer, answer_id)
    versions = editing.versions(session, answer_id)
    if answer is None or not versions:
        raise Refused(404, "There is no such answer.")
    return answer, versions


def _empty(visit: Visit, answer_id: str, topic: str) -> AnswerDraft:
    blank = editing.wording({"owner": visit.member.name}, _shell(visit, answer_id, topic))
    return replace(blank, title=answer_id.replace("-", " ").capitalize())


def _shell(visit: Visit, answer_id: str, topic: str) -> AnswerDraft:
    return AnswerDraft(
        id=answer_id,
        topic=topic,
        title="",
        body="",
        sms="",
        phrasings=(),
        related=(),
        referral="none",
        source=(),
        owner="",
        approved_by=None,
        approved_on=None,
        review_due=_year_on(visit),
        status="draft",
        sample=False,
    )


def _newest(session: Session) -> list[AnswerVersion]:
    last = (
        select(AnswerVersion.answer_id, func.max(AnswerVersion.version).label("version"))
        .group_by(AnswerVersion.answer_id)
        .subquery()
    )
    return list(
        session.scalars(
            select(AnswerVersion).join(
                last,
                (AnswerVersion.answer_id == last.c.answer_id)
                & (AnswerVersion.version == last.c.version),
            )
        )
    )


def _live(session: Session) -> list[AnswerVersion]:
    return list(
        session.scalars(
            select(AnswerVersion).join(
                Answer,
                (Answer.id == AnswerVersion.answer_id)
                & (Answer.published_version == AnswerVersion.version),
            )
        )
    )


def _used(session: Session, answer_id: str = "") -> list[tuple[str, int]]:
    query = select(Message.answer_id, func.count()).where(Message.answer_id.is_not(None))
    if answer_id:
        query = query.where(Message.answer_id == answer_id)
    return [(str(row[0]), row[1]) for row in session.execute(query.group_by(Message.answer_id))]


def _thumbs(session: Session) -> Any:
    return session.execute(
        select(
            Message.answer_id,
            func.sum(case((Feedback.helpful, 1), else_=0)),
            func.sum(case((Feedback.helpful, 0), else_=1)),
        )
        .join(Feedback, Feedback.message_id == Message.id)
        # Replies, for these have an index with all that is asked for.
        .where(Message.answer_id.is_not(None), Message.in_reply_to.is_not(None))
        .group_by(Message.answer_id)
    )


@cache
def _topics() -> dict[str, tuple[str, ...]]:
    return load_topics(ROOT / "data" / "topics.yml")


def _today(visit: Visit) -> date:
    return visit.state.clinic.local_date(visit.now)


def _year_on(visit: Visit) -> date:
    return _today(visit) + editing.REVIEW_EVERY
