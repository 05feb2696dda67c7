"""The provider's webhooks: text messages coming in, and what became of ours.

A webhook is believed only with the provider's signature. Twilio's carries no time, so a
replayed webhook is known by what it says: a message id that was stored before is dropped,
and a delivery report that would move a status backwards changes nothing.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.formparsers import FormParser

from bot.app_state import AppState
from bot.channels.problems import Problem
from bot.channels.web import State, address_of, printable
from bot.errors import BadSignature, InvalidInbound
from bot.sms import outbox
from bot.sms.line import SmsLine
from bot.sms.provider import InboundText, StatusReport

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/sms", tags=["sms"])

LONGEST_TEXT = 1600
"""Characters of the longest message that a provider delivers."""


def sms_line(provider: str, state: State) -> SmsLine:
    """The line, if it is with the provider in the address.

    Raises:
        Problem: 404, otherwise.
    """
    if state.sms is None or state.sms.provider.name != provider:
        raise Problem(404, "There is nothing at this address.")
    return state.sms


Line = Annotated[SmsLine, Depends(sms_line)]


async def signed_form(request: Request, state: State, line: Line) -> FormData:
    """Every field of a webhook, blank and unknown ones too, once its signature is checked.

    Raises:
        Problem: 415 for anything but a form, 403 without the right signature, 429 for an
            address that keeps trying.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Problem(415, "Only forms are taken here.")
    form = await FormParser(request.headers, request.stream()).parse()
    query = request.url.query
    path = request.url.path + (f"?{query}" if query else "")
    try:
        line.provider.verify(path, form, request.headers)
    except BadSignature as error:
        logger.warning("webhook refused: %s", error.detail)
        await run_in_threadpool(state.limits.forgery, address_of(request))
        raise Problem(403, "The signature does not match.") from error
    return form


Form = Annotated[FormData, Depends(signed_form)]


@router.post("/{provider}/inbound")
async def receive_text(state: State, line: Line, form: Form) -> Response:
    """Store a text message and say so at once; it is answered by a message of its own."""
    try:
        inbound = line.provider.read_inbound(form)
    except InvalidInbound as error:
        # A short code or a name: nobody who could be answered. Refusing it would only make
        # the provider send it again.
        logger.warning("a text message was not taken: %s", error.detail)
        return _acknowledgement(line)
    inbound = replace(inbound, text=printable(inbound.text)[:LONGEST_TEXT])
    await run_in_threadpool(_store, state, line, inbound)
    return _acknowledgement(line)


@router.post("/{provider}/status", status_code=204)
async def receive_status(request: Request, state: State, line: Line, form: Form) -> None:
    """Take a delivery report over. Late, repeated and unknown ones change nothing."""
    try:
        report = line.provider.read_status(form, request.query_params)
    except InvalidInbound as error:
        logger.error("a delivery report was not understood: %s", error.detail)
        raise Problem(422, error.detail) from error
    await run_in_threadpool(_apply, state, report)


def _store(state: AppState, line: SmsLine, inbound: InboundText) -> None:
    """A repeat does not count towards the limit of its number: it is dropped."""
    if line.is_repeat(inbound):
        return
    over_limit = not state.limits.text_message(line.private.lookup(inbound.sender))
    line.receive(inbound, over_limit=over_limit)


def _apply(state: AppState, report: StatusReport) -> None:
    with state.database.transaction() as session:
        row = outbox.apply_report(session, report, state.clock())
    if row is None:
        logger.error("a delivery report names no text message of ours, or a second one")


def _acknowledgement(line: SmsLine) -> Response:
    return Response(line.provider.acknowledgement, media_type=line.provider.acknowledgement_type)
