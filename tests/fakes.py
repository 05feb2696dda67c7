"""Stand-ins with the real interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from bot.dialogue.client import DialogueResult
from bot.errors import DialogueUnavailable
from bot.messages import AnswerRef, Outcome, Reply, Tier
from bot.nlu.encoder import Vectors


class FakeClock:
    """A clock that a test moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


class FakeDialogue:
    """Answers every message alike, remembers what it got, and can be down."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, int, Mapping[str, Any]]] = []
        self.down = False
        self.result = DialogueResult(
            outcome=Outcome.ANSWERED,
            tier=Tier.NONE,
            replies=(
                Reply(
                    "It can sting a little.",
                    answer=AnswerRef("does-it-hurt", "Does it hurt?", 1, "2026-11-02"),
                ),
            ),
            understood={"intent": "ask_pain", "confidence": 0.9},
        )

    def send(
        self, conversation_id: str, text: str, *, message_id: int, context: Mapping[str, Any]
    ) -> DialogueResult:
        self.sent.append((conversation_id, text, message_id, context))
        if self.down:
            raise DialogueUnavailable("refused by the test")
        return self.result

    def parse(self, text: str) -> Mapping[str, Any]:
        if self.down:
            raise DialogueUnavailable("refused by the test")
        return {
            "intent": "ask_pain",
            "confidence": 0.9,
            "ranking": [["ask_pain", 0.9], ["ask_cost", 0.05]],
            "entities": [],
            "answers": [["does-it-hurt", 0.71]],
            "choice": "answer",
            "answer_ids": ["does-it-hurt"],
        }

    def ready(self) -> bool:
        return not self.down

    def close(self) -> None:
        """Nothing is open."""


class WordEncoder:
    """Vectors by words, so that texts sharing words are near."""

    def __init__(self, dimensions: int = 64) -> None:
        self.dimensions = dimensions

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for number, text in enumerate(texts):
            for word in text.lower().split():
                rows[number, sum(word.encode()) % self.dimensions] += 1.0
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)
