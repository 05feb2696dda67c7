from __future__ import annotations

import pytest

from bot.settings import ROOT
from bot.triage.language import detect_language
from bot.triage.rules import load_rules

OF_BOTH = {"pus", "38.5"}
"""Phrases that are Spanish and English, or neither."""


@pytest.mark.parametrize(
    "text",
    [
        "me falta el aire",
        "labios hinchados",
        "fiebre",
        "no puedo respirar",
        "tengo pus",
        "NO PARA DE SANGRAR",
        "sigo rosada",
        "ronchas",
        "ayuda porfa",
        "q hago si se me hincha",
        "¿normal?",
        "my cara está roja y muy hinchada",
        "hola tengo una pregunta",
        "mareadísima",
        "es normal que me salga pus",
    ],
)
def test_spanish(text: str) -> None:
    assert detect_language(text) == "es"


@pytest.mark.parametrize(
    "text",
    [
        "cant breathe",
        "pus",
        "lips huge",
        "hi",
        "ok",
        "",
        "911",
        "😭",
        "i have fiebre and chills",
        "José told me to text you about my face",
        "is it red or what",
        "no",
        "ur prices?",
    ],
)
def test_english_also_when_nothing_decides(text: str) -> None:
    assert detect_language(text) == "en"


def test_earlier_turns_decide_for_a_message_that_does_not() -> None:
    assert detect_language("pus", ["hola, me duele la cara"]) == "es"
    assert detect_language("pus", ["hola, me duele la cara", "hi my face hurts"]) == "en"
    assert detect_language("i have pus", ["hola, me duele la cara"]) == "en"


def test_every_spanish_phrase_of_the_rules_is_answered_in_spanish() -> None:
    phrases = {
        phrase
        for rule in load_rules(ROOT / "data" / "triage").rules
        for phrase in rule.matches.get("es", ())
    }
    assert phrases
    assert {phrase for phrase in phrases if detect_language(phrase) != "es"} == OF_BOTH
