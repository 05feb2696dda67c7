from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bot.content.files import load_answers
from bot.errors import ContentError
from bot.nlu.course import CourseDays, days_told, load_course, with_course
from bot.settings import ROOT

TUESDAY = date(2026, 11, 24)
COURSE = load_course(ROOT / "data" / "course.yml")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("day 3 and im peeling", 3),
        ("had it 2 days ago", 2),
        ("i had my session yesterday", 1),
        ("me lo hicieron ayer", 1),
        ("me lo hice hace 3 días", 3),
        ("last monday i got it done", 1),
        ("i got needled saturday", 3),
        ("had it done last tuesday", 7),
        ("had it done on wednesday", 6),
        ("fui el lunes pasado", 1),
    ],
)
def test_days_since_treatment_are_counted_to_the_clinics_today(text: str, days: int) -> None:
    assert days_told([text], TUESDAY) == days


@pytest.mark.parametrize(
    "text",
    ["my appointment is on friday", "can i come next monday", "are you open saturday", "hello"],
)
def test_plans_and_opening_days_are_no_days_since(text: str) -> None:
    assert days_told([text], TUESDAY) is None


def test_the_newest_turn_that_says_so_counts() -> None:
    assert days_told(["is that normal?", "had it done yesterday"], TUESDAY) == 1
    assert days_told(["its day 4 now", "had it done yesterday"], TUESDAY) == 4


@pytest.mark.parametrize(("days", "answer"), [(0, "course-day-0-1"), (1, "course-day-0-1"),
    (2, "course-day-2-3"), (3, "course-day-2-3"), (4, "course-day-4-7"), (7, "course-day-4-7"),
    (8, "course-after-one-week")])  # fmt: skip
def test_a_general_question_about_recovery_gets_the_day(days: int, answer: str) -> None:
    got = with_course(["downtime-overview"], ["downtime_recovery"], "ask_downtime", days, COURSE)
    assert got == (answer,)


def test_a_certain_effect_gets_its_answer_and_the_day() -> None:
    topics = ["side_effects_redness_swelling"]
    got = with_course(["side-effects-redness"], topics, "ask_is_this_normal", 3, COURSE)
    assert got == ("side-effects-redness", "course-day-2-3")


@pytest.mark.parametrize(
    ("answer", "topic", "intent", "days"),
    [
        ("aftercare-makeup", "aftercare", "ask_aftercare", 3),
        ("side-effects-redness", "side_effects_redness_swelling", "ask_side_effects", 3),
        ("downtime-overview", "downtime_recovery", "ask_downtime", None),
        ("downtime-overview", "downtime_recovery", "ask_downtime", 400),
    ],
)
def test_other_questions_keep_their_answer(
    answer: str, topic: str, intent: str, days: int | None
) -> None:
    assert with_course([answer], [topic], intent, days, COURSE) == (answer,)


def test_every_course_answer_is_published() -> None:
    published = {d.id for d in load_answers(ROOT / "data" / "answers") if d.status == "published"}
    assert {c.answer_id for c in COURSE} <= published


def test_two_answers_for_one_day_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "course.yml"
    path.write_text("- {answer: a, from: 0, to: 2}\n- {answer: b, from: 2, to: 3}\n")
    with pytest.raises(ContentError, match="same day"):
        load_course(path)
    path.write_text("- {answer: a, from: 0, to: 1}\n- {answer: b, from: 2, to: 3}\n")
    assert load_course(path)[1] == CourseDays("b", 2, 3)
