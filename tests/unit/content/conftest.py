"""A draft that passes every check, for tests to spoil in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.clinic import Clinic, load_clinic
from bot.content.files import AnswerDraft

SOUND = AnswerDraft(
    id="aftercare-makeup",
    topic="aftercare",
    title="Makeup after treatment",
    body=(
        "Most people leave makeup off for the first day after a visit, and some clinics say two."
        " Then use clean brushes and light products.\n\n"
        "Your written instructions come first. Call {phone} if your skin stings, swells or oozes."
    ),
    sms="Leave makeup off for the first day, then use clean brushes. Questions: {phone}",
    phrasings=(
        "when can i wear makeup again",
        "is foundation ok the next day",
        "mascara after needling?",
        "how long no make up",
        "work tomorrow, can i cover my face",
        "bb cream after session",
    ),
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


@pytest.fixture
def make_draft() -> Callable[..., AnswerDraft]:
    def make(**changes: Any) -> AnswerDraft:
        return replace(SOUND, **changes)

    return make


@pytest.fixture(scope="session")
def clinic() -> Clinic:
    return load_clinic(Path(__file__).resolve().parents[3] / "data" / "clinic.yml")
