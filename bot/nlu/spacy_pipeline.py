"""The project's own spaCy pipeline, built from `data/entities.yml` at train time.

No downloaded model: tokens, lemmas from lookup tables, sentence ends, and an entity
ruler that knows the clinic's vocabulary.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from spacy.language import Language

LABELS = ("treatment_concern", "body_area", "medicine", "condition", "symptom", "treatment")
"""Entity labels, as `domain.yml` names them."""


def build_pipeline(entities_path: Path) -> Language:
    """Make the pipeline.

    Raises:
        ValueError: The vocabulary file has an unknown label or a malformed entry.
    """
    # Imported here: the action server reads the vocabulary only.
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("lemmatizer", config={"mode": "lookup"})
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    # Initialised while still empty: only the lemma tables are wanted from here.
    nlp.initialize()
    ruler.add_patterns(read_patterns(entities_path))
    return nlp


def read_patterns(path: Path) -> list[dict[str, str]]:
    """Read the vocabulary as spaCy patterns: one phrase, its label and canonical id."""
    vocabulary = yaml.safe_load(path.read_text(encoding="utf-8"))
    unknown = set(vocabulary) - set(LABELS)
    if unknown:
        raise ValueError(f"{path.name}: unknown labels {sorted(unknown)}")
    patterns = []
    for label, entries in vocabulary.items():
        for entry in entries:
            if set(entry) - {"id", "patterns", "answer"} or not entry.get("patterns"):
                raise ValueError(f"{path.name}: malformed entry {entry.get('id')!r} of {label}")
            patterns += [
                {"label": label, "pattern": str(phrase), "id": entry["id"]}
                for phrase in entry["patterns"]
            ]
    return patterns


def read_answers_by_entity(path: Path) -> dict[str, str]:
    """Canonical entity id to the answer that speaks about it, where one does."""
    vocabulary = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        entry["id"]: entry["answer"]
        for entries in vocabulary.values()
        for entry in entries
        if entry.get("answer")
    }
