"""The learned net: the fine-tuned encoder's judgement of how soon a human must look.

It reaches what no list of words does ("the pink was a coin at lunch, now it's a plate").
The rules stand beside it and alone when it cannot load.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.messages import Tier
from bot.nlu.encoder import SentenceEncoder

logger = logging.getLogger(__name__)

CONTEXT_TURNS = 2
"""Earlier turns put before a message, as in training (`bot/models/finetune.py`)."""


@dataclass(frozen=True, slots=True)
class TierThresholds:
    """Least summed probability of a tier and all above it; set for recall on held-out
    situations and the development set (docs/evaluation.md).
    """

    emergency: float = 0.5
    urgent: float = 0.5
    routine: float = 0.5


class EncoderTierModel:
    """Tier of a message with its earlier turns, in a few milliseconds."""

    def __init__(self, encoder: SentenceEncoder, thresholds: TierThresholds | None = None) -> None:
        """Use an encoder that has a tier head."""
        self._encoder = encoder
        self._thresholds = thresholds or TierThresholds()

    def tier(self, text: str, recent: Sequence[str]) -> tuple[Tier, float]:
        """Judge one message.

        Returns:
            The tier, and the summed probability of that tier and all above it.
        """
        joined = " [SEP] ".join([*recent[-CONTEXT_TURNS:], text])
        _, routine, urgent, emergency = (float(p) for p in self._encoder.tiers([joined])[0])
        limits = self._thresholds
        if emergency >= limits.emergency:
            return Tier.EMERGENCY, emergency
        if urgent + emergency >= limits.urgent:
            return Tier.URGENT, urgent + emergency
        alarm = routine + urgent + emergency
        return (Tier.ROUTINE if alarm >= limits.routine else Tier.NONE), alarm


def load_tier_model(path: Path) -> EncoderTierModel | None:
    """Load the model at ``path``; None, with a loud line in the log, when it cannot load.

    Never raises: whatever is wrong with the model, the rules must still start.
    """
    try:
        model = EncoderTierModel(SentenceEncoder(path))
        model.tier("warm up", [])
    except Exception as error:
        logger.critical("the tier model cannot load (%s): rules alone", type(error).__name__)
        return None
    return model
