"""Rasa's screen asks the nets only where nobody has asked them before."""

from __future__ import annotations

from typing import Any

import pytest

from bot.settings import ROOT
from bot.triage.screen import load_screen

pytestmark = pytest.mark.timeout(200)  # importing Rasa's graph takes its time
WORDS = "my throat is closing up and i cant breathe"


@pytest.fixture(scope="module")
def component() -> Any:
    from bot.nlu.triage_screen import TriageScreen

    return TriageScreen(lambda: load_screen(ROOT / "data" / "triage"), None)


def screened(component: Any, **metadata: Any) -> Any:
    from rasa.shared.nlu.training_data.message import Message

    message = Message({"text": WORDS, "metadata": metadata})
    component.process([message])
    return message


def test_a_message_that_comes_another_way_than_intake_is_screened(component: Any) -> None:
    found = screened(component)
    assert found.get("triage")["tier"] == "emergency"
    assert found.get("intent") == {"name": "report_emergency", "confidence": 1.0}


def test_what_intake_found_is_not_asked_again(component: Any) -> None:
    given = {"tier": "urgent", "rule_ids": ["some_rule"], "language": "es"}
    found = screened(component, triage=given)
    assert found.get("triage") == given
    assert found.get("intent")["name"] == "report_symptom"


def test_where_intake_could_not_screen_rasa_does(component: Any) -> None:
    assert screened(component, triage=None).get("triage")["tier"] == "emergency"
