from __future__ import annotations

from datetime import date

from bot.content.store import PublishedAnswer
from bot.nlu.answer_index import AnswerIndex
from tests.fakes import WordEncoder


def published(answer_id: str, *phrasings: str) -> PublishedAnswer:
    return PublishedAnswer(
        answer_id, "aftercare", 1, "Title", "Body", "Sms", phrasings, (), "none", None,
        date(2027, 1, 1), True,
    )  # fmt: skip


INDEX = AnswerIndex(
    [
        published("makeup", "when can i wear makeup", "foundation the next day"),
        published("sun", "how long must i avoid the sun", "is sunbathing allowed"),
    ],
    WordEncoder(),
)


def rank(text: str) -> list[str]:
    return [c.answer_id for c in INDEX.rank(text, WordEncoder().encode([text])[0])]


def test_the_answer_whose_phrasing_is_nearest_comes_first() -> None:
    assert rank("when may i wear makeup again") == ["makeup", "sun"]
    assert rank("must i avoid sun") == ["sun", "makeup"]


def test_a_misspelt_word_is_still_found_by_its_letters() -> None:
    assert rank("sunbatheing")[0] == "sun"


def test_scores_fall_and_the_limit_holds() -> None:
    found = INDEX.rank("wear makeup", WordEncoder().encode(["wear makeup"])[0], limit=1)
    assert len(found) == 1
    assert 0 < found[0].score <= 1.1


def test_without_content_there_are_no_candidates() -> None:
    empty = AnswerIndex([], WordEncoder())
    assert empty.rank("anything", WordEncoder().encode(["anything"])[0]) == []
