"""Rasa component: the published answers nearest to a message, always up to date."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from sqlalchemy.exc import SQLAlchemyError

from bot.content.store import all_published, revision
from bot.db import Database
from bot.nlu.answer_index import AnswerIndex, Candidate
from bot.nlu.encoder_featurizer import sentence_vector, shared_encoder
from bot.nlu.questions import refers_back, split_questions
from bot.settings import load_settings

logger = logging.getLogger(__name__)

CANDIDATES = "answer_candidates"
PARTS = "answer_parts"
IN_CONTEXT = "answer_candidates_in_context"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class AnswerRetriever(GraphComponent):
    """Lacking in the stock ResponseSelector: its answers are frozen into the model.

    Here they come from the content store and are read again within seconds of a change,
    without training. Adds to the parse: `answer_candidates` for the message as it
    stands, `answer_parts` when it holds several questions, and
    `answer_candidates_in_context` when it leans on the turn before.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`refresh_s`: how often to look whether content changed."""
        return {"refresh_s": 2.0}

    def __init__(self, config: dict[str, Any]) -> None:
        """Read the content and start watching it."""
        settings = load_settings()
        self._encoder = shared_encoder(settings.encoder_path)
        self._database = Database(settings.database_url)
        self._revision = -1
        self._index = AnswerIndex([], self._encoder)
        self._refresh()
        # A weak reference lets Rasa drop the component; the thread then ends.
        threading.Thread(
            target=_watch, args=(weakref.ref(self), float(config["refresh_s"])), daemon=True
        ).start()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> AnswerRetriever:
        """Called by Rasa."""
        return cls(config)

    def process(self, messages: list[Message]) -> list[Message]:
        """Rank answers for each message."""
        for message in messages:
            text, vector = message.get(TEXT), sentence_vector(message)
            if not text or vector is None:
                continue
            message.set(CANDIDATES, _records(self._index.rank(text, vector)), add_to_output=True)
            parts = split_questions(text)
            if len(parts) > 1:
                message.set(PARTS, [self._ranked(part) for part in parts], add_to_output=True)
            recent = (message.get("metadata") or {}).get("recent") or []
            if recent and refers_back(text):
                joined = self._ranked(f"{recent[-1]} {text}")
                message.set(IN_CONTEXT, joined["candidates"], add_to_output=True)
        return messages

    def _ranked(self, text: str) -> dict[str, Any]:
        candidates = self._index.rank(text, self._encoder.encode([text])[0])
        return {"text": text, "candidates": _records(candidates)}

    def _refresh(self) -> None:
        try:
            with self._database.reading() as session:
                current = revision(session)
                if current == self._revision:
                    return
                answers = all_published(session)
        except SQLAlchemyError as error:
            # Keep answering from what we have; the next look may succeed.
            logger.error("cannot read the content store: %s", type(error).__name__)
            return
        self._index = AnswerIndex(answers, self._encoder)
        self._revision = current
        logger.info("answers indexed: %d, content revision %d", len(answers), current)


def _watch(reference: weakref.ref[AnswerRetriever], every_s: float) -> None:
    pause = threading.Event()
    while not pause.wait(every_s):
        retriever = reference()
        if retriever is None:
            return
        retriever._refresh()
        del retriever


def _records(candidates: list[Candidate]) -> list[dict[str, Any]]:
    return [{"id": c.answer_id, "topic": c.topic, "score": c.score} for c in candidates]
