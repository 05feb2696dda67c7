"""The place of the learned net beside the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.messages import Tier


class TierModel(Protocol):
    """Judges a message as a whole, where no rule knows the words.

    An implementation applies its own thresholds: what it returns is raised
    to, not weighed again. It may raise any exception; the screen then goes
    by the rules alone.
    """

    def tier(self, text: str, recent: Sequence[str]) -> tuple[Tier, float]:
        """Return the tier of ``text``, and how sure the model is of it, from 0 to 1.

        Args:
            text: The patient's message.
            recent: Earlier turns of the patient, newest last.
        """
        ...
