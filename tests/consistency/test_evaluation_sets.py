"""The evaluation sets are well formed, and the assistant has not learned from them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from bot.content.files import load_answers, load_topics
from bot.content.phrasings import normalise
from bot.settings import ROOT

SETS = {path.name: path for path in sorted((ROOT / "tests" / "nlu").glob("*.jsonl"))}
EXPECTED = {
    *("answer", "answer+staff", "escalate_urgent", "escalate_emergency"),
    *("staff", "none", "out_of_scope"),
}
REQUIRED = {"id", "text", "expected", "acceptable_expected", "acceptable_topics"}
OPTIONAL = {
    "reviewed_by",
    "reviewed_on",
    "context",
    "needs_topics",
    "kind",
    "messy",
    "situation",
    "row",
}
MIN_DEVELOPMENT_LINES = 300


@cache
def lines(name: str) -> tuple[dict[str, Any], ...]:
    rows = SETS[name].read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(row) for row in rows if row.strip())


def folded(text: str) -> str:
    """The text without case, accents, punctuation and spaces; signs alone stay."""
    return normalise(text).replace(" ", "") or "".join(text.split())


def training_examples() -> Iterator[str]:
    for path in (ROOT / "data" / "nlu").rglob("*.yml"):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            yield from (line.removeprefix("- ") for line in block["examples"].splitlines())


def phrasings() -> Iterator[str]:
    for draft in load_answers(ROOT / "data" / "answers"):
        yield from draft.phrasings


def rule_evidence() -> Iterator[str]:
    """Every phrase under `matches` or `ignores`, however deep."""

    def walk(value: object, inside: bool) -> Iterator[str]:
        if isinstance(value, dict):
            for key, child in value.items():
                yield from walk(child, inside or key in ("matches", "ignores"))
        elif isinstance(value, list):
            for child in value:
                yield from walk(child, inside)
        elif inside and isinstance(value, str):
            yield value

    for path in (ROOT / "data" / "triage").glob("*.yml"):
        yield from walk(yaml.safe_load(path.read_text(encoding="utf-8")), False)


def labelled_examples() -> Iterator[str]:
    for path in (ROOT / "data" / "triage" / "examples").glob("*.jsonl"):
        for row in path.read_text(encoding="utf-8").splitlines():
            if row.strip():
                yield json.loads(row)["text"]


LEARNED_FROM = {
    "data/nlu": training_examples,
    "phrasings of data/answers": phrasings,
    "matches and ignores of data/triage": rule_evidence,
    "data/triage/examples": labelled_examples,
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("source", LEARNED_FROM)
def test_no_evaluation_line_was_learned_from(name: str, source: str) -> None:
    learned = {folded(text) for text in LEARNED_FROM[source]()}
    assert learned, "the source is read"
    assert [f"{r['id']}: {r['text']}" for r in lines(name) if folded(r["text"]) in learned] == []


def test_the_sets_are_there_and_large_enough() -> None:
    assert len(lines("development.jsonl")) >= MIN_DEVELOPMENT_LINES
    assert lines("safety.jsonl")


def test_ids_are_unique_over_all_sets() -> None:
    counts = Counter(row["id"] for name in SETS for row in lines(name))
    assert [number for number, times in counts.items() if times > 1] == []


def test_no_message_is_asked_twice() -> None:
    counts = Counter(
        (folded(row["text"]), *map(folded, row.get("context", ())))
        for name in SETS
        for row in lines(name)
    )
    assert [message for message, times in counts.items() if times > 1] == []


@pytest.mark.parametrize("name", SETS)
def test_lines_have_the_documented_keys(name: str) -> None:
    odd = [r["id"] for r in lines(name) if not REQUIRED <= set(r) <= REQUIRED | OPTIONAL]
    assert odd == []


@pytest.mark.parametrize("name", SETS)
def test_labels_are_in_the_vocabulary(name: str) -> None:
    topics = set(load_topics(ROOT / "data" / "topics.yml"))
    for row in lines(name):
        assert {row["expected"], *row["acceptable_expected"]} <= EXPECTED, row["id"]
        needed = {topic for part in row.get("needs_topics", ()) for topic in part}
        assert {*row["acceptable_topics"], *needed} <= topics, row["id"]


@pytest.mark.parametrize("expected", sorted(EXPECTED))
def test_the_development_set_tries_every_outcome(expected: str) -> None:
    assert [r for r in lines("development.jsonl") if r["expected"] == expected]


@pytest.mark.parametrize("topic", load_topics(ROOT / "data" / "topics.yml"))
def test_the_development_set_tries_every_topic(topic: str) -> None:
    assert [r for r in lines("development.jsonl") if topic in r["acceptable_topics"][:1]]
