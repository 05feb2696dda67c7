"""Symptoms told in two or three messages."""

from __future__ import annotations

import pytest

from bot.messages import Tier
from bot.triage.screen import Screen


@pytest.mark.parametrize(
    ("recent", "text", "rule_id"),
    [
        (["there's pus on my chin"], "and now i have a fever", "E8-infection-with-body-sign"),
        (["i have a fever"], "the spot is oozing yellow", "E8-infection-with-body-sign"),
        (
            ["hi", "my face is oozing", "i put vaseline on it"],
            "now im shivering",
            "E8-infection-with-body-sign",
        ),
        (["i broke out in hives"], "feeling dizzy now", "E3-allergy-with-other-sign"),
        (["my throat"], "is closing up", "E2-throat-tongue-lips"),
        (["my lips"], "are huge", "E2-throat-tongue-lips"),
        (["me sale pus"], "y ahora tengo fiebre", "E8-infection-with-body-sign"),
        (
            ["how long is the numbing cream on"],
            "my baby swallowed some",
            "E14-swallowed-numbing-cream",
        ),
        (["my cheek is bleeding a little"], "cant get it to stop", "E12-bleeding-goes-on"),
        (["is pus a sign of infection"], "because i have that", "U2-pus-oozing-infection"),
        (["is fever normal after this? no right?"], "cause i have one", "U3-fever-chills-sick"),
        (["my treatment was 5 days ago"], "face is red and hot", "U1-redness-growing"),
    ],
)
def test_parts_from_earlier_turns_complete_a_rule(
    screen: Screen, recent: list[str], text: str, rule_id: str
) -> None:
    assert rule_id in screen.verdict(text, recent).rule_ids


@pytest.mark.parametrize(
    ("recent", "text"),
    [
        (["there's pus on my chin", "and i have a fever"], "ok thanks"),
        (["cant breathe"], "when do you open"),
        (["what if i get a fever"], "thanks, and how long is the session"),
        (["no fever"], "no pus either"),
        (["does it cause pus"], "and can i get a fever from it?"),
    ],
)
def test_earlier_turns_alone_raise_nothing(screen: Screen, recent: list[str], text: str) -> None:
    assert screen.verdict(text, recent).tier is Tier.NONE


def test_a_match_across_turns_has_a_span_only_in_the_message(screen: Screen) -> None:
    text = "and now i have a fever"
    verdict = screen.verdict(text, ["there's pus on my chin"])
    spans = [s for s in verdict.spans if s.rule_id == "E8-infection-with-body-sign"]
    assert [text[s.start : s.end] for s in spans] == ["fever"]


def test_a_match_that_starts_in_the_turn_before_spans_the_message_part(screen: Screen) -> None:
    text = "is closing up"
    verdict = screen.verdict(text, ["my throat"])
    spans = [s for s in verdict.spans if s.rule_id == "E2-throat-tongue-lips"]
    assert spans
    assert all(0 <= s.start < s.end <= len(text) for s in spans)


def test_turns_of_long_ago_no_longer_complete_a_combination(screen: Screen) -> None:
    recent = ["there's pus on my chin", *["ok"] * 8]
    assert screen.verdict("and a fever", recent).tier is Tier.URGENT


def test_a_turn_read_before_is_read_alike_and_not_again(screen: Screen) -> None:
    reader = screen.rules._reader
    first = reader.read("my lips are huge")
    assert reader.read("my lips are huge") is first
    assert (
        screen.verdict("my lips are huge").rule_ids == screen.verdict("my lips are huge").rule_ids
    )


def test_only_a_few_turns_are_remembered(screen: Screen) -> None:
    reader = screen.rules._reader
    first = reader.read("the first of many")
    for number in range(100):
        reader.read(f"turn {number}")
    assert reader.read("the first of many") is not first
