from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.console.access import safe_next
from bot.console.marks import pieces
from bot.console.pages import age

TEXT = "my throat is closing and i cant breathe"


def test_a_match_is_marked_with_its_rule_and_the_rest_is_not() -> None:
    found = pieces(TEXT, [[3, 20, "E2"], [27, 39, "E1"]])
    assert [(p.text, p.rules) for p in found] == [
        ("my ", ()),
        ("throat is closing", ("E2",)),
        (" and i ", ()),
        ("cant breathe", ("E1",)),
    ]


def test_overlapping_matches_name_both_rules() -> None:
    found = pieces("abcdef", [[0, 4, "A"], [2, 6, "B"], [2, 4, "A"]])
    assert [(p.text, p.rules) for p in found] == [
        ("ab", ("A",)),
        ("cd", ("A", "B")),
        ("ef", ("B",)),
    ]


@given(
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40), st.just("R")), max_size=6),
)
def test_the_pieces_are_always_the_text(text: str, spans: list[tuple[int, int, str]]) -> None:
    assert "".join(piece.text for piece in pieces(text, spans)) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (7500, "2 h 05 min"),
     (86_400 * 3 + 3600 * 4, "3 d 4 h")],
)  # fmt: skip
def test_a_span_of_time_is_said_in_its_largest_units(seconds: float, words: str) -> None:
    assert age(seconds) == words


@given(st.text(max_size=40))
def test_sign_in_never_leads_out_of_the_console(asked: str) -> None:
    for path in (asked, f"/console/{asked}", f"/console{asked}"):
        assert safe_next(path).startswith("/console/")
        assert "//" not in safe_next(path).partition("?")[0]
