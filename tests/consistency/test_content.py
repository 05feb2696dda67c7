"""Topics, answers, reply texts and the vocabulary agree, and the shipped content is clean."""

from __future__ import annotations

import ast
from functools import cache

import pytest
import yaml

from bot.content.files import AnswerDraft, load_answers, load_topics
from bot.content.lint import lint
from bot.nlu.spacy_pipeline import read_answers_by_entity
from bot.replies.texts import ReplyTexts, load_reply_texts
from bot.settings import ROOT
from tests.builders import NOON, clinic

DATA = ROOT / "data"
TOPICS = load_topics(DATA / "topics.yml")
MIN_ANSWERS = 90
LONGEST_ID = 64
"""Width of the answer's id in the database; PostgreSQL refuses longer ones."""


@cache
def answers() -> dict[str, AnswerDraft]:
    return {draft.id: draft for draft in load_answers(DATA / "answers")}


@cache
def texts() -> ReplyTexts:
    return load_reply_texts(DATA / "replies.yml", clinic().placeholders())


def published() -> set[str]:
    return {draft.id for draft in answers().values() if draft.status == "published"}


def intents() -> list[str]:
    found: list[str] = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))["intents"]
    return found


def small_talk() -> list[str]:
    rules = yaml.safe_load((DATA / "rules" / "small_talk.yml").read_text(encoding="utf-8"))
    return [rule["steps"][0]["intent"] for rule in rules["rules"]]


def texts_used_in_code() -> dict[str, str]:
    """Names of reply texts that code asks for literally, and where."""
    found = {}
    for path in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "actions").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.value, ast.Attribute)
                and node.value.attr in ("texts", "_texts")
                and isinstance(node.slice, ast.Constant)
            ):
                found[str(node.slice.value)] = path.name
    return found


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_has_known_intents_and_a_published_answer(topic: str) -> None:
    assert set(TOPICS[topic]) <= set(intents())
    assert [a for a in answers().values() if a.topic == topic and a.status == "published"]


def test_every_answer_belongs_to_a_topic() -> None:
    assert {a.topic for a in answers().values()} <= set(TOPICS)


def test_every_question_intent_leads_to_a_topic() -> None:
    asked = {intent for intent in intents() if intent.startswith("ask_")}
    assert asked == {intent for named in TOPICS.values() for intent in named}


def test_there_are_enough_published_answers() -> None:
    assert len(published()) >= MIN_ANSWERS


def test_the_shipped_content_is_free_of_lint_when_it_was_signed() -> None:
    """`make lint` asks the same with today's date, which also finds overdue reviews."""
    today = clinic().local_date(NOON)
    problems = lint(list(answers().values()), TOPICS, clinic(), today)
    assert [str(problem) for problem in problems] == []


def test_shipped_answers_are_marked_as_samples() -> None:
    assert [a.id for a in answers().values() if not a.sample] == []


def test_answer_ids_fit_their_column() -> None:
    assert [answer_id for answer_id in answers() if len(answer_id) > LONGEST_ID] == []


def test_related_answers_are_published() -> None:
    assert {other for a in answers().values() for other in a.related} <= published()


def test_quick_replies_lead_to_published_answers() -> None:
    ids = [button.id.removeprefix("answer:") for button in texts().quick_replies]
    assert ids
    assert set(ids) <= published()


def test_words_of_the_vocabulary_lead_to_published_answers() -> None:
    leading = read_answers_by_entity(DATA / "entities.yml")
    assert leading
    assert {word: to for word, to in leading.items() if to not in published()} == {}


@pytest.mark.parametrize("intent", small_talk())
def test_small_talk_has_words(intent: str) -> None:
    assert texts()[intent]


@pytest.mark.parametrize(("name", "file"), sorted(texts_used_in_code().items()))
def test_a_text_that_code_asks_for_exists(name: str, file: str) -> None:
    assert name in texts().texts, f"{file} asks for it"
