"""Rendering pages: templates, filters and headers."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.members.permissions import May
from bot.messages import Tier

FOLDER = Path(__file__).resolve().parent

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "Cache-Control": "no-store",
    # With no-referrer, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

NAVIGATION: tuple[tuple[str, str, May], ...] = (
    ("/console/queue", "Queue", May.SEE_QUEUE),
    ("/console/transcripts", "Transcripts", May.SEE_TRANSCRIPTS),
    ("/console/review", "Review", May.REVIEW),
    ("/console/answers", "Answers", May.SEE_ANSWERS),
    ("/console/try", "Try it", May.SEE_ANSWERS),
    ("/console/figures", "Figures", May.SEE_FIGURES),
    ("/console/staff", "Staff", May.MANAGE_STAFF),
    ("/console/switches", "Switches", May.USE_SWITCHES),
    ("/console/privacy", "Privacy", May.HOLD_AND_ERASE),
    ("/console/audit", "Audit", May.SEE_AUDIT),
)
"""Path, label and needed permission of what the top bar offers, in its order."""

NOTICES = {
    "signed-out": "You are signed out.",
    "ended": "You were signed out because nothing was done for a while. Please sign in again.",
    "saved": "Saved.",
    "filter-saved": "Saved. Its link is above the list; only you see it.",
    "filter-removed": "The saved filter is removed.",
    "submitted": "Submitted. A clinician other than the author can approve it now.",
    "published": "Published. Patients get this wording within five seconds.",
    "retired": "Retired. Patients no longer get this answer.",
    "reviewed": "Kept. This is the next one.",
    "list-done": "Kept. That was the last one of the list.",
    "password-changed": "Your password is changed. Other sessions were ended.",
    "session-ended": "That session is ended.",
    "role-changed": "The role is changed. It counts at once.",
    "disabled": "The account is disabled and its sessions are ended.",
    "enabled": "The account can be used again.",
    "acknowledged": "Acknowledged.",
    "assigned": "Assigned.",
    "taken": "You have this conversation now. The patient was told, and the assistant is silent.",
    "taken-unheard": "You have this conversation now, and the assistant is silent. This number has "
    "opted out of text messages, so the patient was not told.",
    "given-back": "The assistant answers this patient again. Resolve the escalation when done.",
    "sent": "Sent.",
    "noted": "Noted.",
    "tier-changed": "The tier is changed.",
    "resolved": "Resolved.",
    "reopened": "Reopened.",
    "held": "On legal hold: neither retention nor anybody's wish erases it.",
    "released": "The hold is released.",
    "erased": "Erased here and in the dialogue's own record. The audit log says that it was done.",
    "switched-off": "Switched off. It counts within a second.",
    "switched-on": "Switched on. It counts within a second.",
    "codes-removed": "The authenticator is removed. It will be set up anew at the next sign-in.",
}
"""What a page tells after a change, by the key in its address."""


@cache
def templates() -> Environment:
    """The templates. Everything put into a page is escaped; a missing value is an error."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clinic_time=clinic_time, age=age, tier_name=tier_name, iso=iso)
    environment.globals.update(navigation=NAVIGATION, notices=NOTICES)
    return environment


def render(template: str, status: int = 200, **context: Any) -> Response:
    """A page with the console's headers."""
    text = templates().get_template(template).render(**context)
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def bare_page(status: int, detail: str) -> Response:
    """A page for when not even the layout can be made, such as with the database down."""
    return render("bare.html", status, detail=detail)


def clinic_time(at: datetime | None, zone: ZoneInfo, form: str = "%b %-d, %-I:%M %p") -> str:
    """A time as people at the clinic say it; empty for None."""
    return "" if at is None else at.astimezone(zone).strftime(form)


def iso(at: datetime) -> str:
    """A time for scripts and `<time datetime>`."""
    return at.isoformat(timespec="seconds")


def age(seconds: float) -> str:
    """A span of time in its largest units: ``45 s``, ``12 min``, ``2 h 05 min``, ``3 d 4 h``."""
    whole = int(max(0, seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def tier_name(tier: int) -> str:
    """``EMERGENCY``, ``URGENT`` …, the word staff use."""
    return Tier(tier).name
