"""Rasa component: entities from the spaCy pipeline, by their canonical names."""

from __future__ import annotations

from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.extractors.spacy_entity_extractor import SpacyEntityExtractor
from spacy.tokens import Doc


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False, model_from="SpacyNLP"
)
class ClinicEntityExtractor(SpacyEntityExtractor):
    """Lacking in the stock extractor: it gives the words typed ("accutane"), not the
    canonical id behind them (`isotretinoin`), which the answer look-up needs.
    """

    @staticmethod
    def _extract_entities(doc: Doc) -> list[dict[str, Any]]:
        return [
            {
                "entity": ent.label_,
                "value": ent.ent_id_ or ent.text.lower(),
                "start": ent.start_char,
                "end": ent.end_char,
                "confidence": 1.0,
            }
            for ent in doc.ents
        ]
