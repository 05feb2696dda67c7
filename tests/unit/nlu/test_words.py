from __future__ import annotations

import pytest

from bot.nlu.words import Vocabulary, near_word

VOCABULARY = Vocabulary(
    ["when can i wear makeup", "how long does the redness last", "redness after microneedling"],
    ordinary=["readiness", "lawn"],
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("makup", "makeup"),
        ("rednes after micronedling?", "redness after microneedling?"),
        ("hw long rendess", "hw long redness"),
    ],
)
def test_misspelt_subject_words_are_repaired(typed: str, meant: str) -> None:
    assert VOCABULARY.repaired(typed) == meant


@pytest.mark.parametrize("text", ["readiness", "lawn", "xylophone", "wer", "", "¿qué?"])
def test_right_words_foreign_words_and_short_ones_stay(text: str) -> None:
    assert VOCABULARY.repaired(text) == text


def test_coverage_is_the_share_of_telling_words() -> None:
    assert VOCABULARY.coverage("how long is the redness") == 1.0
    assert VOCABULARY.coverage("redness on the lawn") == 0.5
    assert VOCABULARY.coverage("and then?") == 0.5


@pytest.mark.parametrize(
    ("word", "near"),
    [("elequis", "eliquis"), ("metfromin", "metformin"), ("zorvexa", None), ("insulin", "insulin")],
)
def test_a_name_is_found_by_a_slip_or_two(word: str, near: str | None) -> None:
    assert near_word(word, ["eliquis", "metformin", "insulin"]) == near
