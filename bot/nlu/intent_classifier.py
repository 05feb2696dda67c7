"""Rasa component: the intent model."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.encoder import Vectors
from bot.nlu.encoder_featurizer import sentence_vector
from bot.nlu.intent_model import IntentModel, IntentModelConfig

RANKING_LENGTH = 10


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class ClinicIntentClassifier(IntentClassifier, GraphComponent):
    """Lacking in the stock LogisticRegressionClassifier: regularisation cannot be set,
    and counts of letter groups swamp the sentence vector.
    """

    @classmethod
    def required_components(cls) -> list[type]:
        """A featurizer has to stand before."""
        return [Featurizer]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """See `IntentModelConfig`."""
        defaults = IntentModelConfig()
        return {
            "c": defaults.c,
            "letters_weight": defaults.letters_weight,
            "max_iter": defaults.max_iter,
        }

    def __init__(self, config: dict[str, Any], storage: ModelStorage, resource: Resource) -> None:
        """An untrained component."""
        self._config = IntentModelConfig(config["c"], config["letters_weight"], config["max_iter"])
        self._storage = storage
        self._resource = resource
        self._model: IntentModel | None = None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> ClinicIntentClassifier:
        """Called by Rasa before training."""
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> ClinicIntentClassifier:
        """Called by Rasa to predict."""
        component = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            component._model = IntentModel.load(folder / "intent_model.npz", component._config)
        return component

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on every example with an intent."""
        texts, vectors, intents = [], [], []
        for example in training_data.intent_examples:
            vector = sentence_vector(example)
            if vector is not None:
                texts.append(example.get(TEXT))
                vectors.append(vector)
                intents.append(example.get(INTENT))
        model = IntentModel(self._config)
        model.fit(texts, np.stack(vectors), intents)
        self._model = model
        with self._storage.write_to(self._resource) as folder:
            model.save(folder / "intent_model.npz")
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Give training examples their prediction, for components that follow."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Set intent and ranking, of the message and of each of its readings."""
        for message in messages:
            vector = sentence_vector(message)
            if self._model is None or vector is None:
                continue
            readings = message.get("readings")
            if readings:
                vectors = message.get("reading_vectors")
                rankings = self._rankings([r["text"] for r in readings], vectors)
                for reading, ranking in zip(readings, rankings, strict=True):
                    reading["ranking"] = {r["name"]: r["confidence"] for r in ranking}
            else:
                rankings = self._rankings([message.get(TEXT)], vector[np.newaxis, :])
            message.set("intent_ranking", rankings[0], add_to_output=True)
            message.set(INTENT, rankings[0][0], add_to_output=True)
        return messages

    def _rankings(self, texts: list[str], vectors: Vectors) -> list[list[dict[str, Any]]]:
        assert self._model is not None
        found = []
        for chances in self._model.probabilities(texts, vectors):
            best = np.argsort(-chances)[:RANKING_LENGTH]
            found.append(
                [{"name": self._model.intents[i], "confidence": float(chances[i])} for i in best]
            )
        return found
