"""Erasing a person by their telephone number, and what is held and due, for admins."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Response
from sqlalchemy import select

from bot.audit.log import Action
from bot.console.access import Allowed, Refused, Visit
from bot.conversations import contacts, erasure
from bot.conversations.models import Conversation
from bot.errors import InvalidInbound, PrivateDataUnreadable
from bot.members.permissions import May

router = APIRouter(prefix="/privacy")

Keeper = Annotated[Visit, Depends(Allowed(May.HOLD_AND_ERASE))]
Phone = Annotated[str, Form(max_length=40)]


@router.get("")
def show(visit: Keeper) -> Response:
    """The search, the legal holds, and what retention erases next."""
    return _page(visit)


@router.post("/find")
def find(visit: Keeper, phone: Phone) -> Response:
    """What is kept of a number. It comes in the body, as addresses are logged by proxies."""
    number, found = _found(visit, phone)
    with visit.state.database.transaction() as session:
        visit.record(session, Action.PERSON_SOUGHT, found=len(found))
    return _page(visit, phone=number, found=found)


@router.post("/erase")
def erase(visit: Keeper, phone: Phone, sure: Annotated[str, Form(max_length=10)] = "") -> Response:
    """Erase every conversation of a number; what is on hold follows when it is released."""
    if sure != "yes":
        raise Refused(422, "Tick the box to say that you are sure. Nothing was erased.")
    number, found = _found(visit, phone)
    state, held = visit.state, 0
    for conversation in found:
        done = erasure.erase_conversation(
            state.database, state.rasa_events, conversation.id, "staff", visit.now
        )
        held += not done
        with state.database.transaction() as session:
            visit.record(
                session, Action.PERSON_ERASED, "conversation", conversation.id, held=not done
            )
    if held:
        return _page(visit, 409, phone=number, found=_found(visit, number)[1], held_back=held)
    return visit.go("/console/privacy", said="erased")


def _found(visit: Visit, phone: str) -> tuple[str, list[Conversation]]:
    try:
        number = contacts.read_phone(phone)
        with visit.state.database.reading() as session:
            return number, erasure.conversations_of(session, visit.state.private, number)
    except InvalidInbound as error:
        raise Refused(422, f"{error.detail} Write it such as 916 555 0123.") from error
    except PrivateDataUnreadable as error:
        raise Refused(409, "Some numbers cannot be read: a key is missing in DATA_KEYS.") from error


def _page(visit: Visit, status: int = 200, **more: Any) -> Response:
    days = visit.state.settings.retention_days
    with visit.state.database.reading() as session:
        holds = session.scalars(
            select(Conversation)
            .where(Conversation.held_at.is_not(None))
            .order_by(Conversation.held_at.desc())
            .limit(200)
        ).all()
        due = len(erasure.due(session, visit.now - timedelta(days=days)))
    context = {"phone": "", "found": None, "held_back": 0, **more}
    return visit.page("privacy.html", status, holds=holds, due=due, days=days, **context)
