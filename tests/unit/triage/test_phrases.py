"""Many ways patients say it, and many ordinary questions that only sound alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.messages import Tier
from bot.triage.screen import Screen

_PHRASES = yaml.safe_load((Path(__file__).parent / "phrases.yml").read_text(encoding="utf-8"))


def _of(tier: str) -> list[str]:
    return [phrase for phrases in _PHRASES[tier].values() for phrase in phrases]


@pytest.mark.parametrize("phrase", _of("emergency"))
def test_emergency_is_found(screen: Screen, phrase: str) -> None:
    assert screen.verdict(phrase).tier is Tier.EMERGENCY


@pytest.mark.parametrize("phrase", _of("urgent"))
def test_urgent_sign_is_found(screen: Screen, phrase: str) -> None:
    assert screen.verdict(phrase).tier >= Tier.URGENT


@pytest.mark.parametrize("phrase", _of("quiet"))
def test_ordinary_message_raises_no_alarm(screen: Screen, phrase: str) -> None:
    verdict = screen.verdict(phrase)
    assert verdict.tier <= Tier.ROUTINE, verdict.rule_ids


# Section 9.4 of the clinical fact sheet.
@pytest.mark.parametrize(
    "phrase",
    [
        "red like sunburn on day 1",
        "my skin is tight and hot this first evening",
        "pinpoint bleeding right after, just dots",
        "peeling on day 3",
        "it has a sandpaper feel",
        "mild puffiness day 2",
        "small bruise on my cheek",
        "slight itch",
        "roja como quemada de sol",
        "la siento tirante",
        "me estoy pelando",
        "un poquito hinchada",
        "pica poquito",
    ],
)
def test_expected_effect_alone_is_no_alarm(screen: Screen, phrase: str) -> None:
    assert screen.verdict(phrase).tier <= Tier.ROUTINE


@pytest.mark.parametrize(
    "phrase",
    [
        "red like sunburn on day 1 but theres pus",
        "peeling on day 3 and I have a fever",
        "mild puffiness day 2 and blisters on my lip",
        "small bruise, and my eye hurts",
        "un poquito hinchada y tengo fiebre",
    ],
)
def test_an_added_sign_overrides_the_expected_effect(screen: Screen, phrase: str) -> None:
    assert screen.verdict(phrase).tier >= Tier.URGENT
