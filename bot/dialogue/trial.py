"""What the assistant would do with a message, for staff who try one. Leaves no trace.

Runs in Rasa's process, which has the model and the answer index loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from bot.content.files import load_topics
from bot.nlu.choice_weights import CHOICE_FILE, ChoiceWeights, load_choice_weights
from bot.nlu.choose import Understood, choose
from bot.nlu.spacy_pipeline import read_answers_by_entity
from bot.settings import ROOT, load_settings

SHOWN = 6


def outlook(parse: Mapping[str, Any]) -> dict[str, Any]:
    """The choice that the action for questions makes of this parse, and the ranking behind it."""
    topics, by_entity, weights = _files()
    understood = Understood.from_parse(parse, by_entity)
    choice = choose(understood, topics, weights)
    return {
        "intent": understood.intent,
        "confidence": understood.confidence,
        "ranking": list(understood.whole.ranking.items())[:SHOWN],
        "entities": [[e["entity"], e["value"]] for e in understood.entities],
        "answers": [[c.answer_id, round(c.score, 4)] for c in understood.whole.candidates[:SHOWN]],
        "choice": choice.kind.value,
        "answer_ids": list(choice.answer_ids),
    }


@cache
def _files() -> tuple[dict[str, tuple[str, ...]], dict[str, str], ChoiceWeights]:
    data = ROOT / "data"
    weights = load_choice_weights(load_settings().encoder_path.parent / CHOICE_FILE)
    return load_topics(data / "topics.yml"), read_answers_by_entity(data / "entities.yml"), weights
