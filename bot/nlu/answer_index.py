"""Which published answer a question is nearest to. Pure computing on vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.content.store import PublishedAnswer
from bot.nlu.encoder import Vectors
from bot.nlu.intent_model import fold


class Encoder(Protocol):
    """What the index needs of the sentence encoder."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimensions)."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer and how near the question came, 0 to about 1."""

    answer_id: str
    topic: str
    score: float


@dataclass(frozen=True, slots=True)
class IndexWeights:
    """Shares of the three views in a score; chosen on the development set.

    Attributes:
        nearest: Likeness to the answer's nearest phrasings, by meaning.
        letters: Likeness to its nearest phrasing, by letter groups (typos, brand names).
        head: A ridge regression from vectors to answers, which weighs all phrasings.
    """

    nearest: float = 0.4
    letters: float = 0.3
    head: float = 0.30
    ridge: float = 2.0


class AnswerIndex:
    """An immutable picture of the published content; a change makes a new one."""

    def __init__(
        self,
        answers: Sequence[PublishedAnswer],
        encoder: Encoder,
        weights: IndexWeights | None = None,
    ) -> None:
        """Embed every phrasing and title; a second or two for a hundred answers."""
        self._weights = weights or IndexWeights()
        self.answers = list(answers)
        texts: list[str] = []
        owners: list[int] = []
        for number, answer in enumerate(self.answers):
            for text in (answer.title, *answer.phrasings):
                texts.append(text)
                owners.append(number)
        self._owners = np.array(owners, dtype=np.int64)
        self._vectors = encoder.encode(texts)
        if not texts:
            return
        self._letters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32
        )
        self._letter_rows = self._letters.fit_transform([fold(t) for t in texts])
        self._head = _ridge_head(self._vectors, self._owners, len(self.answers), self._weights)

    def rank(self, text: str, vector: Vectors, limit: int = 8) -> list[Candidate]:
        """The nearest answers, best first.

        Args:
            text: The question.
            vector: Its embedding, shape (dimensions,).
            limit: How many to return.
        """
        if not self.answers:
            return []
        weights = self._weights
        likeness = self._vectors @ vector
        letters = np.asarray(
            (self._letter_rows @ self._letters.transform([fold(text)]).T).todense()
        ).ravel()
        scores = (
            weights.nearest * self._best_two(likeness)
            + weights.letters * self._best(letters)
            + weights.head * np.clip(vector @ self._head, 0, 1)
        )
        order = np.argsort(-scores)[:limit]
        return [
            Candidate(self.answers[i].id, self.answers[i].topic, round(float(scores[i]), 4))
            for i in order
        ]

    def _best(self, per_phrasing: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        best = np.full(len(self.answers), -1.0, dtype=np.float32)
        np.maximum.at(best, self._owners, per_phrasing)
        return best

    def _best_two(self, per_phrasing: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Mostly the nearest phrasing, a little the second: one odd phrasing decides less."""
        best = self._best(per_phrasing)
        rest = np.where(per_phrasing >= best[self._owners], -1.0, per_phrasing)
        second = self._best(rest.astype(np.float32))
        return np.where(second > 0, 0.8 * best + 0.2 * second, best).astype(np.float32)


def _ridge_head(
    vectors: Vectors, owners: npt.NDArray[np.int64], count: int, weights: IndexWeights
) -> Vectors:
    """Closed-form ridge regression to one-hot answers, shape (dimensions, answers)."""
    targets = np.zeros((len(owners), count), dtype=np.float64)
    targets[np.arange(len(owners)), owners] = 1.0
    features = vectors.astype(np.float64)
    gram = features.T @ features + weights.ridge * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(gram, features.T @ targets), dtype=np.float32)
