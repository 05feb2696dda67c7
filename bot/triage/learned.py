"""The learned net: a judgement of how soon a human must look, from the message's vector.

It reaches what no list of words does ("the pink was a coin at lunch, now it's a plate").
The rules stand beside it, and alone when it cannot load.
"""

from __future__ import annotations

import itertools
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bot.messages import Tier
from bot.nlu.encoder import SentenceEncoder, Vectors, shared_encoder
from bot.nlu.intent_model import fold

logger = logging.getLogger(__name__)

TIERS: Final = ("none", "routine", "urgent", "emergency")
HEAD_FILE: Final = "tier_head.npz"
CONTEXT_TURNS: Final = 2
"""Earlier turns put before a message."""
CONTEXT_LETTERS: Final = 160
"""So much of each is read, or there would be no room for the message itself."""
PART_WORDS: Final = 35
"""A longer message is also read in parts of at least so many words: in shorter ones too little
is left to tell a story from a report."""
SENTENCE_WORDS: Final = 20
"""A longer sentence is cut."""
MOST_PARTS: Final = 24
"""Parts of one message that are read: those of some 500 words."""
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;\n])\s*(?=\S)")


@dataclass(frozen=True, slots=True)
class TierThresholds:
    """Least probability of a tier or a higher one; `bot/models/tier_metrics.json` has the curve.

    Set for recall: at these more than nine in ten red flags never seen before are caught.
    """

    emergency: float = 0.4
    urgent: float = 0.35
    routine: float = 0.5


@dataclass(frozen=True, slots=True)
class TierHead:
    """A support vector machine for each tier above none: is the message at least that?

    It compares the message's vector with those of labelled messages near the border, and
    weighs its words and letter groups, for what the encoder never learnt to tell apart.

    Attributes:
        supports: Vectors of labelled messages, shape (messages, 384).
        pull: How much each of them speaks for a tier, shape (3, messages).
        width: How fast likeness fades with distance.
        grams: Column of each word and letter group in ``idf`` and ``weights``.
        idf: How telling each is, shape (grams,).
        weights: How much each speaks for a tier, shape (3, grams).
        bias: Shape (3,).
        slope: From a decision value to log-odds, fitted on held-out situations; shape (3,).
        offset: The same.
    """

    supports: Vectors
    pull: Vectors
    width: float
    grams: Mapping[str, int]
    idf: Vectors
    weights: Vectors
    bias: Vectors
    slope: Vectors
    offset: Vectors

    def decide(self, text: str, vector: Vectors) -> Vectors:
        """Decision value for each tier above none, shape (3,)."""
        near = np.exp(-2 * self.width * (1 - self.supports @ vector))
        counts = Counter(self.grams[gram] for gram in grams_of(text) if gram in self.grams)
        values: Vectors = self.pull @ near + self.bias
        if counts:
            columns = np.fromiter(counts, dtype=np.int64)
            often = np.fromiter(counts.values(), dtype=np.float32)
            found = (1 + np.log(often)) * self.idf[columns]
            values += self.weights[:, columns] @ (found / np.linalg.norm(found))
        return values

    def at_least(self, text: str, vector: Vectors) -> Vectors:
        """Probability of routine or above, urgent or above, emergency; shape (3,), falling."""
        odds = self.slope * self.decide(text, vector) + self.offset
        return np.minimum.accumulate(1 / (1 + np.exp(-odds)))

    def save(self, path: Path) -> None:
        """Write plain numbers and words; no objects."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        words = np.frombuffer("\n".join(self.grams).encode(), dtype=np.uint8)
        np.savez_compressed(path, width=self.width, grams=words, **arrays)

    @classmethod
    def load(cls, path: Path) -> TierHead:
        """Read what `save` wrote.

        Raises:
            OSError, ValueError, KeyError: There is no such file, or it holds something else.
        """
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name].astype(np.float32) for name in _ARRAYS}
            words = stored["grams"].tobytes().decode().split("\n")
            width = float(stored["width"])
        return cls(width=width, grams={word: i for i, word in enumerate(words)}, **arrays)


_ARRAYS: Final = ("supports", "pull", "idf", "weights", "bias", "slope", "offset")


class EncoderTierModel:
    """Tier of a message with its earlier turns, in a few milliseconds."""

    def __init__(
        self, encoder: SentenceEncoder, head: TierHead, thresholds: TierThresholds | None = None
    ) -> None:
        """Put a head on an encoder; ``thresholds`` are for tuning."""
        self._encoder = encoder
        self._head = head
        self._thresholds = thresholds or TierThresholds()

    def at_least(self, text: str, recent: Sequence[str]) -> Vectors:
        """Probability of routine or above, urgent or above, emergency; shape (3,).

        The highest of several looks: at the message with its earlier turns, at the message
        alone and, if it is long, at parts of it. What stands around a sign thins it out,
        and only the first `encoder.MAX_TOKENS` word pieces of a look are read.
        """
        beginnings = [turn[:CONTEXT_LETTERS] for turn in recent]
        looks = dict.fromkeys([joined(text, beginnings), text, *parts_of(text)])
        highest: Vectors = np.max([self._look(words) for words in looks], axis=0)
        return highest

    def _look(self, words: str) -> Vectors:
        return self._head.at_least(words, self._encoder.encode([words])[0])

    def alarm(self, text: str, recent: Sequence[str]) -> float:
        """How likely the message is urgent or an emergency."""
        return float(self.at_least(text, recent)[1])

    def tier(self, text: str, recent: Sequence[str]) -> tuple[Tier, float]:
        """Judge one message.

        Returns:
            The tier, and the probability of that tier or a higher one.
        """
        routine, urgent, emergency = (float(p) for p in self.at_least(text, recent))
        limits = self._thresholds
        if emergency >= limits.emergency:
            return Tier.EMERGENCY, emergency
        if urgent >= limits.urgent:
            return Tier.URGENT, urgent
        return (Tier.ROUTINE if routine >= limits.routine else Tier.NONE), routine


def grams_of(text: str) -> list[str]:
    """Words, pairs of words, and groups of three to five letters within a word."""
    words = fold(text).split()
    found = [f"w {word}" for word in words]
    found += [f"w {first} {second}" for first, second in itertools.pairwise(words)]
    for word in words:
        padded = f" {word} "
        for length in (3, 4, 5):
            found += [padded[i : i + length] for i in range(len(padded) - length + 1)]
    return found


def joined(text: str, recent: Sequence[str]) -> str:
    """A message with its last turns before it, as the head was fitted on."""
    return " [SEP] ".join([*recent[-CONTEXT_TURNS:], text])


def parts_of(text: str) -> list[str]:
    """A long message in overlapping parts of whole sentences; none of a short one.

    Where it has no stops, as dictation has none, so many words stand for a sentence.
    """
    sentences = []
    for sentence in _SENTENCE_END.split(text):
        words = sentence.split()
        sentences += [
            words[start : start + SENTENCE_WORDS] for start in range(0, len(words), SENTENCE_WORDS)
        ]
    if sum(map(len, sentences)) <= PART_WORDS:
        return []
    parts = []
    for start in range(min(len(sentences), MOST_PARTS)):
        part: list[str] = []
        end = start
        while end < len(sentences) and len(part) < PART_WORDS:
            part += sentences[end]
            end += 1
        parts.append(" ".join(part))
        if end == len(sentences):
            break
    return parts


def load_tier_model(encoder_path: Path) -> EncoderTierModel | None:
    """Load the encoder and the head beside it.

    Never raises: whatever is wrong with the model, the rules must still start. Then it is
    None, with a loud line in the log, and readiness says so.
    """
    try:
        head = TierHead.load(encoder_path.parent / HEAD_FILE)
        model = EncoderTierModel(shared_encoder(encoder_path), head)
        model.tier("warm up", [])
    except Exception as error:
        logger.critical("the tier model cannot load (%s): rules alone", type(error).__name__)
        return None
    return model
