"""`bot evaluate`: run labelled messages through the product and say how it did."""

from __future__ import annotations

import json
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from bot.app_state import DATA, AppState, open_app_state
from bot.content.files import load_answers
from bot.content.models import Answer
from bot.content.store import seed
from bot.conversations import transcript
from bot.db import Database, utc_now
from bot.errors import BotError
from bot.messages import InboundMessage, Tier
from bot.migrate import migrate
from bot.replies.texts import ANSWER_PREFIX
from bot.settings import Settings
from bot.stack import MODEL, free_port, make_stack

CLIENTS = 4
"""Lines evaluated at once; more only queue up behind Rasa."""


class EvaluationFileError(BotError):
    """A line of the file cannot be read. The text says which and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One labelled message; everything but id and text is optional in the file."""

    id: str
    text: str
    context: tuple[str, ...]
    labels: dict[str, Any]


def read_lines(path: Path) -> list[Line]:
    """Read a JSONL file.

    Raises:
        EvaluationFileError: Naming the line number.
    """
    lines = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not raw.strip():
            continue
        try:
            record = json.loads(raw)
            context = record.get("context") or []
            if not isinstance(record["text"], str) or not isinstance(context, list):
                raise TypeError("text must be a string and context a list")
            lines.append(Line(str(record["id"]), record["text"], tuple(context), record))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvaluationFileError(f"{path.name} line {number}: {error!r}") from error
    return lines


@contextmanager
def private_product(settings: Settings, model: Path = MODEL) -> Iterator[AppState]:
    """The product's dialogue on free ports and an empty database of its own, seeded.

    Evaluation must neither read what staff edited nor leave its traces among patients.
    """
    with tempfile.TemporaryDirectory(prefix="clinic-evaluate-") as folder:
        own = replace(
            settings,
            database_url=f"sqlite:///{folder}/clinic.db",
            rasa_database_url=f"sqlite:///{folder}/rasa.db",
            rasa_secret=secrets.token_urlsafe(36),
            rasa_port=free_port(),
            actions_port=free_port(),
            dialogue_timeout_s=30.0,
            var_folder=Path(folder),
        )
        migrate(own.database_url)
        database = Database(own.database_url)
        with database.transaction() as session:
            seed(session, load_answers(DATA / "answers"), utc_now())
        database.close()
        with make_stack(own, Path(folder), ("rasa", "actions"), model) as stack:
            stack.start()
            stack.wait_until_ready()
            state = open_app_state(own)
            try:
                yield state
            finally:
                state.close()


def run_lines(state: AppState, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Send each line in a fresh conversation; results in the order of the lines."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(lambda line: _run_line(state, line), lines))


def _run_line(state: AppState, line: Line) -> dict[str, Any]:
    with state.database.transaction() as session:
        conversation_id = transcript.start_conversation(session, "evaluation", state.clock()).id
    for turn in line.context:
        _send(state, conversation_id, turn)
    started = time.perf_counter()
    result = _send(state, conversation_id, line.text)
    latency_ms = (time.perf_counter() - started) * 1000
    message = result.message
    understood = message.understood or {}
    answer_ids = [r.answer_id for r in result.replies if r.answer_id]
    offered = [
        button["id"].removeprefix(ANSWER_PREFIX)
        for reply in result.replies
        for button in reply.buttons or ()
        if button["id"].startswith(ANSWER_PREFIX)
    ]
    if not answer_ids and result.outcome.value == "clarifying":
        answer_ids = offered
    with state.database.reading() as session:
        topics = _topics(session, answer_ids)
    tier = message.tier
    if result.outcome.value == "escalated_urgent":
        tier = max(tier, Tier.URGENT)
    elif result.outcome.value == "escalated_emergency":
        tier = max(tier, Tier.EMERGENCY)
    return {
        "id": line.id,
        "outcome": result.outcome.value,
        "tier": Tier(tier).name.lower(),
        "intent": understood.get("intent"),
        "confidence": understood.get("confidence"),
        "topics": topics,
        "answer_ids": answer_ids,
        "latency_ms": round(latency_ms, 2),
        "nets": (message.triage or {}).get("nets", []),
        "rule_ids": (message.triage or {}).get("rule_ids", []),
    }


def _send(state: AppState, conversation_id: str, text: str) -> Any:
    return state.intake.handle(
        InboundMessage(
            channel="evaluation",
            conversation_id=conversation_id,
            client_message_id=secrets.token_hex(8),
            received_at=state.clock(),
            text=text,
        )
    )


def _topics(session: Session, answer_ids: Sequence[str]) -> list[str]:
    topics = []
    for answer_id in answer_ids:
        answer = session.get(Answer, answer_id)
        if answer is not None and answer.topic not in topics:
            topics.append(answer.topic)
    return topics
