"""A telephone to try the SMS line with, for development: only with SMS_PROVIDER=simulator."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from bot.channels.problems import Problem
from bot.channels.web import State, same_origin
from bot.errors import InvalidInbound
from bot.settings import ROOT
from bot.sms.line import SmsLine
from bot.sms.phone_view import thread_of
from bot.sms.twilio import e164

PAGE = ROOT / "bot" / "sms" / "phone"
FILES = ("phone.js", "phone.css")


def simulated_line(state: State) -> SmsLine:
    """The line, while it is simulated.

    Raises:
        Problem: 404, otherwise: with a real provider the numbers are of real people.
    """
    if state.sms is None or state.sms.provider.name != "simulator":
        raise Problem(404, "There is nothing at this address.")
    return state.sms


router = APIRouter(
    prefix="/sms/phone", include_in_schema=False, dependencies=[Depends(simulated_line)]
)


class Phone(BaseModel):
    """Whose messages are shown."""

    model_config = ConfigDict(extra="forbid", strict=True)

    number: str = Field(max_length=20)


@router.get("")
def phone_page() -> FileResponse:
    """The page."""
    return FileResponse(PAGE / "phone.html", headers={"Cache-Control": "no-cache"})


@router.get("/{name}")
def phone_file(name: str) -> FileResponse:
    """Its script and its style sheet."""
    if name not in FILES:
        raise Problem(404, "There is no such file.")
    return FileResponse(PAGE / name, headers={"Cache-Control": "no-cache"})


@router.post("/thread", dependencies=[Depends(same_origin)])
def read_thread(
    request: Request,
    state: State,
    line: Annotated[SmsLine, Depends(simulated_line)],
    phone: Phone,
) -> dict[str, Any]:
    """What the phone shows. A POST, so that no number stands in an address."""
    try:
        number = e164(phone.number)
    except InvalidInbound as error:
        raise Problem(422, error.detail) from error
    with state.database.reading() as session:
        return {"messages": thread_of(session, line.private, number)}
