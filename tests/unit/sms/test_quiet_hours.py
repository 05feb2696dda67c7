"""The hours in which we start nothing."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bot.errors import SettingsError
from bot.sms.quiet_hours import is_quiet, read_quiet_hours

ELK_GROVE = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("clock", "hours", "quiet"),
    [
        ("20:59", "21:00-08:00", False),
        ("21:00", "21:00-08:00", True),
        ("00:00", "21:00-08:00", True),
        ("07:59", "21:00-08:00", True),
        ("08:00", "21:00-08:00", False),
        ("12:00", "21:00-08:00", False),
        ("12:30", "12:00-13:00", True),
        ("13:00", "12:00-13:00", False),
        ("03:00", "00:00-00:00", False),
    ],
)
def test_quiet_hours_are_clinic_time_and_may_span_midnight(
    clock: str, hours: str, quiet: bool
) -> None:
    for day in ("2026-01-15", "2026-07-15"):
        local = datetime.fromisoformat(f"{day}T{clock}:00").replace(tzinfo=ELK_GROVE)
        utc = local.astimezone(ZoneInfo("UTC"))
        assert is_quiet(utc, read_quiet_hours(hours), ELK_GROVE) == quiet


@pytest.mark.parametrize("text", ["", "21:00", "21-8", "25:00-08:00", "nine to five"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="SMS_QUIET_HOURS"):
        read_quiet_hours(text)
