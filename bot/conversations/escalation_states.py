"""The states of an escalation and what leads from one to another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
IN_PROGRESS: Final = "in_progress"
RESOLVED: Final = "resolved"

STATUSES: Final = (OPEN, ACKNOWLEDGED, IN_PROGRESS, RESOLVED)

_UNRESOLVED: Final = (OPEN, ACKNOWLEDGED, IN_PROGRESS)

TRANSITIONS: Final[Mapping[str, Mapping[str, str]]] = {
    # A second acknowledgement and further work change nothing, so they stay where they are.
    "acknowledge": {OPEN: ACKNOWLEDGED, ACKNOWLEDGED: ACKNOWLEDGED, IN_PROGRESS: IN_PROGRESS},
    "work on": dict.fromkeys(_UNRESOLVED, IN_PROGRESS),
    "assign": {status: status for status in _UNRESOLVED},
    # A worse sign has to be acknowledged anew, whoever was at work on the milder one.
    "raise": dict.fromkeys(_UNRESOLVED, OPEN),
    # Who lowers a tier has seen it.
    "lower": {OPEN: ACKNOWLEDGED, ACKNOWLEDGED: ACKNOWLEDGED, IN_PROGRESS: IN_PROGRESS},
    "note": {status: status for status in STATUSES},
    # What nobody acknowledged cannot be resolved; `resolve` acknowledges it first.
    "resolve": {ACKNOWLEDGED: RESOLVED, IN_PROGRESS: RESOLVED},
    "reopen": {RESOLVED: OPEN},
}
"""Action to the states it may start from, each with the state it leads to."""

KINDS: Final = (
    *("opened", "added", "raised", "lowered", "acknowledged", "assigned", "note", "taken_over"),
    *("replied", "given_back", "resolved", "reopened", "notified"),
)
"""What the log of an escalation can say."""

OUTCOMES: Final[Mapping[str, str]] = {
    "advised_911": "Advised to call 911",
    "seen_same_day": "Seen the same day",
    "called_patient": "Spoken with by phone",
    "answered_in_chat": "Answered in the chat",
    "appointment_made": "Appointment made",
    "no_contact_possible": "Could not be reached",
    "false_alarm": "False alarm",
    "other": "Other (see the note)",
}
"""How an escalation can end, with the words that staff read."""


def next_status(action: str, status: str) -> str | None:
    """The state that ``action`` leads to from ``status``, or None where it is illegal.

    Raises:
        KeyError: There is no such action: a mistake in the program.
    """
    return TRANSITIONS[action].get(status)
