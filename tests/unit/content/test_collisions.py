from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.content.collisions import PhrasingIndex, check
from bot.nlu.encoder import Vectors
from tests.fakes import WordEncoder
from tests.unit.nlu.test_answer_index import published

INDEX = PhrasingIndex(
    [
        published("makeup", "when can i wear makeup", "foundation the next day"),
        published("sun", "how long must i avoid the sun", "is sunbathing allowed"),
    ],
    WordEncoder(),
)


def test_a_phrasing_like_another_answers_is_named_with_its_neighbour() -> None:
    found = check("makeup", ["How long must I avoid the sun?"], INDEX, 0.5)
    assert [(c.other_id, c.other, c.likeness) for c in found] == [
        ("sun", "how long must i avoid the sun", 1.0)
    ]
    assert found[0].outranked


@pytest.mark.parametrize("text", ["when can i wear makeup", "foundation the next day"])
def test_an_answers_own_phrasings_do_not_collide_with_it(text: str) -> None:
    assert check("makeup", [text], INDEX) == []


def test_a_phrasing_of_a_new_answer_is_compared_with_all() -> None:
    found = check("new", ["foundation the next day", "parking"], INDEX)
    assert [(c.phrasing, c.other_id) for c in found] == [("foundation the next day", "makeup")]
    assert check("new", [], INDEX) == []


def test_an_index_of_nothing_finds_nothing() -> None:
    assert check("new", ["anything"], PhrasingIndex([], WordEncoder())) == []


def test_a_later_index_embeds_only_what_is_new() -> None:
    class Counting(WordEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def encode(self, texts: Sequence[str]) -> Vectors:
            self.seen += texts
            return super().encode(texts)

    encoder = Counting()
    first = PhrasingIndex([published("sun", "may i sunbathe")], encoder)
    encoder.seen.clear()
    later = PhrasingIndex(
        [published("sun", "may i sunbathe"), published("gym", "may i lift")],
        encoder,
        first.known_vectors,
    )
    assert "may i lift" in encoder.seen
    assert "may i sunbathe" not in encoder.seen
    assert check("new", ["may i sunbathe"], later)[0].other_id == "sun"
