"""The product's understanding, pointed at another bot's intents.

The same two parts as in the product: the intent model with its settings from
`config.yml`, and likeness to phrasings by meaning and by letters, added to it. In the
product likeness ranks answers; here each intent takes an answer's place, with its
training messages as phrasings. Nothing is fitted on anything but the bot's own training
messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from scipy.sparse import csr_matrix

from benchmarks.hint3 import OUTSIDE, Guesses, Labelled
from benchmarks.metrics import accuracy, best_threshold, cut, matthews
from bot.nlu.encoder import SentenceEncoder, Vectors
from bot.nlu.intent_model import IntentModel, IntentModelConfig, fold
from bot.settings import ROOT

FOLDS = 5
SEED = 0
STRENGTHS = (10.0, 30.0, 100.0)
"""Inverse regularisation that is tried, the product's own first."""
MEANING, LETTERS, CHANCE = 0.6, 0.4, 1.0
"""What likeness by meaning, likeness by letters and the intent model's probability count.
Chosen among 48 mixtures by the folds below, on training data (docs/benchmarks.md)."""


def config_of_product() -> IntentModelConfig:
    """The intent model's settings in `config.yml`."""
    config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    names = ("c", "letters_weight", "max_iter")
    part = next(p for p in config["pipeline"] if p["name"].endswith("ClinicIntentClassifier"))
    return IntentModelConfig(**{name: part[name] for name in names if name in part})


class Memory:
    """An encoder that reads each text once; cross-validation asks for the same ones again."""

    def __init__(self, path: Path) -> None:
        """Load the encoder."""
        self._encoder = SentenceEncoder(path)
        self._known: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimensions)."""
        for text in texts:
            if text not in self._known:
                self._known[text] = self._encoder.encode([text])[0]
        return np.stack([self._known[text] for text in texts])


@dataclass(frozen=True, slots=True)
class Recipe:
    """A fitted bot: the model, and the training messages with their intents' places."""

    encoder: Memory
    model: IntentModel
    vectors: Vectors
    letters: csr_matrix
    owners: list[npt.NDArray[np.int64]]

    def guess(self, texts: Sequence[str]) -> Guesses:
        """Each text's best intent; the score is likeness plus weighted probability."""
        vectors = self.encoder.encode(texts)
        scores = CHANCE * self.model.probabilities(texts, vectors)
        asked = self.model.letters.transform([fold(text) for text in texts])
        by_meaning = vectors @ self.vectors.T
        by_letters = (asked @ self.letters.T).toarray()
        for place, rows in enumerate(self.owners):
            scores[:, place] += MEANING * by_meaning[:, rows].max(1)
            scores[:, place] += LETTERS * by_letters[:, rows].max(1)
        best = scores.argmax(1)
        return Guesses([self.model.intents[i] for i in best], scores.max(1).tolist())


def fit(train: Labelled, encoder: Memory, config: IntentModelConfig) -> Recipe:
    """Train on a bot's messages; seconds."""
    model = IntentModel(config)
    vectors = encoder.encode(train.texts)
    model.fit(train.texts, vectors, train.labels)
    labels = np.array(train.labels)
    letters = model.letters.transform([fold(text) for text in train.texts])
    owners = [np.flatnonzero(labels == name) for name in model.intents]
    return Recipe(encoder, model, vectors, letters, owners)


@dataclass(frozen=True, slots=True)
class Tuned:
    """What cross-validation on the training messages chose.

    Attributes:
        threshold: The score below which a message counts as out of scope.
        accuracy: Share right of the messages that played what is in scope.
        mcc: Matthews correlation over all folds at that threshold.
    """

    config: IntentModelConfig
    threshold: float
    accuracy: float
    mcc: float


def tune(train: Labelled, encoder: Memory, product: IntentModelConfig) -> Tuned:
    """Choose regularisation and threshold, from training data alone.

    In each of five folds a fifth of the intents is held out whole and plays what is out
    of scope, a fifth of the remaining messages plays what is in scope, and the rest is
    trained on. The regularisation with the most right answers in scope wins (the
    product's own value was found so on its own data), then the threshold with the best
    Matthews correlation over all folds.
    """
    folds = list(held_out_folds(train.labels))
    tried = [_tried(train, encoder, replace(product, c=c), folds) for c in STRENGTHS]
    return max(tried, key=lambda found: found.accuracy)


def _tried(
    train: Labelled,
    encoder: Memory,
    config: IntentModelConfig,
    folds: Sequence[tuple[list[int], list[int], list[int]]],
) -> Tuned:
    truth: list[str] = []
    labels: list[str] = []
    scores: list[float] = []
    for kept, asked, foreign in folds:
        recipe = fit(_rows(train, kept), encoder, config)
        inside, outside = _rows(train, asked), _rows(train, foreign)
        guesses = recipe.guess([*inside.texts, *outside.texts])
        truth += [*inside.labels, *([OUTSIDE] * len(outside.labels))]
        labels += guesses.labels
        scores += guesses.scores
    known = [i for i, label in enumerate(truth) if label != OUTSIDE]
    right = accuracy([truth[i] for i in known], [labels[i] for i in known])
    steps = np.quantile(scores, np.linspace(0.02, 0.98, 97)).tolist()
    threshold = best_threshold(truth, labels, scores, OUTSIDE, steps)
    return Tuned(config, threshold, right, matthews(truth, cut(labels, scores, threshold, OUTSIDE)))


def held_out_folds(
    labels: Sequence[str],
) -> Iterator[tuple[list[int], list[int], list[int]]]:
    """Rows to train on, rows of known intents to ask, rows of held-out intents to ask."""
    chance = np.random.RandomState(SEED)
    names = np.array(sorted(set(labels)))
    chance.shuffle(names)
    fold = np.empty(len(labels), dtype=int)
    fold[chance.permutation(len(labels))] = np.arange(len(labels)) % FOLDS
    for number in range(FOLDS):
        foreign = set(names[number::FOLDS].tolist())
        rows: Mapping[str, list[int]] = {"kept": [], "asked": [], "foreign": []}
        for row, label in enumerate(labels):
            side = "foreign" if label in foreign else "asked" if fold[row] == number else "kept"
            rows[side].append(row)
        yield rows["kept"], rows["asked"], rows["foreign"]


def _rows(data: Labelled, rows: Sequence[int]) -> Labelled:
    return Labelled([data.texts[i] for i in rows], [data.labels[i] for i in rows])
