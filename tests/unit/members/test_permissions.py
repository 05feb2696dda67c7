from __future__ import annotations

from itertools import product

import pytest

from bot.members.permissions import PERMISSIONS, May, Role, as_markdown, may
from bot.settings import ROOT


def test_every_permission_is_in_the_table() -> None:
    assert set(PERMISSIONS) == set(May)


def test_the_documented_table_is_the_table_in_force() -> None:
    assert as_markdown() in (ROOT / "docs" / "console.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("role", list(Role))
def test_every_role_can_sign_in_and_read_conversations(role: Role) -> None:
    assert may(role, May.USE_CONSOLE)
    assert may(role, May.SEE_TRANSCRIPTS)


@pytest.mark.parametrize(
    "permission",
    [
        May.MANAGE_STAFF,
        May.USE_SWITCHES,
        May.SEE_AUDIT,
        May.HOLD_AND_ERASE,
        May.EXPORT_IN_FULL,
    ],
)
def test_what_reaches_beyond_one_conversation_is_for_admins_alone(permission: May) -> None:
    assert PERMISSIONS[permission].roles == {Role.ADMIN}


@pytest.mark.parametrize(
    ("role", "permission"),
    [
        *product([Role.REVIEWER], [May.WORK_QUEUE, May.LOWER_TIER]),
        *product([Role.AGENT], [May.LOWER_TIER, May.EDIT_ANSWERS, May.EXPORT_REDACTED]),
        *product([Role.REVIEWER, Role.AGENT, Role.ADMIN], [May.APPROVE_ANSWERS]),
    ],
)
def test_clinical_judgement_is_left_to_clinicians(role: Role, permission: May) -> None:
    assert not may(role, permission)
