"""Dialogues through the trained model: each `dialogues/*.yml` is a list of conversations."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.app_state import AppState
from bot.conversations import transcript
from bot.messages import InboundMessage

FOLDER = Path(__file__).parent / "dialogues"


def read_dialogues() -> list[Any]:
    found = []
    for path in sorted(FOLDER.glob("*.yml")):
        for dialogue in yaml.safe_load(path.read_text(encoding="utf-8")):
            found.append(pytest.param(dialogue["turns"], id=dialogue["name"]))
    return found


@pytest.mark.parametrize("turns", read_dialogues())
def test_dialogue(assistant: AppState, turns: list[dict[str, Any]]) -> None:
    with assistant.database.transaction() as session:
        conversation = transcript.start_conversation(session, "evaluation", assistant.clock())
    for turn in turns:
        pressed = turn.get("button")
        result = assistant.intake.handle(
            InboundMessage(
                channel="evaluation",
                conversation_id=conversation.id,
                client_message_id=secrets.token_hex(8),
                received_at=assistant.clock(),
                text=None if pressed else turn["patient"],
                button_id=pressed,
            )
        )
        said = "\n".join(reply.text for reply in result.replies)
        answers = [reply.answer_id for reply in result.replies if reply.answer_id]
        assert result.outcome.value in _listed(turn["outcome"]), (turn, answers, said)
        for words in _listed(turn.get("says", [])):
            assert words in said, turn
        for words in _listed(turn.get("never_says", [])):
            assert words not in said, turn
        for answer in _listed(turn.get("answers", [])):
            assert answer in answers, (turn, answers)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
