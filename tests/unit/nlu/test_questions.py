from __future__ import annotations

import pytest

from bot.nlu.questions import refers_back, split_questions


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "side effects? and how long is the downtime",
            ["side effects", "how long is the downtime"],
        ),
        ("does it hurt and how much does it cost", ["does it hurt", "how much does it cost"]),
        ("what does it cost? where are you? are you open saturday?", 3),
        ("Is it safe. How many sessions do I need", ["Is it safe", "How many sessions do I need"]),
    ],
)
def test_several_questions_are_taken_apart(text: str, parts: list[str] | int) -> None:
    found = split_questions(text)
    assert len(found) == parts if isinstance(parts, int) else found == parts


@pytest.mark.parametrize(
    "text",
    [
        "does it hurt",
        "can i wear makeup and sunscreen the next day",
        "redness and swelling after microneedling",
        "how much is it?",
    ],
)
def test_one_question_stays_whole(text: str) -> None:
    assert len(split_questions(text)) == 1


def test_no_more_than_three_are_answered_at_once() -> None:
    assert len(split_questions("is it safe? does it hurt? what is it? how much is it? where?")) == 3


@pytest.mark.parametrize(
    "text",
    ["what about for dark skin?", "and how long does that last", "how much", "is that normal?"],
)
def test_short_pointing_questions_refer_back(text: str) -> None:
    assert refers_back(text)


@pytest.mark.parametrize(
    "text",
    [
        "does microneedling hurt",
        "i have melasma and i wonder whether this treatment would be something for me at my age",
    ],
)
def test_questions_that_stand_alone_do_not(text: str) -> None:
    assert not refers_back(text)
