"""Rasa is served without TensorFlow only while nothing in `config.yml` could want it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from bot.dialogue import light_rasa
from bot.settings import ROOT

CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))


def with_part(**changes: Any) -> dict[str, Any]:
    return {**CONFIG, **changes}


def test_the_products_own_pipeline_does_without() -> None:
    assert light_rasa.needless(CONFIG)


@pytest.mark.parametrize(
    "config",
    [
        with_part(pipeline=[*CONFIG["pipeline"], {"name": "DIETClassifier"}]),
        with_part(pipeline=[*CONFIG["pipeline"], "rasa.nlu.selectors.ResponseSelector"]),
        with_part(policies=[*CONFIG["policies"], {"name": "TEDPolicy", "epochs": 1}]),
        with_part(policies=None),
        {key: value for key, value in CONFIG.items() if key != "pipeline"},
    ],
    ids=["DIET", "by path", "TED", "default policies", "default pipeline"],
)
def test_any_other_part_gets_the_real_one(config: dict[str, Any]) -> None:
    assert not light_rasa.needless(config)


@pytest.fixture
def absence(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As the server sees it; whatever was imported meanwhile is forgotten again."""
    before = set(sys.modules)
    monkeypatch.setattr(light_rasa, "ABSENT", ("flowtensor",))
    monkeypatch.setattr(sys, "meta_path", [light_rasa._Finder(), *sys.meta_path])
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.usefixtures("absence")
def test_what_is_absent_can_be_named_and_derived_from_but_not_used() -> None:
    keras = importlib.import_module("flowtensor.keras.callbacks")

    class Logger(keras.Callback):  # type: ignore[misc,name-defined]
        """As Rasa derives its own on import."""

    for thing in (keras.Callback, keras.Callback.deeper, Logger):
        with pytest.raises(RuntimeError, match="needs TensorFlow"):
            thing()
