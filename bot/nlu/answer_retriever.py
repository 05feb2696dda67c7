"""Rasa component: the published answers nearest to a message, always up to date."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.constants import INTENT_MESSAGE_PREFIX
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from sqlalchemy.exc import SQLAlchemyError

from bot.content.store import all_published, revision
from bot.db import Database
from bot.nlu.answer_index import AnswerIndex
from bot.nlu.choice_weights import CHOICE_FILE, load_choice_weights
from bot.nlu.encoder import shared_encoder
from bot.nlu.entities import shared_names
from bot.nlu.readings import Reading, texts_to_read
from bot.nlu.scope import other_language
from bot.nlu.vector_file import kept_vectors
from bot.nlu.words import read_words
from bot.settings import ROOT, load_settings

logger = logging.getLogger(__name__)

READINGS = "readings"
READING_VECTORS = "reading_vectors"
UNKNOWN_NAME = "unknown_name"
OTHER_LANGUAGE = "other_language"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class AnswerRetriever(GraphComponent):
    """Lacking in the stock ResponseSelector: its answers are frozen into the model.

    Here they come from the content store and are read again within seconds of a change,
    without training. Adds the message's `readings` (see `bot/nlu/readings.py`) with the
    answers nearest to each; stands before the classifier, which adds the intents. Also
    says whether the message names an unknown medicine, and whether it is in a language
    that nobody here reads.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`refresh_s`: how often to look whether content changed."""
        return {"refresh_s": 2.0}

    def __init__(self, config: dict[str, Any]) -> None:
        """Read the content and start watching it."""
        settings = load_settings()
        self._encoder = shared_encoder(settings.encoder_path)
        self._weights = load_choice_weights(settings.encoder_path.parent / CHOICE_FILE)
        self._names = shared_names()
        spelt_right = read_words(ROOT / "data" / "triage" / "ordinary_words.txt")
        self._ordinary = spelt_right | self._names.plain
        self._database = Database(settings.database_url)
        self._revision = -1
        self._index = AnswerIndex([], self._encoder, self._weights.views)
        self._kept = kept_vectors(settings)
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

    def process_training_data(self, training_data: Any) -> Any:
        """Nothing to do; content is no training data."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Read each message and rank answers for each reading."""
        index = self._index
        for message in messages:
            text = message.get(TEXT)
            if not text or text.startswith(INTENT_MESSAGE_PREFIX):
                continue
            before = (message.get("metadata") or {}).get("before")
            wanted = texts_to_read(index.vocabulary.repaired(text), before)
            texts = list(dict.fromkeys(words for _, words in wanted))
            vectors = dict(zip(texts, self._encoder.encode(texts), strict=True))
            readings = []
            for kind, words in wanted:
                found = index.rank(words, vectors[words])
                readings.append(
                    Reading(kind, words, {}, found.candidates, found.nearest, found.coverage)
                )
            message.set(READING_VECTORS, np.stack([vectors[words] for _, words in wanted]))
            message.set(READINGS, [r.record() for r in readings], add_to_output=True)
            message.set(UNKNOWN_NAME, self._names.unknown(text), add_to_output=True)
            message.set(OTHER_LANGUAGE, other_language(text), add_to_output=True)
        return messages

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
        known = self._index.known_vectors or self._kept.read()
        self._index = AnswerIndex(
            answers, self._encoder, self._weights.views, known, self._ordinary
        )
        if answers and self._index.known_vectors.keys() != known.keys():
            self._kept.write(self._index.known_vectors)
        self._revision = current
        logger.info("answers indexed: %d, content revision %d", len(answers), current)


def _watch(reference: weakref.ref[AnswerRetriever], every_s: float) -> None:
    pause = threading.Event()
    while not pause.wait(every_s):
        retriever = reference()
        if retriever is None:
            return
        try:
            retriever._refresh()
        except Exception as error:
            # Whatever it was, an edit must still reach patients at the next look.
            logger.error("cannot refresh the answers: %s", type(error).__name__)
        del retriever
