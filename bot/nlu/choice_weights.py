"""The fitted numbers behind the choice of an answer; `bot/models/choice.json` holds them.

`make choice-weights` fits them on lines that neither the encoder nor the index has seen
(`bot/models/fit_choice.py`); docs/decisions/0008 gives the figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

VIEWS: Final = ("nearest", "second", "letters", "words", "body", "head")
"""How an answer may be like a question; see `AnswerIndex`."""
SIGNS: Final = ("out_of_scope", "ask", "nearest", "coverage", "margin")
"""What tells whether a message is about the clinic's subjects; see `bot/nlu/scope.py`."""
CHOICE_FILE: Final = "choice.json"


@dataclass(frozen=True, slots=True)
class ChoiceWeights:
    """One number each, fitted together.

    Attributes:
        views: Weight of each of `VIEWS`, in units of log-odds.
        intent: The same for the probability of the answer's intents.
        signs: Weight of each of `SIGNS`.
        bias: What the signs' sum starts from.
    """

    views: Mapping[str, float]
    intent: float
    signs: Mapping[str, float]
    bias: float

    def save(self, path: Path) -> None:
        """Write what :func:`load_choice_weights` reads."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


@lru_cache(maxsize=2)
def load_choice_weights(path: Path) -> ChoiceWeights:
    """Read the fitted numbers.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It lacks a view or a sign, or has one too many.
    """
    raw = json.loads(path.read_text(encoding="utf-8"))
    if set(raw["views"]) != set(VIEWS) or set(raw["signs"]) != set(SIGNS):
        raise ValueError(f"{path.name} does not fit this version: fit it again")
    return ChoiceWeights(raw["views"], raw["intent"], raw["signs"], raw["bias"])
