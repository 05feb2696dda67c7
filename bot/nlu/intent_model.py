"""The intent model: sentence vector and letter groups under one logistic regression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bot.nlu.encoder import Vectors, normalise
from bot.nlu.letters import LetterGroups

Numbers = npt.NDArray[np.float32]

GROUP_LENGTHS = (2, 4)
"""Letters in a group."""


@dataclass(frozen=True, slots=True)
class IntentModelConfig:
    """What cross-validation on the training data chose (`docs/decisions/`).

    Attributes:
        c: Inverse strength of regularisation.
        letters_weight: Weight of the letter groups beside the sentence vector.
    """

    c: float = 10.0
    letters_weight: float = 0.7
    max_iter: int = 300


class IntentModel:
    """Fitted on texts, their vectors and their intents; gives calibrated-ish probabilities.

    Attributes:
        letters: The letter groups it looks at.
        intents: In the order of the columns of :meth:`probabilities`.
    """

    letters: LetterGroups
    intents: list[str]

    def __init__(self, config: IntentModelConfig) -> None:
        """An unfitted model."""
        self.config = config

    def fit(self, texts: Sequence[str], vectors: Vectors, intents: Sequence[str]) -> None:
        """Train. The same data gives the same model."""
        # Imported here: whoever only asks a fitted model needs no scikit-learn.
        from scipy.sparse import csr_matrix, hstack
        from sklearn.linear_model import LogisticRegression

        folded = [fold(text) for text in texts]
        self.letters = LetterGroups.fit(folded, GROUP_LENGTHS, min_df=2)
        fitted = LogisticRegression(
            C=self.config.c,
            class_weight="balanced",
            max_iter=self.config.max_iter,
            tol=1e-3,
        )
        features = hstack(
            [csr_matrix(vectors), self.letters.rows(folded) * self.config.letters_weight],
            format="csr",
        )
        fitted.fit(features, list(intents))
        coef, bias = fitted.coef_, fitted.intercept_
        if len(coef) == 1:  # of two intents the library weighs the second against nothing
            coef, bias = np.vstack([np.zeros_like(coef), coef]), np.array([0.0, bias[0]])
        # One row for each feature, as a message has few of the letter groups.
        by_feature = np.ascontiguousarray(coef.T, dtype=np.float32)
        size = vectors.shape[1]
        self.intents = list(fitted.classes_)
        self._by_meaning = by_feature[:size]
        self._by_letters = by_feature[size:] * np.float32(self.config.letters_weight)
        self._bias = bias.astype(np.float32)

    def probabilities(self, texts: Sequence[str], vectors: Vectors) -> Numbers:
        """Shape (len(texts), len(intents)); rows add up to 1."""
        odds: Numbers = vectors @ self._by_meaning + self._bias
        for row, text in enumerate(texts):
            columns, weights = self.letters.weigh(fold(text))
            odds[row] += weights @ self._by_letters[columns]
        powers = np.exp(odds - odds.max(axis=1, keepdims=True))
        found: Numbers = powers / powers.sum(axis=1, keepdims=True)
        return found

    def save(self, path: Path) -> None:
        """Write to one file of plain numbers and words; no code and no objects."""
        words = self.letters.columns
        with path.open("wb") as file:
            np.savez(
                file,
                letters=np.array(sorted(words, key=words.__getitem__)),
                idf=self.letters.idf,
                intents=np.array(self.intents, dtype=str),
                by_meaning=self._by_meaning,
                by_letters=self._by_letters,
                bias=self._bias,
            )

    @classmethod
    def load(cls, path: Path, config: IntentModelConfig) -> IntentModel:
        """Read what :meth:`save` wrote; a file that holds objects is refused.

        Raises:
            ValueError: It is no such file.
        """
        model = cls(config)
        with np.load(path, allow_pickle=False) as stored:
            columns = {word: i for i, word in enumerate(stored["letters"].tolist())}
            model.letters = LetterGroups(columns, stored["idf"], GROUP_LENGTHS)
            model.intents = stored["intents"].tolist()
            model._by_meaning = stored["by_meaning"]
            model._by_letters = stored["by_letters"]
            model._bias = stored["bias"]
        return model


def fold(text: str) -> str:
    """Lower case, digits as one sign, no stretched letters: "Soooo 24 hrs" is "soo 0 hrs"."""
    text = re.sub(r"\d+", "0", normalise(text).lower())
    return re.sub(r"(\w)\1{2,}", r"\1\1", text)
