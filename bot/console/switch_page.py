"""Switching the assistant, a channel or one answer off and on, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response
from sqlalchemy import select

from bot.console.access import Allowed, Refused, Visit
from bot.content.models import Answer
from bot.members.permissions import May
from bot.switches import store

router = APIRouter(prefix="/switches")

Admin = Annotated[Visit, Depends(Allowed(May.USE_SWITCHES))]

LABELS = {
    store.BOT: "The assistant",
    **{store.CHANNEL + channel: f"Channel: {channel}" for channel in store.CHANNELS},
}


@router.get("")
def show(visit: Admin) -> Response:
    """What is on and off."""
    with visit.state.database.reading() as session:
        off = {row.name: row for row in store.switches_off(session)}
        answers = list(session.scalars(select(Answer.id).order_by(Answer.id)))
    return visit.page("switches.html", off=off, labels=LABELS, answers=answers, prefix=store.ANSWER)


@router.post("")
def turn(
    visit: Admin,
    name: Annotated[str, Form(max_length=80)],
    to: Annotated[str, Form(pattern="^(on|off)$")],
) -> Response:
    """Switch one thing."""
    try:
        with visit.state.database.transaction() as session:
            store.turn(session, visit.state.audit, name, to == "off", visit.actor, visit.now)
    except store.SwitchError as error:
        raise Refused(422, str(error)) from error
    return visit.go("/console/switches", said=f"switched-{to}")
