from __future__ import annotations

import itertools

import pytest

from bot.conversations.escalation_states import (
    ACKNOWLEDGED,
    IN_PROGRESS,
    OPEN,
    OUTCOMES,
    RESOLVED,
    STATUSES,
    TRANSITIONS,
    next_status,
)

LEGAL = {
    ("acknowledge", OPEN): ACKNOWLEDGED,
    ("acknowledge", ACKNOWLEDGED): ACKNOWLEDGED,
    ("acknowledge", IN_PROGRESS): IN_PROGRESS,
    ("work on", OPEN): IN_PROGRESS,
    ("work on", ACKNOWLEDGED): IN_PROGRESS,
    ("work on", IN_PROGRESS): IN_PROGRESS,
    ("assign", OPEN): OPEN,
    ("assign", ACKNOWLEDGED): ACKNOWLEDGED,
    ("assign", IN_PROGRESS): IN_PROGRESS,
    ("raise", OPEN): OPEN,
    ("raise", ACKNOWLEDGED): OPEN,
    ("raise", IN_PROGRESS): OPEN,
    ("lower", OPEN): ACKNOWLEDGED,
    ("lower", ACKNOWLEDGED): ACKNOWLEDGED,
    ("lower", IN_PROGRESS): IN_PROGRESS,
    ("note", OPEN): OPEN,
    ("note", ACKNOWLEDGED): ACKNOWLEDGED,
    ("note", IN_PROGRESS): IN_PROGRESS,
    ("note", RESOLVED): RESOLVED,
    ("resolve", ACKNOWLEDGED): RESOLVED,
    ("resolve", IN_PROGRESS): RESOLVED,
    ("reopen", RESOLVED): OPEN,
}


@pytest.mark.parametrize(("action", "status"), itertools.product(TRANSITIONS, STATUSES))
def test_each_action_leads_where_it_should_or_nowhere(action: str, status: str) -> None:
    assert next_status(action, status) == LEGAL.get((action, status))


def test_an_unknown_action_is_a_mistake_in_the_program() -> None:
    with pytest.raises(KeyError):
        next_status("forget", OPEN)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_outcome_fits_its_column_and_has_words_for_staff(outcome: str) -> None:
    assert len(outcome) <= 32
    assert OUTCOMES[outcome]
