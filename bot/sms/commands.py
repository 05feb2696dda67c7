"""`bot sms …`: a patient's phone in the terminal, and opting a number out."""

from __future__ import annotations

import time

from sqlalchemy import select

from bot.app_state import AppState, open_app_state
from bot.errors import BotError, InvalidInbound
from bot.settings import Settings
from bot.sms.models import SmsInbound, SmsOutbound
from bot.sms.provider import InboundText
from bot.sms.simulator import new_message_id
from bot.sms.twilio import e164

WAIT_S = 60.0
"""Longest wait for an answer; the first one after a start may be slow."""


class SmsCommandError(BotError):
    """A command cannot be carried out. The text says why."""


def send(settings: Settings, number: str, text: str, media_count: int = 0) -> list[str]:
    """Text as a patient would, and wait for what comes back.

    Works beside the running product, which may answer first, or alone.

    Returns:
        The text messages that the phone gets.

    Raises:
        SmsCommandError: The line is not simulated, or no answer came in time.
    """
    if settings.sms_provider != "simulator":
        raise SmsCommandError("this only works with SMS_PROVIDER=simulator")
    sender = _number(number)
    state = open_app_state(settings)
    try:
        return _send(state, InboundText(new_message_id(), sender, text, media_count))
    finally:
        state.close()


def opt_out(settings: Settings, number: str) -> None:
    """Send a number nothing more, because somebody asked for it otherwise than by text.

    Raises:
        SmsCommandError: The line is off.
    """
    sender = _number(number)
    state = open_app_state(settings)
    try:
        if state.sms is None:
            raise SmsCommandError("the SMS line is off; see SMS_PROVIDER in docs/settings.md")
        state.sms.opt_out(sender)
    finally:
        state.close()


def _send(state: AppState, inbound: InboundText) -> list[str]:
    line = state.sms
    if line is None:
        raise SmsCommandError("the SMS line is off")
    with state.database.reading() as session:
        last = session.scalar(select(SmsOutbound.id).order_by(SmsOutbound.id.desc()).limit(1)) or 0
    line.receive(inbound)
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        worked = line.work_once()
        with state.database.reading() as session:
            row = session.scalars(
                select(SmsInbound).where(SmsInbound.provider_id == inbound.provider_id)
            ).one()
            ours = session.scalars(
                select(SmsOutbound)
                .where(SmsOutbound.conversation_id == row.conversation_id, SmsOutbound.id > last)
                .order_by(SmsOutbound.id)
            ).all()
        if row.done_at and not any(each.status in ("queued", "sending") for each in ours):
            return [each.body for each in ours if each.status in ("sent", "delivered")]
        if not worked:
            time.sleep(0.2)
    raise SmsCommandError("no answer came in time; is `make run` on, and did it say Ready?")


def _number(number: str) -> str:
    try:
        return e164(number)
    except InvalidInbound as error:
        raise SmsCommandError(
            f"{error.detail} Write it in international form: +19165550123"
        ) from error
