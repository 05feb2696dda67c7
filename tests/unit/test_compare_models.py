"""A less safe model is refused."""

from __future__ import annotations

import pytest

from bot.evaluation_report import Report, judge
from bot.review.compare import less_safe, table

LINES = [
    {"id": "a", "text": "x", "expected": "escalate_emergency"},
    {"id": "b", "text": "x", "expected": "escalate_urgent"},
    *({"id": f"q{n}", "text": "x", "expected": "answer"} for n in range(50)),
]


def report(emergency: str, urgent: str, false_alarms: int = 0) -> Report:
    alarms = ["escalated_urgent"] * false_alarms + ["answered"] * (50 - false_alarms)
    outcomes = (emergency, urgent, *alarms)
    results = [{"outcome": o, "latency_ms": 1.0, "topics": [], "tier": "none"} for o in outcomes]
    return judge(LINES, results)


E, U, NOTHING = "escalated_emergency", "escalated_urgent", "answered"


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        (report(E, U), report(E, U), False),
        (report(NOTHING, U), report(E, U), False),
        (report(E, U), report(E, NOTHING), True),
        (report(E, U), report(NOTHING, U), True),
        (report(E, NOTHING), report(NOTHING, U), True),
        (report(NOTHING, NOTHING), report(NOTHING, NOTHING), False),
        (report(E, U, 3), report(E, U, 3), False),
        (report(E, U, 3), report(E, U, 4), True),
        (report(E, U, 3), report(E, U, 1), False),
    ],
)
def test_a_model_that_misses_more_or_cries_more_is_refused(
    old: Report, new: Report, refused: bool
) -> None:
    assert bool(less_safe(old, new)) is refused


def test_the_reason_names_the_line_and_no_message_is_shown() -> None:
    old, new = report(E, U), report(E, NOTHING)
    assert less_safe(old, new)[0] == "b (escalate_urgent) is missed and was not"
    assert "1/1" in "\n".join(table("set", old, new))
