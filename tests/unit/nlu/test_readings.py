from __future__ import annotations

from bot.nlu.answer_index import Candidate
from bot.nlu.readings import CONTEXT, LINKED, PART, WHOLE, Reading, texts_to_read

BEFORE = {"text": "does it hurt", "title": "Does it hurt?"}


def kinds(text: str, before: dict[str, str] | None = None) -> list[str]:
    return [kind for kind, _ in texts_to_read(text, before)]


def test_a_plain_question_is_read_once() -> None:
    assert texts_to_read("does it hurt", None) == [(WHOLE, "does it hurt")]


def test_two_questions_are_read_apart_as_well() -> None:
    assert kinds("does it hurt? how much is it") == [WHOLE, PART, PART]


def test_an_and_is_tried_with_suspicion() -> None:
    assert texts_to_read("redness and swelling", None)[1:] == [
        (LINKED, "redness"),
        (LINKED, "swelling"),
    ]


def test_a_short_follow_up_is_read_with_the_turn_and_the_answer_before() -> None:
    assert texts_to_read("even on the neck?", BEFORE)[1:] == [
        (CONTEXT, "does it hurt even on the neck?"),
        (CONTEXT, "Does it hurt? even on the neck?"),
    ]


def test_a_question_that_stands_alone_is_not() -> None:
    text = "i would like to know whether people of my age can have this treatment at your clinic"
    assert kinds(text, BEFORE) == [WHOLE]


def test_a_reading_survives_the_way_through_rasa() -> None:
    reading = Reading(PART, "x", {"ask_cost": 0.5}, (Candidate("a", "cost", 1.5),), 0.7, 0.5)
    assert Reading.from_record(reading.record()) == reading
