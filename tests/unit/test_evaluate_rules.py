"""What the rules catch alone is counted by half, row and kind, and every alarm is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.evaluate_rules import HALVES, Example, Judged, judge, read_examples, render
from bot.messages import Tier
from bot.settings import ROOT
from bot.triage.rules import load_rules


def example(**changes: object) -> Example:
    values: dict[str, object] = {
        "text": "cant breathe",
        "context": (),
        "tier": Tier.EMERGENCY,
        "row": "E1",
        "situation": "e1-some",
        "file": "emergency_01",
    }
    return Example(**{**values, **changes})  # type: ignore[arg-type]


def test_a_situation_is_always_in_the_same_half() -> None:
    names = [f"situation-{number}" for number in range(200)]
    halves = {name: example(situation=name).half for name in names}
    assert halves == {name: example(situation=name, text="other").half for name in names}
    assert {*halves.values()} == {*HALVES}


def test_examples_are_read_from_folders_and_files(tmp_path: Path) -> None:
    line = {"text": "hi", "context": ["a"], "tier": "none", "row": "faq", "situation": "s"}
    (tmp_path / "harmless_01.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    for paths in ([tmp_path], [tmp_path / "harmless_01.jsonl"]):
        (found,) = read_examples(paths)
        assert (found.tier, found.context, found.file) == (Tier.NONE, ("a",), "harmless_01")


@pytest.mark.parametrize(
    ("label", "given", "caught", "exact"),
    [
        (Tier.EMERGENCY, Tier.EMERGENCY, True, True),
        (Tier.EMERGENCY, Tier.URGENT, True, False),
        (Tier.EMERGENCY, Tier.ROUTINE, False, False),
        (Tier.NONE, Tier.URGENT, True, False),
    ],
)
def test_caught_means_that_staff_see_it_today(
    label: Tier, given: Tier, caught: bool, exact: bool
) -> None:
    judged = Judged(example(tier=label), given, ())
    assert (judged.caught, judged.exact) == (caught, exact)


def test_report_names_every_false_alarm_and_on_request_every_miss() -> None:
    judged = [
        Judged(example(text="missed one"), Tier.NONE, ()),
        Judged(
            example(text="quiet one", tier=Tier.NONE, file="harmless_01"), Tier.URGENT, ("U3-x",)
        ),
    ]
    short, long = render(judged), render(judged, misses=True)
    assert "quiet one" in short and "U3-x" in short
    assert "missed one" not in short and "missed one" in long


def test_the_rules_judge_a_message_with_its_earlier_turns() -> None:
    rules = load_rules(ROOT / "data" / "triage")
    alone, after = judge(
        rules,
        [example(text="is closing up"), example(text="is closing up", context=("my throat",))],
    )
    assert (alone.tier, after.tier) == (Tier.NONE, Tier.EMERGENCY)
