"""The queue: escalations by tier and age, live."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from bot.console.access import Allowed, Visit
from bot.console.live import stream
from bot.conversations import queue
from bot.conversations.clocks import Clock, Clocks, clocks
from bot.conversations.models import Escalation
from bot.members.permissions import May

router = APIRouter(prefix="/queue")

Reader = Annotated[Visit, Depends(Allowed(May.SEE_QUEUE))]
Watcher = Annotated[Visit, Depends(Allowed(May.SEE_QUEUE, background=True))]

VIEWS = {"all": "All open", "mine": "Mine", "free": "Nobody's", "resolved": "Resolved"}


@router.get("")
def show(visit: Reader, view: Annotated[str, Query(max_length=12)] = "all") -> Response:
    """The escalations of one view, with their clocks."""
    view = view if view in VIEWS else "all"
    with visit.state.database.reading() as session:
        found = queue.cases(session, view, visit.member.name)  # type: ignore[arg-type]
        counted = queue.counts(session, visit.member.name)
    times = {case.escalation.id: clocks_of(visit, case.escalation) for case in found}
    return visit.page(
        "queue.html",
        cases=found,
        clocks=times,
        due=next_due,
        counts=counted,
        view=view,
        views=VIEWS,
        limit=queue.LIMIT,
    )


@router.get("/events")
def events(visit: Watcher) -> StreamingResponse:
    """Tell the page when the queue looks different, and which red flags nobody has seen."""

    def look(session: Session) -> tuple[str, dict[str, Any]]:
        return queue.fingerprint(session), {"red_flags": queue.waiting_red_flags(session)}

    return stream(visit, look)


def clocks_of(visit: Visit, escalation: Escalation) -> Clocks:
    """The clocks of an escalation, at the time of the visit."""
    return clocks(escalation, visit.state.staff, visit.state.clinic, visit.now)


def next_due(read: Clocks) -> tuple[str, Clock] | None:
    """What is to be done next, with its clock; None once everything is done."""
    steps = (
        ("acknowledge", read.acknowledge),
        ("reply", read.reply),
        ("resolve", read.resolve),
    )
    if read.resolve.stopped_at is not None:
        return None
    return next(((name, clock) for name, clock in steps if clock.stopped_at is None), None)
