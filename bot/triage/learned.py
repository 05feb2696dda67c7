"""The learned net: a judgement of how soon a human must look, from the message's vector.

It reaches what no list of words does ("the pink was a coin at lunch, now it's a plate").
The rules stand beside it, and alone when it cannot load.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bot.messages import Tier
from bot.nlu.encoder import SentenceEncoder, Vectors, shared_encoder

logger = logging.getLogger(__name__)

TIERS: Final = ("none", "routine", "urgent", "emergency")
CONTEXT_TURNS: Final = 2
"""Earlier turns put before a message."""


@dataclass(frozen=True, slots=True)
class TierThresholds:
    """Least summed probability of a tier and all above it; docs/evaluation.md has the curve."""

    emergency: float = 0.6
    urgent: float = 0.6
    routine: float = 0.5


class EncoderTierModel:
    """Tier of a message with its earlier turns, in a few milliseconds."""

    def __init__(
        self,
        encoder: SentenceEncoder,
        weights: Vectors,
        bias: Vectors,
        thresholds: TierThresholds | None = None,
    ) -> None:
        """Put a linear head on an encoder.

        Args:
            weights: Shape (4, 384), rows in the order of `TIERS`.
            bias: Shape (4,).
            thresholds: For tuning; the defaults are in force.
        """
        self._encoder = encoder
        self._weights = weights
        self._bias = bias
        self._thresholds = thresholds or TierThresholds()

    def probabilities(self, text: str, recent: Sequence[str]) -> Vectors:
        """Shape (4,), in the order of `TIERS`; adds up to 1."""
        scores = self._weights @ self._encoder.encode([joined(text, recent)])[0] + self._bias
        powers = np.exp(scores - scores.max())
        return np.asarray(powers / powers.sum(), dtype=np.float32)

    def alarm(self, text: str, recent: Sequence[str]) -> float:
        """How likely the message is urgent or an emergency."""
        return float(self.probabilities(text, recent)[2:].sum())

    def tier(self, text: str, recent: Sequence[str]) -> tuple[Tier, float]:
        """Judge one message.

        Returns:
            The tier, and the summed probability of that tier and all above it.
        """
        _, routine, urgent, emergency = (float(p) for p in self.probabilities(text, recent))
        limits = self._thresholds
        if emergency >= limits.emergency:
            return Tier.EMERGENCY, emergency
        if urgent + emergency >= limits.urgent:
            return Tier.URGENT, urgent + emergency
        follow_up = routine + urgent + emergency
        return (Tier.ROUTINE if follow_up >= limits.routine else Tier.NONE), follow_up


def joined(text: str, recent: Sequence[str]) -> str:
    """A message with its last turns before it, as the head was fitted on."""
    return " [SEP] ".join([*recent[-CONTEXT_TURNS:], text])


def load_tier_model(encoder_path: Path) -> EncoderTierModel | None:
    """Load the encoder and the `tier_head.json` beside it.

    Never raises: whatever is wrong with the model, the rules must still start. Then it is
    None, with a loud line in the log, and readiness says so.
    """
    try:
        head = json.loads((encoder_path.parent / "tier_head.json").read_text(encoding="utf-8"))
        model = EncoderTierModel(
            shared_encoder(encoder_path),
            np.asarray(head["weights"], dtype=np.float32),
            np.asarray(head["bias"], dtype=np.float32),
        )
        model.tier("warm up", [])
    except Exception as error:
        logger.critical("the tier model cannot load (%s): rules alone", type(error).__name__)
        return None
    return model
