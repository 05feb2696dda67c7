"""Every phrase that stands beside a rule as evidence, as a test case of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.messages import Tier
from bot.triage.rule_file import ROWS
from bot.triage.screen import Screen

_FILE = Path(__file__).resolve().parents[3] / "data" / "triage" / "red_flags.yml"
_RULES = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["red_flags"]


def _phrases(key: str) -> list[pytest.param]:
    return [
        pytest.param(rule["id"], phrase, id=f"{rule['id']}: {phrase}")
        for rule in _RULES
        for phrases in rule[key].values()
        for phrase in phrases
    ]


@pytest.mark.parametrize(("rule_id", "phrase"), _phrases("matches"))
def test_phrase_that_must_match_sets_its_rule_off(
    screen: Screen, rule_id: str, phrase: str
) -> None:
    verdict = screen.verdict(phrase)
    assert rule_id in verdict.rule_ids
    tiers = {rule.id: rule.tier for rule in screen.rules.rules}
    assert verdict.tier >= tiers[rule_id]


@pytest.mark.parametrize(("rule_id", "phrase"), _phrases("ignores"))
def test_phrase_that_must_not_match_leaves_its_rule_silent(
    screen: Screen, rule_id: str, phrase: str
) -> None:
    assert rule_id not in screen.verdict(phrase).rule_ids


@pytest.mark.parametrize("row", ROWS)
def test_every_row_of_the_fact_sheet_has_a_rule_in_both_languages(screen: Screen, row: str) -> None:
    rules = [rule for rule in screen.rules.rules if rule.row == row]
    assert rules
    for language in ("en", "es"):
        assert sum(len(rule.matches.get(language, ())) for rule in rules) >= 4


def test_every_rule_has_enough_evidence_an_owner_and_a_past_review(screen: Screen) -> None:
    for rule in screen.rules.rules:
        assert all(len(rule.matches[language]) >= 4 for language in rule.languages), rule.id
        assert sum(len(phrases) for phrases in rule.ignores.values()) >= 4, rule.id
        assert rule.owner in ("Medical lead", "Clinic manager"), rule.id


def test_no_phrase_is_evidence_for_and_against_one_rule(screen: Screen) -> None:
    for rule in screen.rules.rules:
        yes = {p.lower() for phrases in rule.matches.values() for p in phrases}
        no = {p.lower() for phrases in rule.ignores.values() for p in phrases}
        assert not yes & no, rule.id


def test_the_rules_come_most_severe_first(screen: Screen) -> None:
    tiers = [rule.tier for rule in screen.rules.rules]
    assert tiers == sorted(tiers, reverse=True)
    assert set(tiers) == {Tier.EMERGENCY, Tier.URGENT, Tier.ROUTINE}
