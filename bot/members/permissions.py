"""Who may do what: the one table. `docs/console.md` shows it, a test compares both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Role(str, Enum):
    """What a member of staff is to the console; one each."""

    REVIEWER = "reviewer"
    AGENT = "agent"
    CLINICIAN = "clinician"
    ADMIN = "admin"


class May(str, Enum):
    """One thing that a page lets staff do. Each console route names exactly one."""

    USE_CONSOLE = "use_console"
    SEE_QUEUE = "see_queue"
    WORK_QUEUE = "work_queue"
    LOWER_TIER = "lower_tier"
    SEE_TRANSCRIPTS = "see_transcripts"
    EXPORT_REDACTED = "export_redacted"
    EXPORT_IN_FULL = "export_in_full"
    REVIEW = "review"
    CLOSE_MISSED = "close_missed"
    SEE_ANSWERS = "see_answers"
    EDIT_ANSWERS = "edit_answers"
    APPROVE_ANSWERS = "approve_answers"
    SEE_FIGURES = "see_figures"
    MANAGE_STAFF = "manage_staff"
    USE_SWITCHES = "use_switches"
    SEE_AUDIT = "see_audit"
    HOLD_AND_ERASE = "hold_and_erase"


@dataclass(frozen=True, slots=True)
class Grant:
    """Which roles hold a permission, and what it means in words for people."""

    roles: frozenset[Role]
    meaning: str


_R, _A, _C, _ADMIN = Role.REVIEWER, Role.AGENT, Role.CLINICIAN, Role.ADMIN


def _grant(meaning: str, *roles: Role) -> Grant:
    return Grant(frozenset(roles), meaning)


PERMISSIONS: Mapping[May, Grant] = {
    May.USE_CONSOLE: _grant("Sign in, own account and sessions", _R, _A, _C, _ADMIN),
    May.SEE_QUEUE: _grant("See the queue of escalations", _R, _A, _C, _ADMIN),
    May.WORK_QUEUE: _grant(
        "Acknowledge, take over, reply, note, assign, raise a tier, resolve, reopen, give back",
        *(_A, _C, _ADMIN),
    ),
    May.LOWER_TIER: _grant("Lower the tier of an escalation", _C, _ADMIN),
    May.SEE_TRANSCRIPTS: _grant("Read conversations", _R, _A, _C, _ADMIN),
    May.EXPORT_REDACTED: _grant(
        "Export transcripts with redaction, make conversation tests", *(_R, _C, _ADMIN)
    ),
    May.EXPORT_IN_FULL: _grant("Export transcripts without redaction", _ADMIN),
    May.REVIEW: _grant("Review messages and flag them", _R, _C, _ADMIN),
    May.CLOSE_MISSED: _grant("Close missed escalations", _C, _ADMIN),
    May.SEE_ANSWERS: _grant("See answers and red-flag rules, try a message", _R, _A, _C, _ADMIN),
    May.EDIT_ANSWERS: _grant("Edit answers and submit them for review", _R, _C, _ADMIN),
    May.APPROVE_ANSWERS: _grant("Approve, publish, retire and roll back answers", _C),
    May.SEE_FIGURES: _grant("See the figures", _R, _A, _C, _ADMIN),
    May.MANAGE_STAFF: _grant("Add staff, change roles, end anybody's sessions", _ADMIN),
    May.USE_SWITCHES: _grant("Switch the bot, a channel or an answer off and on", _ADMIN),
    May.SEE_AUDIT: _grant("Read the audit log", _ADMIN),
    May.HOLD_AND_ERASE: _grant("Put a conversation on legal hold, erase a person", _ADMIN),
}


def may(role: Role, permission: May) -> bool:
    """Whether the table gives this role this permission."""
    return role in PERMISSIONS[permission].roles


def as_markdown() -> str:
    """The table as `docs/console.md` shows it."""
    lines = [
        f"| Permission | What it lets one do | {' | '.join(role.value for role in Role)} |",
        f"|---|---|{'---|' * len(Role)}",
    ]
    for permission, grant in PERMISSIONS.items():
        marks = " | ".join("yes" if role in grant.roles else "–" for role in Role)
        lines.append(f"| `{permission.value}` | {grant.meaning} | {marks} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_markdown())  # noqa: T201 - for pasting into the documentation
