"""The hours in which we start no conversation. Replies are not held back."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from bot.errors import SettingsError


def is_quiet(at: datetime, hours: tuple[time, time], zone: ZoneInfo) -> bool:
    """Whether a moment lies in the quiet hours of the clinic's zone.

    Args:
        at: Aware, in any zone.
        hours: From and until; ``until`` itself is no longer quiet. They may span midnight;
            equal times mean that there are none.
    """
    start, end = hours
    clock = at.astimezone(zone).time()
    if start <= end:
        return start <= clock < end
    return clock >= start or clock < end


def read_quiet_hours(text: str) -> tuple[time, time]:
    """Read ``21:00-08:00``.

    Raises:
        SettingsError: It does not read so.
    """
    try:
        start, end = (time.fromisoformat(part) for part in text.split("-"))
    except ValueError as error:
        raise SettingsError("SMS_QUIET_HOURS", 'must look like "21:00-08:00"') from error
    return start, end
