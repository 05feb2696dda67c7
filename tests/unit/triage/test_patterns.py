"""The pattern language."""

from __future__ import annotations

import pytest

from bot.triage.pattern_language import compile_line
from bot.triage.patterns import Found
from bot.triage.phrasebook import Phrasebook
from bot.triage.text import WordCutter

LISTS = {"lips": ["lip", "lips"], "huge": ["huge", "twice the size"], "tongue": ["tongue"]}
LITTLE = {"are", "so", "is"}


def matches(line: str, text: str) -> list[str]:
    cutter = WordCutter()
    book = Phrasebook(cutter)
    for name, phrases in LISTS.items():
        for phrase in phrases:
            book.add(name, phrase)
    pattern = compile_line(line, LISTS, book)
    words = cutter.cut(text)
    big = [sum(w.forms[0] not in LITTLE for w in words[:i]) for i in range(len(words) + 1)]
    found = Found(book.find(words), [0] * len(words), big, frozenset({0}))
    return [" ".join(w.forms[0] for w in words[m.start : m.end]) for m in pattern.matches(found)]


@pytest.mark.parametrize(
    ("line", "text", "expected"),
    [
        ("short of breath", "so short of breath now", ["short of breath"]),
        ("short of breath", "short, of breath", []),
        ("{lips} .. {huge}", "lips are now really huge", ["lips are now really huge"]),
        ("{lips} .. {huge}", "lips a b c d huge", []),
        ("{lips} ..4 {huge}", "lips a b c d huge", ["lips a b c d huge"]),
        ("{lips} _ {huge}", "lips are so huge", ["lips are so huge"]),
        ("{lips} _ {huge}", "lips were never huge", []),
        ("{lips} ~ {huge}", "huge lips", ["huge lips"]),
        ("{lips} ~ {huge}", "lips huge", ["lips huge"]),
        ("{lips|tongue} {huge}", "tongue twice the size", ["tongue twice the size"]),
        ("my [upper] lip hurts/burns", "my upper lip burns", ["my upper lip burns"]),
        ("my [upper] lip hurts/burns", "my lip hurts", ["my lip hurts"]),
        ("huge <?>", "is it huge?", ["huge <?>"]),
        ("huge <?>", "it is huge", []),
        ("^ huge", "huge lips", ["huge"]),
        ("^ huge", "lips huge", []),
    ],
)
def test_line_matches(line: str, text: str, expected: list[str]) -> None:
    assert matches(line, text) == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "..",
        ".. huge",
        "huge ..",
        "{nothing} here",
        "{}",
        "[huge]",
        "~ huge",
        "huge ~",
        "a ~ b ~ c",
        "{huge",
        "huge}",
        "[a] [b] [c] [d] [e] f",
    ],
)
def test_malformed_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        matches(line, "huge")
