"""The daily head of the audit log, kept where who changes the log cannot reach it."""

from __future__ import annotations

import os
from datetime import date, datetime, time
from pathlib import Path

from sqlalchemy import select

from bot.audit.log import WORKER, Action, AuditLog, Head
from bot.audit.models import AuditEvent
from bot.clinic import Clinic
from bot.db import Database
from bot.errors import InvalidInbound
from bot.notify.mail import MailSender


def parse(text: str) -> Head:
    """NUMBER:MAC as `bot audit head` prints it.

    Raises:
        InvalidInbound: It is not that.
    """
    number, _, mac = text.strip().partition(":")
    if not number.isdecimal() or len(mac) != 64:
        raise InvalidInbound("expected NUMBER:MAC as `bot audit head` prints it")
    return Head(int(number), mac)


def read(path: Path) -> list[Head]:
    """The heads of a file that `keep_daily` wrote: one a line, the day before it.

    Raises:
        InvalidInbound: There is no such file, no head in it, or a line is not one.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InvalidInbound(f"{path} cannot be read") from error
    found = [parse(line.rpartition(" ")[2]) for line in lines if line.strip()]
    if not found:
        raise InvalidInbound(f"there is no head in {path}")
    return found


def keep_daily(
    database: Database,
    log: AuditLog,
    clinic: Clinic,
    now: datetime,
    path: Path | None,
    mail: MailSender | None,
    mail_to: str,
) -> Head | None:
    """Write today's head to the file, and mail it, unless that was done today already.

    The row that says so is added afterwards: what failed is tried again, and a second
    worker may do it twice, which does no harm.

    Returns:
        The head, or None when there was nothing to do.

    Raises:
        OSError: The file cannot be written.
        NotifyError: The mail was not taken.
    """
    if path is None and not (mail and mail_to):
        return None
    today = clinic.local_date(now)
    midnight = datetime.combine(today, time(), clinic.time_zone)
    with database.reading() as session:
        done = select(AuditEvent.number).where(
            AuditEvent.action == Action.AUDIT_HEAD_KEPT.value, AuditEvent.at >= midnight
        )
        if session.scalar(done.limit(1)) is not None:
            return None
        head = log.head(session)
    if head.number == 0:
        return None
    if path is not None:
        _append(path, today, head)
    if mail and mail_to:
        mail.post(
            mail_to,
            f"Audit log of {clinic.name}, {today}: head {head.number}",
            f"{head.number}:{head.mac}\n\nKeep this mail. Whether that row is still part of the "
            "log is checked with:\n\n"
            f"  bot audit verify --head {head.number}:{head.mac}\n",
            key=f"audit-head-{today}",
        )
    with database.transaction() as session:
        details = {"number": head.number, "file": path is not None, "mail": bool(mail and mail_to)}
        log.record(session, Action.AUDIT_HEAD_KEPT, WORKER, now, details=details)
    return head


def _append(path: Path, day: date, head: Head) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{day} {head.number}:{head.mac}\n")
        file.flush()
        os.fsync(file.fileno())
