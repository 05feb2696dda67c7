"""Domain, rules, training examples and actions agree with one another."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from rasa_sdk import Action

import actions
from bot.content.phrasings import normalise
from bot.nlu.spacy_pipeline import LABELS
from bot.settings import ROOT

UNTAUGHT = {"choose_answer", "nlu_fallback"}
"""Intents nobody types: a pressed button's, if there is one, and what is left over."""
MIN_EXAMPLES = 25
MIN_EXAMPLES_IN_ALL = 1_500


@cache
def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


DOMAIN = read(ROOT / "domain.yml")
ALL_ACTIONS = {*DOMAIN["actions"], *DOMAIN["forms"]}
TAUGHT = sorted(set(DOMAIN["intents"]) - UNTAUGHT)


@cache
def examples() -> dict[str, tuple[str, ...]]:
    """Intent to its training examples."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((ROOT / "data" / "nlu").rglob("*.yml")):
        for block in read(path)["nlu"]:
            lines = [line.removeprefix("- ") for line in block["examples"].splitlines()]
            found[block["intent"]] = (*found.get(block["intent"], ()), *lines)
    return found


def rules() -> list[tuple[str, list[str]]]:
    """The intent that starts each rule, and the actions that follow."""
    found = []
    for path in sorted((ROOT / "data" / "rules").glob("*.yml")):
        for rule in read(path)["rules"]:
            first, *rest = rule["steps"]
            if rest[-1] == {"active_loop": "contact_form"}:
                rest.pop()
            if "condition" in rule:  # what follows a form, whatever was said last
                continue
            found.append((first["intent"], [step["action"] for step in rest]))
    return found


def action_classes() -> Iterator[type[Action]]:
    for module in pkgutil.iter_modules(actions.__path__, "actions."):
        for value in vars(importlib.import_module(module.name)).values():
            ours = isinstance(value, type) and value.__module__ == module.name
            ours = ours and not value.__name__.startswith("_")
            if ours and issubclass(value, Action):
                yield value


def test_every_intent_starts_exactly_one_rule() -> None:
    assert Counter(intent for intent, _ in rules()) == Counter(DOMAIN["intents"])


def test_every_rule_runs_exactly_one_action_of_the_domain() -> None:
    assert [r for r in rules() if len(r[1]) != 1 or r[1][0] not in ALL_ACTIONS] == []


@pytest.mark.parametrize("intent", TAUGHT)
def test_every_intent_has_enough_different_examples(intent: str) -> None:
    assert len({normalise(line) for line in examples()[intent]}) >= MIN_EXAMPLES


def test_examples_are_many_and_only_of_intents_in_the_domain() -> None:
    assert set(examples()) == set(TAUGHT)
    assert sum(len(lines) for lines in examples().values()) >= MIN_EXAMPLES_IN_ALL


def test_no_example_teaches_two_intents() -> None:
    homes: dict[str, set[str]] = {}
    for intent, lines in examples().items():
        for line in lines:
            homes.setdefault(normalise(line) or line, set()).add(intent)
    assert {line: sorted(found) for line, found in homes.items() if len(found) > 1} == {}


def test_every_action_of_the_domain_has_a_class_and_every_class_is_in_the_domain() -> None:
    assert sorted(cls().name() for cls in action_classes()) == sorted(DOMAIN["actions"])


def test_entities_are_those_of_the_spacy_pipeline_and_the_pressed_answer() -> None:
    assert sorted(DOMAIN["entities"]) == sorted([*LABELS, "answer_id"])


def test_words_for_patients_are_not_in_the_domain() -> None:
    assert set(DOMAIN) <= {
        *("version", "intents", "entities", "actions", "session_config", "slots", "forms"),
    }


def classes_named_in_configuration() -> list[str]:
    components = [part["name"] for part in read(ROOT / "config.yml")["pipeline"]]
    stores = [part.get("type", "") for part in read(ROOT / "endpoints.yml").values()]
    channels = list(read(ROOT / "credentials.yml"))
    return [name for name in (*components, *stores, *channels) if name.startswith("bot.")]


@pytest.mark.parametrize("name", classes_named_in_configuration())
def test_a_class_named_in_rasas_configuration_exists(name: str) -> None:
    module, _, wanted = name.rpartition(".")
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    assert wanted in [n.name for n in ast.parse(source).body if isinstance(n, ast.ClassDef)]


def test_rasas_public_channels_are_not_used() -> None:
    assert list(read(ROOT / "credentials.yml")) == ["bot.dialogue.channel.ClinicInput"]
