from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.content.store import PublishedAnswer
from bot.nlu.answer_index import AnswerIndex
from bot.nlu.choice_weights import VIEWS
from bot.nlu.encoder import Vectors
from tests.fakes import WordEncoder


def published(answer_id: str, *phrasings: str) -> PublishedAnswer:
    return PublishedAnswer(
        answer_id, "aftercare", 1, "Title", "Body", "Sms", phrasings, (), "none", None,
        date(2027, 1, 1), True,
    )  # fmt: skip


WEIGHTS = dict.fromkeys(VIEWS, 1.0)
INDEX = AnswerIndex(
    [
        published("makeup", "when can i wear makeup", "foundation the next day"),
        published("sun", "how long must i avoid the sun", "is sunbathing allowed"),
    ],
    WordEncoder(),
    WEIGHTS,
)


def rank(text: str) -> list[str]:
    return [c.answer_id for c in INDEX.rank(text, WordEncoder().encode([text])[0]).candidates]


def test_the_answer_whose_phrasing_is_nearest_comes_first() -> None:
    assert rank("when may i wear makeup again") == ["makeup", "sun"]
    assert rank("must i avoid sun") == ["sun", "makeup"]


def test_a_misspelt_word_is_still_found_by_its_letters() -> None:
    assert rank("sunbatheing")[0] == "sun"


def test_the_limit_holds_and_signs_of_scope_are_told() -> None:
    found = INDEX.rank("wear makeup", WordEncoder().encode(["wear makeup"])[0], limit=1)
    assert len(found.candidates) == 1
    assert 0 < found.nearest <= 1
    assert found.coverage == 1.0
    far = INDEX.rank("tokyo weather", WordEncoder().encode(["tokyo weather"])[0])
    assert far.coverage == 0.0


def test_without_content_there_are_no_candidates() -> None:
    empty = AnswerIndex([], WordEncoder(), WEIGHTS)
    assert empty.rank("anything", WordEncoder().encode(["anything"])[0]).candidates == ()


def test_a_change_embeds_only_what_is_new() -> None:
    asked: list[str] = []

    class Counting(WordEncoder):
        def encode(self, texts: Sequence[str]) -> Vectors:
            asked.extend(texts)
            return super().encode(texts)

    answers = [*INDEX.answers, published("swim", "can i swim")]
    changed = AnswerIndex(answers, Counting(), WEIGHTS, INDEX.known_vectors)
    assert asked == ["can i swim"]
    vector = WordEncoder().encode(["can i swim"])[0]
    assert changed.rank("can i swim", vector).candidates[0].answer_id == "swim"
