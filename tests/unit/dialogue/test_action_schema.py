"""Runs in a process of its own: Rasa's class is changed for good."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bot.settings import ROOT

CHECK = """
import jsonschema
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from bot.dialogue.action_schema import check_action_schema_once
check_action_schema_once()
kind = validator_for(RemoteAction.action_response_format_spec())
checked = []
kind.check_schema = classmethod(lambda cls, schema, *a, **k: checked.append(schema))
action = RemoteAction("action_answer", None)
for answer in (
    {"events": [], "responses": []},
    {
        "events": [{"event": "slot", "name": "a", "value": 1, "timestamp": None}],
        "responses": [{"text": "x"}],
    },
):
    assert action._validate_action_result(answer) is True
for wrong in ({"events": "none"}, {"events": [{"name": "a"}]}, {"responses": ["x"]}, []):
    try:
        action._validate_action_result(wrong)
    except jsonschema.ValidationError:
        continue
    raise SystemExit(f"accepted {wrong}")
assert checked == [], "the schema itself was checked again"
print("as it should be")
"""


@pytest.mark.timeout(200)
def test_answers_of_the_action_server_are_checked_without_checking_the_schema_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "as it should be"
