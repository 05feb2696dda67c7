"""Which choice a patient means."""

from __future__ import annotations

import pytest

from bot.sms.choices import chosen

TITLES = ["Side effects", "Aftercare", "Something else"]


@pytest.mark.parametrize(
    "text",
    ["2", "2.", " 2 ", "2)", "(2)", "#2", "two", "Two.", "TWO", "the second one", "the second",
     "second", "2nd", "option 2", "option two", "number 2", "no. 2", "2 please", "I'd like 2",
     "i want the second one please", "dos", "Dos", "la segunda", "el segundo", "la 2", "2da",
     "opción 2", "número dos", "la segunda por favor", "la 2ª", "aftercare", "Aftercare!"],
)  # fmt: skip
def test_the_second_choice_is_understood(text: str) -> None:
    assert chosen(text, TITLES) == 1


@pytest.mark.parametrize(
    ("text", "index"),
    [("one", 0), ("the first one", 0), ("1", 0), ("uno", 0), ("la primera", 0), ("3", 2),
     ("three", 2), ("tres", 2), ("the last one", 2), ("la última", 2), ("something else", 2)],
)  # fmt: skip
def test_other_choices_are_understood(text: str, index: int) -> None:
    assert chosen(text, TITLES) == index


@pytest.mark.parametrize(
    "text",
    ["4", "0", "22", "2 days ago", "the second session", "two weeks", "1 or 2", "1 2", "no",
     "yes", "", "   ", "what", "second day and it is swollen", "dos dias", "2 3", "12",
     "i had one", "one more question", "-", "😀", "more", "last week"],
)  # fmt: skip
def test_anything_else_is_a_message_of_its_own(text: str) -> None:
    assert chosen(text, TITLES) is None


@pytest.mark.parametrize("text", ["1", "one", "the first one", "last"])
def test_with_nothing_on_offer_nothing_is_chosen(text: str) -> None:
    assert chosen(text, []) is None
