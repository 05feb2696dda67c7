"""Rasa component: the sentence encoder as dense features, shared by what comes after."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.encoder import Vectors, shared_encoder
from bot.settings import ROOT, load_settings

FEATURE_TYPE = "sentence"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class SentenceEncoderFeaturizer(DenseFeaturizer, GraphComponent):
    """Lacking in Rasa: a sentence encoder without TensorFlow or a download.

    The stock LanguageModelFeaturizer fetches its weights from a hub and runs them in
    TensorFlow at several times the cost.
    """

    @classmethod
    def required_components(cls) -> list[type]:
        """Rasa checks that a tokenizer stands before every featurizer."""
        return [Tokenizer]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`encoder_path`: the ONNX file, if not the one in our settings."""
        return {**DenseFeaturizer.get_default_config(), "encoder_path": None}

    def __init__(self, config: dict[str, Any], name: str) -> None:
        """Load the encoder."""
        super().__init__(name, config)
        path = config["encoder_path"]
        self._encoder = shared_encoder(ROOT / path if path else load_settings().encoder_path)

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceEncoderFeaturizer:
        """Called by Rasa."""
        return cls(config, execution_context.node_name)

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Nothing to check beyond the file, which loading does."""

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Featurize every training example, in batches."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add the sentence vector to each message."""
        worded = [message for message in messages if message.get(TEXT)]
        vectors = self._encoder.encode([message.get(TEXT) for message in worded])
        for message, vector in zip(worded, vectors, strict=True):
            message.add_features(
                Features(vector[np.newaxis, :], FEATURE_TYPE, TEXT, self._identifier)
            )
        return messages


def sentence_vector(message: Message) -> Vectors | None:
    """The vector that this component put on a message, shape (384,), or None."""
    _, features = message.get_dense_features(TEXT)
    return None if features is None else features.features[0]
