"""Reading the audit log, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select

from bot.audit.log import Action
from bot.audit.models import AuditEvent
from bot.console.access import Allowed, Visit
from bot.members import accounts
from bot.members.permissions import May

router = APIRouter(prefix="/audit")

PAGE = 100


@router.get("")
def show(
    visit: Annotated[Visit, Depends(Allowed(May.SEE_AUDIT))],
    action: Annotated[str, Query(max_length=40)] = "",
    who: Annotated[str, Query(max_length=12, pattern=r"^\d*$")] = "",
    about: Annotated[str, Query(max_length=64)] = "",
    before: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """The newest rows first, a hundred at a time, by action, person or object."""
    action = action if action in {known.value for known in Action} else ""
    query = select(AuditEvent).order_by(AuditEvent.number.desc()).limit(PAGE + 1)
    if action:
        query = query.where(AuditEvent.action == action)
    if who and int(who) < 2**31:
        query = query.where(AuditEvent.actor_id == int(who))
    if about:
        query = query.where(AuditEvent.object_id == about.replace("\0", ""))
    if before:
        query = query.where(AuditEvent.number < before)
    with visit.state.database.transaction() as session:
        found = list(session.scalars(query))
        members = accounts.all_members(session)
        visit.record(session, Action.AUDIT_READ, only=action)
    return visit.page(
        "audit.html",
        events=found[:PAGE],
        older=found[PAGE - 1].number if len(found) > PAGE else 0,
        members=members,
        actions=list(Action),
        chosen={"action": action, "who": who, "about": about},
    )
