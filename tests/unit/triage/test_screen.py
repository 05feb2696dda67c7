"""Nets only raise, and a failing net takes nothing away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.messages import Tier, Verdict
from bot.triage.screen import Screen


class FakeTierModel:
    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def tier(self, text: str, recent: Sequence[str]) -> tuple[Tier, float]:
        self.asked.append((text, tuple(recent)))
        return self._tier, 0.9


class BrokenTierModel:
    def tier(self, text: str, recent: Sequence[str]) -> tuple[Tier, float]:
        raise RuntimeError("out of memory")


@pytest.mark.parametrize(
    ("text", "by_model", "tier", "nets"),
    [
        ("hi", Tier.NONE, Tier.NONE, ()),
        ("hi", Tier.URGENT, Tier.URGENT, ("tier_model",)),
        ("i have pus", Tier.NONE, Tier.URGENT, ("rules",)),
        ("i have pus", Tier.ROUTINE, Tier.URGENT, ("rules", "tier_model")),
        ("i have pus", Tier.EMERGENCY, Tier.EMERGENCY, ("rules", "tier_model")),
        ("cant breathe", Tier.NONE, Tier.EMERGENCY, ("rules",)),
    ],
)
def test_the_highest_tier_of_any_net_stands(
    screen: Screen, text: str, by_model: Tier, tier: Tier, nets: tuple[str, ...]
) -> None:
    verdict = Screen(screen.rules, FakeTierModel(by_model)).verdict(text)
    assert (verdict.tier, verdict.nets) == (tier, nets)


def test_the_model_is_asked_with_the_earlier_turns(screen: Screen) -> None:
    model = FakeTierModel(Tier.NONE)
    Screen(screen.rules, model).verdict("and now?", ["first", "second"])
    assert model.asked == [("and now?", ("first", "second"))]


def test_when_the_model_fails_the_rules_stand_alone_and_no_words_are_logged(
    screen: Screen, caplog: pytest.LogCaptureFixture
) -> None:
    verdict = Screen(screen.rules, BrokenTierModel()).verdict("cant breathe, I live on Oak Street")
    assert verdict.tier is Tier.EMERGENCY
    assert verdict.nets == ("rules",)
    assert "Oak Street" not in caplog.text
    assert "rules alone" in caplog.text


def test_rule_ids_come_most_severe_first(screen: Screen) -> None:
    verdict = screen.verdict("theres pus, i have a fever and i cant breathe")
    tiers = {rule.id: rule.tier for rule in screen.rules.rules}
    order = [tiers[rule_id] for rule_id in verdict.rule_ids]
    assert order == sorted(order, reverse=True)
    assert verdict.rule_ids[0].startswith("E")


def test_spans_point_at_the_words_that_matched(screen: Screen) -> None:
    text = "Hello, MY TONGUE is Swollen since noon 😭 and there's PUS"
    spans = {s.rule_id: text[s.start : s.end] for s in screen.verdict(text).spans}
    assert spans["E2-throat-tongue-lips"] == "TONGUE is Swollen"
    assert spans["U2-pus-oozing-infection"] == "PUS"


def test_quiet_message_gives_an_empty_verdict(screen: Screen) -> None:
    quiet = Verdict(by_net=tuple((net, Tier.NONE) for net in screen.nets))
    assert screen.verdict("what are your hours") == quiet
    assert not quiet.nets_disagree


@pytest.mark.parametrize("text", ["", " ", "\n", "😭", "?", "\u200b", "a" * 100_000, "no " * 9_000])
def test_any_text_gets_a_verdict(screen: Screen, text: str) -> None:
    assert screen.verdict(text, [text]).tier is Tier.NONE


def test_the_verdict_tells_the_language_of_the_reply(screen: Screen) -> None:
    assert screen.verdict("no puedo respirar").language == "es"
    assert screen.verdict("cant breathe").language == "en"
    assert screen.verdict("pus", ["hola, una pregunta"]).language == "es"


class BrokenRules:
    def find(self, text: str, recent: Sequence[str]) -> tuple[()]:
        raise RuntimeError(text)


def test_when_the_rules_fail_the_model_stands_alone_and_no_words_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken: Any = BrokenRules()
    verdict = Screen(broken, FakeTierModel(Tier.EMERGENCY)).verdict("I live on Oak Street")
    assert (verdict.tier, verdict.nets) == (Tier.EMERGENCY, ("tier_model",))
    assert "Oak Street" not in caplog.text
    assert "the tier model alone" in caplog.text


def test_when_every_net_fails_a_person_has_to_look() -> None:
    broken: Any = BrokenRules()
    verdict = Screen(broken, BrokenTierModel()).verdict("hi")
    assert (verdict.tier, verdict.nets) == (Tier.URGENT, ())
