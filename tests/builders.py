"""Values for tests: valid as they are, with what a test cares about changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bot.clinic import Clinic, load_clinic
from bot.content.files import AnswerDraft
from bot.messages import Button, InboundMessage
from bot.settings import ROOT, SECRETS, Settings, load_settings
from bot.staff import StaffPlan, load_staff

NOON = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
"""Monday noon in Elk Grove: the clinic is open."""
MIDNIGHT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
"""Monday midnight in Elk Grove: the clinic is closed."""


SECRET_SETTINGS = {name: f"test-{name.lower()}-" + "x" * 40 for name in SECRETS}
"""A value for every secret that must be set."""


def settings(folder: Path, **changes: Any) -> Settings:
    environ = {
        **SECRET_SETTINGS,
        "DATABASE_URL": f"sqlite:///{folder}/clinic.db",
        "RASA_DATABASE_URL": f"sqlite:///{folder}/rasa.db",
        "VAR_FOLDER": str(folder),
    }
    return replace(load_settings(environ), **changes)


def clinic() -> Clinic:
    return load_clinic(ROOT / "data" / "clinic.yml")


def staff() -> StaffPlan:
    return load_staff(ROOT / "data" / "staff.yml")


def draft(answer_id: str = "aftercare-makeup", **changes: Any) -> AnswerDraft:
    base = AnswerDraft(
        id=answer_id,
        topic="aftercare",
        title="Makeup after treatment",
        body="Wait a day before makeup. Call {phone} with any question.",
        sms="Wait a day before makeup. Questions: {phone}",
        phrasings=("when can i wear makeup", "makeup after needling"),
        related=(),
        referral="none",
        source=("D6",),
        owner="Medical lead",
        approved_by="Sample sign-off",
        approved_on=date(2026, 11, 2),
        review_due=date(2027, 11, 1),
        status="published",
        sample=True,
    )
    return replace(base, **changes)


def inbound(text: str | None = "does it hurt", **changes: Any) -> InboundMessage:
    base = InboundMessage(
        channel="web",
        conversation_id="c1",
        client_message_id="message-0001",
        received_at=NOON,
        text=text,
    )
    return replace(base, **changes)


def button(button_id: str, title: str) -> Button:
    return Button(button_id, title)
