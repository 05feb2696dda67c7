from __future__ import annotations

import pytest

from bot.content.collisions import check
from bot.nlu.answer_index import AnswerIndex
from bot.nlu.choice_weights import VIEWS
from tests.fakes import WordEncoder
from tests.unit.nlu.test_answer_index import published

INDEX = AnswerIndex(
    [
        published("makeup", "when can i wear makeup", "foundation the next day"),
        published("sun", "how long must i avoid the sun", "is sunbathing allowed"),
    ],
    WordEncoder(),
    dict.fromkeys(VIEWS, 1.0),
)


def test_a_phrasing_like_another_answers_is_named_with_its_neighbour() -> None:
    found = check("makeup", ["How long must I avoid the sun?"], INDEX, WordEncoder(), 0.5)
    assert [(c.other_id, c.other, c.likeness) for c in found] == [
        ("sun", "how long must i avoid the sun", 1.0)
    ]
    assert found[0].outranked


@pytest.mark.parametrize("text", ["when can i wear makeup", "foundation the next day"])
def test_an_answers_own_phrasings_do_not_collide_with_it(text: str) -> None:
    assert check("makeup", [text], INDEX, WordEncoder()) == []


def test_a_phrasing_of_a_new_answer_is_compared_with_all() -> None:
    found = check("new", ["foundation the next day", "parking"], INDEX, WordEncoder())
    assert [(c.phrasing, c.other_id) for c in found] == [("foundation the next day", "makeup")]
    assert check("new", [], INDEX, WordEncoder()) == []
