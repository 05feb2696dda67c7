"""An invalid file stops start-up: a rule dropped in silence is a red flag missed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.errors import RuleFileError
from bot.triage.rules import load_rules

Rules = list[dict[str, Any]]


def broken(folder: Path, change: Callable[[Rules], object]) -> RuleFileError:
    """Change the rules of a folder and return the error that loading them raises."""
    path = folder / "red_flags.yml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(data["red_flags"])
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(RuleFileError) as caught:
        load_rules(folder)
    return caught.value


@pytest.mark.parametrize(
    "key",
    [
        *["id", "row", "tier", "title", "owner", "reviewed_on", "languages"],
        *["patterns", "matches", "ignores"],
    ],
)
def test_rule_without_a_key_is_refused(rule_folder: Path, key: str) -> None:
    error = broken(rule_folder, lambda rules: rules[0].pop(key))
    assert key in error.detail


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r[0].update(matchs=["x"]), "unknown key 'matchs'"),
        (lambda r: r[0].update(tier="urgent"), "row E1 is emergency"),
        (lambda r: r[0].update(tier="fatal"), "must be one of"),
        (lambda r: r[0].update(row="E2"), "must be the row"),
        (lambda r: r[0].update(row="E99"), "must be one of"),
        (lambda r: r[0].update(id="breathing"), "must be the row"),
        (lambda r: r[1].update(id=r[0]["id"], row=r[0]["row"]), "two rules have this id"),
        (lambda r: r[0].update(owner=" "), "must be text"),
        (lambda r: r[0].update(reviewed_on="yesterday"), "must be a date"),
        (lambda r: r[0].update(languages=["fr"]), "must be among"),
        (lambda r: r[0].update(patterns=[]), "at least one item"),
        (lambda r: r[0].update(patterns=["{no_such_list}"]), "there is no word list"),
        (lambda r: r[0].update(patterns=[{"all_of": ["pus"]}]), "at least two parts"),
        (lambda r: r[0].update(patterns=[{"pattern": "pus", "all_of": ["a", "b"]}]), "either"),
        (lambda r: r[0].update(patterns=[{"pattern": "pus", "days": ">= 3"}]), "unknown key"),
        (lambda r: r[0].update(patterns=[{"pattern": "pus", "day": "late"}]), "is not like"),
        (lambda r: r[0].update(patterns=[{"pattern": "pus", "within": 3}]), "beside 'all_of'"),
        (lambda r: r[0].update(patterns=[{"all_of": ["a", "b"], "within": 0}]), "number of words"),
        (lambda r: r[0].update(patterns=[12]), "must be a mapping"),
        (lambda r: r[0]["matches"].update(en=["cant breathe"]), "at least 4 phrases in 'en'"),
        (lambda r: r[0]["matches"].pop("es"), "'es' is missing"),
        (lambda r: r[0]["matches"].update(fr=["x"]), "unknown key 'fr'"),
        (lambda r: r[0].update(ignores={"en": ["x"], "es": ["y"]}), "at least 4 phrases"),
        (lambda r: r[0]["matches"]["en"].append(r[0]["matches"]["en"][0]), "stands twice"),
        (lambda r: r[0]["matches"]["en"].append(False), "put it in quotes"),
        (lambda r: r[0].update(reply="soothing"), "must be one of"),
        (lambda r: r[0].update(counts_when=["past"]), "must hold 'live'"),
        (lambda r: r[0].update(counts_when=["live", "often"]), "ways a match can be meant"),
        (lambda r: r[0].update(visit="during"), "must be one of"),
        (lambda r: r[0].update(unless=["{nope}"]), "there is no word list"),
    ],
)
def test_rule_with_a_fault_is_refused(
    rule_folder: Path, change: Callable[[Rules], object], words: str
) -> None:
    error = broken(rule_folder, change)
    assert words in error.detail
    assert error.path.name == "red_flags.yml"


def test_the_error_names_the_rule(rule_folder: Path) -> None:
    error = broken(rule_folder, lambda rules: rules[3].update(patterns=["~"]))
    assert error.rule_id is not None
    assert error.rule_id in str(error)


def test_row_without_a_rule_is_refused(rule_folder: Path) -> None:
    def drop(rules: Rules) -> None:
        rules[:] = [rule for rule in rules if rule["row"] not in ("E14", "U9")]

    assert "no rule for row E14, U9" in broken(rule_folder, drop).detail


def test_empty_rule_file_is_refused(rule_folder: Path) -> None:
    (rule_folder / "red_flags.yml").write_text("", encoding="utf-8")
    with pytest.raises(RuleFileError, match="must be a mapping"):
        load_rules(rule_folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("red_flags.yml", "red_flags: [unclosed"),
        ("red_flags.yml", "red_flags: []\nred_flags: []"),
        ("red_flags.yml", "rules: []"),
        ("word_lists.yml", "signs: {}"),
        ("word_lists.yml", "signs: {fever: {en: []}}\nhelpers: {}"),
        ("word_lists.yml", "signs: {fever: {en: [no]}}\nhelpers: {}"),
        ("word_lists.yml", "signs: {fever: {fr: [fievre]}}\nhelpers: {}"),
        ("word_lists.yml", "signs: {fever: {signals: [snow]}}\nhelpers: {}"),
        ("word_lists.yml", "signs: {fever: {en: ['!?']}}\nhelpers: {}"),
        ("word_lists.yml", "signs: {a: {en: [x]}}\nhelpers: {a: {en: [y]}}"),
        ("context.yml", "negators: {en: ['no']}"),
    ],
)
def test_malformed_file_is_refused(rule_folder: Path, name: str, text: str) -> None:
    (rule_folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(RuleFileError) as caught:
        load_rules(rule_folder)
    assert caught.value.path.name == name


@pytest.mark.parametrize(
    "name", ["red_flags.yml", "word_lists.yml", "context.yml", "ordinary_words.txt"]
)
def test_missing_file_is_refused(rule_folder: Path, name: str) -> None:
    (rule_folder / name).unlink()
    with pytest.raises(RuleFileError, match="cannot be read"):
        load_rules(rule_folder)


def test_the_folder_loads_before_it_is_broken(rule_folder: Path) -> None:
    rules = load_rules(rule_folder)
    assert [finding.rule.id for finding in rules.find("u3 two")] == ["U3-sign"]


def test_the_shipped_folder_loads(triage_data: Path) -> None:
    assert len(load_rules(triage_data).rules) >= 41


def test_unknown_cue_list_is_refused(rule_folder: Path) -> None:
    path = rule_folder / "context.yml"
    path.write_text(path.read_text(encoding="utf-8") + "\nnegator:\n  en: [nay]\n")
    with pytest.raises(RuleFileError, match="unknown key 'negator'"):
        load_rules(rule_folder)


def test_idiom_that_hides_an_unknown_list_is_refused(rule_folder: Path) -> None:
    path = rule_folder / "context.yml"
    text = path.read_text(encoding="utf-8").replace("- fever\n", "- fevr\n")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RuleFileError, match="there is no word list fevr"):
        load_rules(rule_folder)
