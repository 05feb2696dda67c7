"""Rasa component: entities from the spaCy pipeline, by their canonical names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.extractors.spacy_entity_extractor import SpacyEntityExtractor
from spacy.tokens import Doc

from bot.nlu.names import Names, read_names
from bot.settings import ROOT, load_settings


@lru_cache(maxsize=1)
def shared_names() -> Names:
    """The medicines and conditions of `data/entities.yml`, read once."""
    data = ROOT / "data"
    return read_names(
        data / "entities.yml",
        data / "product_names.txt",
        load_settings().encoder_path.parent / "tokenizer.json",
    )


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False, model_from="SpacyNLP"
)
class ClinicEntityExtractor(SpacyEntityExtractor):
    """Lacking in the stock extractor: it gives the words typed ("accutane"), not the
    canonical id behind them (`isotretinoin`), which the answer look-up needs, and it
    knows no misspelling ("acutain").
    """

    @staticmethod
    def _extract_entities(doc: Doc) -> list[dict[str, Any]]:
        found = [
            {
                "entity": ent.label_,
                "value": ent.ent_id_ or ent.text.lower(),
                "start": ent.start_char,
                "end": ent.end_char,
                "confidence": 1.0,
            }
            for ent in doc.ents
        ]
        return found + [
            {
                "entity": name.label,
                "value": name.id,
                "start": start,
                "end": end,
                "confidence": 0.8,
            }
            for name, start, end in shared_names().misspelt(doc.text)
        ]
