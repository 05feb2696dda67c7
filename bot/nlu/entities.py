"""Rasa component: entities from the spaCy pipeline, by their canonical names."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.constants import SPACY_DOCS
from rasa.nlu.extractors.spacy_entity_extractor import SpacyEntityExtractor
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
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

    def process(self, messages: list[Message], model: SpacyModel) -> list[Message]:
        """Add the entities of each message."""
        for message in messages:
            # SpacyNLP has read the message already, in lower case, as our vocabulary is; the
            # stock extractor reads it again. A letter that is two in lower case moves what
            # stands after it: then it is read once more.
            text, doc = message.get(TEXT), message.get(SPACY_DOCS[TEXT])
            if doc is None or len(doc.text) != len(text):
                doc = model.model(text)
            found = self.add_extractor_name(self._extract_entities(doc))
            message.set(ENTITIES, [*message.get(ENTITIES, []), *found], add_to_output=True)
        return messages

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
