"""The intent model: sentence vector and letter groups under one logistic regression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bot.nlu.encoder import Vectors, normalise

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


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
    """Fitted on texts, their vectors and their intents; gives calibrated-ish probabilities."""

    def __init__(self, config: IntentModelConfig) -> None:
        """An unfitted model."""
        # Imported here: the action server needs `fold` only, not this weight.
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        self.config = config
        self.letters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True, dtype=np.float32
        )
        self.classifier = LogisticRegression(
            C=config.c, class_weight="balanced", max_iter=config.max_iter, tol=1e-3
        )

    @property
    def intents(self) -> list[str]:
        """Intents in the order of the columns of :meth:`probabilities`."""
        return list(self.classifier.classes_)

    def fit(self, texts: Sequence[str], vectors: Vectors, intents: Sequence[str]) -> None:
        """Train. The same data gives the same model."""
        self.letters.fit([fold(t) for t in texts])
        self.classifier.fit(self._features(texts, vectors), list(intents))

    def probabilities(self, texts: Sequence[str], vectors: Vectors) -> npt.NDArray[np.float64]:
        """Shape (len(texts), len(intents)); rows add up to 1."""
        result: npt.NDArray[np.float64] = self.classifier.predict_proba(
            self._features(texts, vectors)
        )
        return result

    def save(self, path: Path) -> None:
        """Write to one file of plain numbers and words; no code and no objects."""
        words = self.letters.vocabulary_
        with path.open("wb") as file:
            np.savez(
                file,
                letters=np.array(sorted(words, key=words.__getitem__)),
                idf=self.letters.idf_,
                intents=np.array(self.classifier.classes_, dtype=str),
                coef=self.classifier.coef_,
                intercept=self.classifier.intercept_,
            )

    @classmethod
    def load(cls, path: Path, config: IntentModelConfig) -> IntentModel:
        """Read what :meth:`save` wrote; a file that holds objects is refused.

        Raises:
            ValueError: It is no such file.
        """
        model = cls(config)
        with np.load(path, allow_pickle=False) as stored:
            model.letters.vocabulary = {
                word: i for i, word in enumerate(stored["letters"].tolist())
            }
            model.letters.idf_ = stored["idf"]
            model.classifier.classes_ = stored["intents"]
            model.classifier.coef_ = stored["coef"]
            model.classifier.intercept_ = stored["intercept"]
        return model

    def _features(self, texts: Sequence[str], vectors: Vectors) -> csr_matrix:
        from scipy.sparse import csr_matrix, hstack

        letters = self.letters.transform([fold(t) for t in texts])
        return hstack([csr_matrix(vectors), letters * self.config.letters_weight], format="csr")


def fold(text: str) -> str:
    """Lower case, digits as one sign, no stretched letters: "Soooo 24 hrs" is "soo 0 hrs"."""
    text = re.sub(r"\d+", "0", normalise(text).lower())
    return re.sub(r"(\w)\1{2,}", r"\1\1", text)
