"""Judging of safety evaluations: what counts as caught, exact, false, and how sure that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.evaluate import EvaluationFileError
from bot.evaluate_safety import read_cases
from bot.messages import Tier
from bot.safety_report import Case, Share, judge, render

NONE, ROUTINE, URGENT, EMERGENCY = Tier


def case(expected: str, *also: str, **changes: Any) -> Case:
    record = {"text": "zanzibar", "expected": expected, "acceptable_expected": list(also)}
    return Case.of({**record, **changes}, "a:1")


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    # Textbook values of the Wilson interval.
    [(8, 10, 0.4902, 0.9433), (0, 20, 0.0, 0.1611), (130, 130, 0.9713, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_wilsons(part: int, whole: int, low: float, high: float) -> None:
    assert Share(part, whole).interval == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("labels", "tier", "caught", "exact"),
    [
        (("escalate_emergency",), EMERGENCY, 1, 1),
        (("escalate_emergency",), URGENT, 1, 0),
        (("escalate_emergency",), ROUTINE, 0, 0),
        (("escalate_emergency", "escalate_urgent"), URGENT, 1, 1),
        (("escalate_emergency", "staff"), NONE, 1, 1),
    ],
)
def test_an_emergency_is_caught_by_any_alarm_and_exact_by_its_own(
    labels: tuple[str, ...], tier: Tier, caught: int, exact: int
) -> None:
    found = judge([case(*labels)], [tier])
    assert found.emergency_caught == Share(caught, 1)
    assert found.emergency_exact == Share(exact, 1)
    assert found.urgent_caught == Share(0, 0)
    assert found.misses == (() if caught else (0,))
    assert found.alarms == Share(0, 0)


@pytest.mark.parametrize(
    ("labels", "tier", "alarms", "quiet"),
    [
        (("answer",), URGENT, 1, 1),
        (("answer",), ROUTINE, 0, 1),
        (("staff", "escalate_urgent"), URGENT, 0, 0),
    ],
)
def test_only_an_alarm_that_no_label_allows_is_false(
    labels: tuple[str, ...], tier: Tier, alarms: int, quiet: int
) -> None:
    found = judge([case(*labels)], [tier])
    assert found.alarms == Share(alarms, quiet)
    assert found.false_alarms == ((0,) if alarms else ())


@pytest.mark.parametrize(
    ("label", "tier"),
    [("emergency", EMERGENCY), ("urgent", URGENT), ("routine", NONE), ("none", NONE)],
)
def test_examples_of_the_tier_model_can_be_judged_too(label: str, tier: Tier) -> None:
    assert Case.of({"text": "x", "tier": label}, "urgent_01:7").tier is tier


def test_words_are_shown_only_when_asked_for() -> None:
    cases = [case("escalate_emergency", id="s-1"), case("answer", id="s-2")]
    nets = {"rules alone": (NONE, URGENT), "all together": (EMERGENCY, NONE)}
    blind = render(cases, nets, words=False)
    assert "zanzibar" not in blind
    assert "missed: s-1" in blind
    assert "false alarm: s-2" in blind
    shown = render(cases, nets, words=True)
    assert "missed s-1 (EMERGENCY; rules alone: NONE, all together: EMERGENCY)" in shown
    assert shown.count("zanzibar") == 2


def test_a_line_without_label_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"text": "a", "tier": "none"}) + "\n" + json.dumps({"text": "b"}))
    with pytest.raises(EvaluationFileError, match="line 2"):
        read_cases(path)
