"""The expected course of the day that a patient is on. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from bot.errors import ContentError
from bot.triage.text import WordCutter
from bot.triage.timing import days_since

TOLD_BY_DAY = frozenset({"downtime-overview", "expected-course-by-day"})
"""General answers that the one of the very day replaces."""
COURSE_TOPICS = frozenset(
    {
        "downtime_recovery",
        "side_effects_general",
        "side_effects_redness_swelling",
        "side_effects_irritation_dryness",
        "side_effects_bruising_pain",
    }
)
ASKS_OF_NOW = frozenset({"ask_is_this_normal", "ask_downtime"})

_CUTTER = WordCutter()


@dataclass(frozen=True, slots=True)
class CourseDays:
    """An answer and the days since treatment that it tells about, both included."""

    answer_id: str
    first: int
    last: int


def load_course(path: Path) -> tuple[CourseDays, ...]:
    """Read `data/course.yml`.

    Raises:
        ContentError: An entry is malformed, or two claim the same day.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
        course = tuple(CourseDays(e["answer"], int(e["from"]), int(e["to"])) for e in entries)
    except (KeyError, TypeError, ValueError) as error:
        raise ContentError("each entry needs answer, from and to", path=path) from error
    days = [day for part in course for day in range(part.first, part.last + 1)]
    if len(days) != len(set(days)):
        raise ContentError("two answers claim the same day", path=path)
    return course


def days_told(texts: Sequence[str], today: date | None) -> int | None:
    """Days since treatment as the newest of these turns that says so tells it.

    Args:
        texts: Turns of the patient, newest first.
        today: The clinic's local date, for weekdays.
    """
    for text in texts:
        days = days_since(_CUTTER.cut(text), today)
        if days is not None:
            return days
    return None


def with_course(
    answer_ids: Sequence[str],
    topics: Sequence[str],
    intent: str,
    days: int | None,
    course: Sequence[CourseDays],
) -> tuple[str, ...]:
    """The chosen answers with the expected course of the day put in.

    A general answer about recovery, or one of another day, gives way to the day's own. Who
    asks whether a certain effect is as expected gets the answer about it and the day's.

    Args:
        answer_ids: What was chosen, best first.
        topics: Their topics.
        intent: The message's.
        days: Days since the treatment, or None when nobody said.
        course: `data/course.yml`.
    """
    of_day = next(
        (c.answer_id for c in course if days is not None and c.first <= days <= c.last), None
    )
    chosen = tuple(answer_ids)
    if of_day is None or not chosen or topics[0] not in COURSE_TOPICS:
        return chosen
    told = TOLD_BY_DAY | {c.answer_id for c in course}
    if chosen[0] in told:
        return tuple(dict.fromkeys([of_day, *(a for a in chosen[1:] if a not in told)]))
    if intent in ASKS_OF_NOW:
        return tuple(dict.fromkeys([chosen[0], of_day]))
    return chosen
