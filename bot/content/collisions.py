"""Phrasings that collide: two answers that would be found by the same question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.content.phrasings import normalise
from bot.content.store import PublishedAnswer
from bot.nlu.answer_index import AnswerIndex, Encoder
from bot.nlu.choice_weights import CHOICE_FILE, load_choice_weights

TOO_LIKE = 0.9
"""Likeness by meaning from which two phrasings ask the same. Of the shipped phrasings one in
a hundred is this near to another answer's, and reading those shows real overlaps."""


@dataclass(frozen=True, slots=True)
class Collision:
    """One phrasing and the nearest phrasing or title of another answer.

    Attributes:
        likeness: By meaning, 0 to 1; 1 where the words are the same.
        outranked: Whether it is nearer to the other answer than to its own other phrasings,
            so that a patient who asks so may well get the wrong one.
    """

    answer_id: str
    phrasing: str
    other_id: str
    other: str
    likeness: float
    outranked: bool


def open_index(
    answers: Sequence[PublishedAnswer], encoder_path: Path
) -> tuple[AnswerIndex, Encoder]:
    """An index of the live answers, and the encoder it was made with; some seconds."""
    from bot.nlu.encoder import SentenceEncoder

    encoder = SentenceEncoder(encoder_path)
    weights = load_choice_weights(encoder_path.parent / CHOICE_FILE)
    return AnswerIndex(answers, encoder, weights.views), encoder


def check(
    answer_id: str,
    phrasings: Iterable[str],
    index: AnswerIndex,
    encoder: Encoder,
    too_like: float = TOO_LIKE,
) -> list[Collision]:
    """Compare phrasings, published or not, with every other answer.

    Args:
        answer_id: The answer they belong to; what it already has is no collision.
        phrasings: As an editor wrote them.
        index: The live answers.
        encoder: The one the index was made with.
        too_like: Least likeness that is reported.

    Returns:
        The collisions, the likest first.
    """
    texts = list(phrasings)
    if not texts:
        return []
    found = []
    for text, vector in zip(texts, encoder.encode(texts), strict=True):
        nearest = index.neighbours(vector, leave_out=text, of=answer_id)
        others = [item for item in nearest if item[0] != answer_id]
        own = max((item[2] for item in nearest if item[0] == answer_id), default=0.0)
        if not others:
            continue
        other_id, other, likeness = others[0]
        if normalise(other) == normalise(text):
            likeness = 1.0
        if likeness >= too_like:
            found.append(
                Collision(answer_id, text, other_id, other, round(likeness, 4), likeness > own)
            )
    return sorted(found, key=lambda c: -c.likeness)
