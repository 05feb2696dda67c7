"""Red flags that the database could not take: kept in files until it can.

One file per message, readable by us alone and encrypted, in a folder that the web app and
the worker share. The worker stores them once the database is back (`set_aside_return`).
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.errors import PrivateDataUnreadable
from bot.private_data import PrivateData

logger = logging.getLogger(__name__)

UNKNOWN_CONVERSATION = "session:"
"""Before the hash of a session, where the database could not say which conversation it is."""
RESERVE_BYTES = 262_144
"""Kept free for the day the disk is full: room for some sixty messages of 2,000 characters."""

_SUFFIX = ".message"
_RESERVE = "reserve"


@dataclass(frozen=True, slots=True)
class Said:
    """The reply that the patient was shown."""

    public_id: str
    text: str
    wording: str | None


@dataclass(frozen=True, slots=True)
class AsideMessage:
    """A red flag with what was said to it. ``received_at`` is ISO 8601, aware, in UTC.

    ``triage`` is what `transcript.verdict_record` made of the verdict.
    """

    channel: str
    conversation_id: str
    client_message_id: str
    received_at: str
    public_id: str
    text: str
    tier: int
    triage: dict[str, Any]
    outcome: str
    latency_ms: float
    reply: Said


class SetAside:
    """The files. Safe to call from several threads and processes."""

    def __init__(self, folder: Path, private_data: PrivateData) -> None:
        """Name the folder; nothing is opened here."""
        self._folder = folder
        self._private_data = private_data
        self._lock = threading.Lock()
        self._held: dict[str, AsideMessage] = {}

    def prepare(self) -> None:
        """Make the folder and lay by the reserve. Never raises: a chat without it is better
        than none, and what goes wrong is logged.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lay_by()
        except OSError as error:
            logger.critical("red flags cannot be set aside: %s", type(error).__name__)

    def keep(self, message: AsideMessage) -> AsideMessage:
        """Keep a message, or find it kept already. Never raises.

        Returns:
            What is kept: of a repeat the first one, so that it gets the same answer.
        """
        name = self._name(message.conversation_id, message.client_message_id)
        with self._lock:
            first = self._held.get(name) or self._read(self._folder / f"{name}{_SUFFIX}")
            if first is not None:
                return first
            self._held[name] = message
            self._write_held()
        return message

    def waiting(self) -> int:
        """How many messages wait to be stored; those held in memory are written if they can."""
        with self._lock:
            self._write_held()
            return len(self._held) + len(self._paths())

    def kept(self) -> Iterator[tuple[Path, AsideMessage]]:
        """What can be read of the files, oldest message first."""
        found = [(path, self._read(path)) for path in self._paths()]
        readable = [(path, message) for path, message in found if message is not None]
        yield from sorted(readable, key=lambda pair: pair[1].received_at)

    def forget(self, path: Path) -> None:
        """Remove a message that the database has; the reserve is laid by anew."""
        path.unlink(missing_ok=True)
        try:
            self._lay_by()
        except OSError as error:
            logger.error("no reserve for red flags: %s", type(error).__name__)

    def _name(self, conversation_id: str, client_message_id: str) -> str:
        return self._private_data.lookup(f"{conversation_id}\n{client_message_id}")[:32]

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    def _read(self, path: Path) -> AsideMessage | None:
        """The message of a file; None when there is none, or (logged) it cannot be read."""
        try:
            record = json.loads(self._private_data.decrypt(path.read_text(encoding="ascii")))
            record["reply"] = Said(**record["reply"])
            return AsideMessage(**record)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, PrivateDataUnreadable) as error:
            # A folder that is no folder is `_write_held`'s to complain of.
            if not isinstance(error, NotADirectoryError):
                logger.critical("%s cannot be read: %s", path.name, type(error).__name__)
            return None

    def _write_held(self) -> None:
        """Write what is only in memory. The caller has the lock."""
        for name, message in list(self._held.items()):
            token = self._private_data.encrypt(json.dumps(asdict(message)))
            try:
                try:
                    self._write(name, token)
                except OSError:
                    # The disk may be full: this is what the reserve is for.
                    (self._folder / _RESERVE).unlink(missing_ok=True)
                    self._write(name, token)
            except OSError as error:
                logger.critical(
                    "message %s is only in memory: %s", message.public_id, type(error).__name__
                )
                continue
            del self._held[name]

    def _write(self, name: str, token: str) -> None:
        """Whole or not at all, and on the disk before the patient is answered."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / f"{name}.part"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._folder / f"{name}{_SUFFIX}")
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _lay_by(self) -> None:
        descriptor = os.open(self._folder / _RESERVE, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
