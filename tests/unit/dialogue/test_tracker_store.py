from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import ROOT, SECRETS

CHECK = """
import sqlalchemy as sa
from bot.dialogue.tracker_store import ClinicTrackerStore
store = ClinicTrackerStore()
with store.session_scope() as session:
    print(session.execute(sa.text("PRAGMA journal_mode")).scalar())
    print(session.execute(sa.text("PRAGMA synchronous")).scalar())
"""


LONG_TALK = """
import asyncio, json
import sqlalchemy as sa
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted, ActiveLoop, BotUttered, SessionStarted, SlotSet, UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from bot.dialogue.tracker_store import ClinicTrackerStore

domain = Domain.from_dict({
    "intents": ["ask"], "slots": {"asked_at": {"type": "any", "mappings": [{"type": "custom"}]}},
    "forms": {"contact_form": {"required_slots": []}},
})
store = ClinicTrackerStore(domain)

def turn(number):
    parse = {"text": "words", "intent": {"name": "ask"}, "entities": [],
             "readings": [{"text": "words of a reading"}]}
    return [
        UserUttered("words", {"name": "ask"}, [], parse, metadata={"recent": ["words before"]}),
        ActionExecuted("action_answer"),
        BotUttered("an answer", {"custom": {"understood": "a lot"}}),
        ActionExecuted("action_listen"),
    ]

async def talk():
    new = DialogueStateTracker.from_events("talk", [], domain.slots)
    new.update(ActionExecuted("action_session_start"), domain)
    new.update(SessionStarted(), domain)
    new.update(ActionExecuted("action_listen"), domain)
    new.update(SlotSet("asked_at", 7), domain)
    new.update(ActiveLoop("contact_form"), domain)
    await store.save(new)
    for number in range(6):
        tracker = await store.retrieve("talk")
        for event in turn(number):
            tracker.update(event, domain)
        await store.save(tracker)
    return await store.retrieve("talk")

found = asyncio.run(talk())
with store.session_scope() as session:
    kept = session.execute(sa.text("SELECT data FROM events")).scalars().all()
print(json.dumps({
    "stored": len(kept), "loaded": len(found.events), "slot": found.get_slot("asked_at"),
    "loop": found.active_loop_name, "listening": found.latest_action_name,
    "intent": found.latest_message.intent["name"], "everything": "".join(kept),
}))
"""


def run(script: str, tmp_path: Path) -> list[str]:
    """What a script prints that has Rasa's database to itself."""
    environ = {
        **os.environ,
        **dict.fromkeys(SECRETS, "secret-of-this-test-" + "s" * 40),
        "RASA_DATABASE_URL": f"sqlite:///{tmp_path}/rasa.db",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


@pytest.mark.timeout(200)
def test_a_turn_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    assert run(CHECK, tmp_path)[-2:] == ["wal", "1"]


@pytest.mark.timeout(200)
def test_a_long_talk_keeps_its_form_and_loads_only_its_last_turn(tmp_path: Path) -> None:
    found = json.loads(run(LONG_TALK, tmp_path)[-1])
    assert found["stored"] == 5 + 6 * 4, "every event is stored once"
    assert found["loaded"] < 15
    assert (found["slot"], found["loop"]) == (7, "contact_form")
    assert (found["listening"], found["intent"]) == ("action_listen", "ask")
    for words in ("words of a reading", "words before", "a lot"):
        assert words not in found["everything"], "our own transcript has that already"
