"""Switching off and on, and asking what is off without asking the database each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.audit.log import Action, Actor, AuditLog
from bot.content.models import Answer
from bot.content.store import raise_revision
from bot.errors import BotError
from bot.switches.models import Switch

BOT: Final = "bot"
CHANNELS: Final = ("web", "sms")
ANSWER: Final = "answer:"
CHANNEL: Final = "channel:"
MAX_AGE_S: Final = 1.0
"""A switch counts everywhere within this time."""


class SwitchError(BotError):
    """There is no such switch. The text says which there are."""


def switches_off(session: Session) -> list[Switch]:
    """What is off now, by name."""
    return list(session.scalars(select(Switch).order_by(Switch.name)))


def turn(
    session: Session, log: AuditLog, name: str, off: bool, actor: Actor, now: datetime
) -> bool:
    """Switch something off or on. What is so already stays so and is not recorded again.

    Returns:
        Whether anything changed.

    Raises:
        SwitchError: There is no such channel or answer.
    """
    _check(session, name)
    row = session.get(Switch, name, with_for_update=True)
    if (row is not None) is off:
        return False
    if row is None:
        session.add(Switch(name=name, off_since=now, off_by=actor.name))
    else:
        session.delete(row)
    if name.startswith(ANSWER):
        raise_revision(session)  # every index of answers is made anew
    log.record(
        session, Action.SWITCHED_OFF if off else Action.SWITCHED_ON, actor, now, "switch", name[:64]
    )
    return True


class Switches:
    """What is off, looked up at most once a second. Safe to use from several threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nothing is opened here."""
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._off: frozenset[str] = frozenset()
        self._read_at: float | None = None

    def silences(self, session: Session, channel: str) -> bool:
        """Whether the assistant may not answer on this channel."""
        off = self.off(session)
        return BOT in off or f"{CHANNEL}{channel}" in off

    def off(self, session: Session) -> frozenset[str]:
        """Names of everything that is off."""
        with self._lock:
            now = self._monotonic()
            if self._read_at is None or now - self._read_at >= MAX_AGE_S:
                self._off = frozenset(session.scalars(select(Switch.name)))
                self._read_at = now
            return self._off


def _check(session: Session, name: str) -> None:
    if name == BOT or name in {CHANNEL + channel for channel in CHANNELS}:
        return
    if name.startswith(ANSWER) and session.get(Answer, name.removeprefix(ANSWER)) is not None:
        return
    known = ", ".join([BOT, *(CHANNEL + channel for channel in CHANNELS), f"{ANSWER}<id>"])
    raise SwitchError(f"There is no such switch. There are: {known}.")
