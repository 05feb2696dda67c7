"""The product's understanding, pointed at another bot's intents.

The same two parts as in the product: the intent model with its settings from
`config.yml`, and likeness to phrasings by meaning and by letters, added to it. In the
product likeness ranks answers; here each intent takes an answer's place, with its
training messages as phrasings and its name as title, which counts as a phrasing too.
Misspelt words are repaired as in the product, towards the bot's own words; because a bot's
words are few, the message as it was typed counts as much as the repaired one.
Nothing is fitted on anything but training messages: the bot's own, and other bots' as
stand-ins for what is out of scope.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from scipy.cluster.hierarchy import fcluster, linkage

from benchmarks.hint3 import OUTSIDE, Guesses, Labelled
from benchmarks.metrics import accuracy, best_threshold, cut, matthews
from bot.nlu.encoder import SentenceEncoder, Vectors
from bot.nlu.intent_model import IntentModel, IntentModelConfig, fold
from bot.nlu.letters import LetterRows
from bot.nlu.words import Vocabulary, read_words
from bot.settings import ROOT

FOLDS = 5
SEEDS = (0, 1)
STRENGTHS = (10.0, 30.0, 100.0)
"""Inverse regularisation that is tried, the product's own first."""
MEANING, LETTERS, CHANCE = 0.6, 0.4, 1.0
"""What likeness by meaning, likeness by letters and the intent model's probability count.
Chosen among 48 mixtures by cross-validation on training data (docs/benchmarks.md)."""
TWINS = 0.35
"""Messages are grouped while their mean distance (1 - cosine) is below this."""
OUT_OF_SCOPE_SHARE = 0.5
"""Assumed share of messages that are out of scope: nothing is known of it beforehand."""
FOREIGN_SHARE = 0.5
"""Share of these that other bots' messages stand for, held-out intents the rest."""


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
    """A fitted bot: the model, its words, and the phrasings with their intents' places."""

    encoder: Memory
    model: IntentModel
    vectors: Vectors
    letters: LetterRows
    owners: list[npt.NDArray[np.int64]]
    vocabulary: Vocabulary

    def guess(self, texts: Sequence[str]) -> Guesses:
        """Each text's best intent; the score is likeness plus weighted probability.

        The mean of two readings: as it was typed, and with its misspelt words repaired.
        """
        repaired = [self.vocabulary.repaired(text) for text in texts]
        scores = (self._scores(texts) + self._scores(repaired)) / 2
        best = scores.argmax(1)
        return Guesses([self.model.intents[i] for i in best], scores.max(1).tolist())

    def _scores(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        vectors = self.encoder.encode(texts)
        scores = CHANCE * self.model.probabilities(texts, vectors)
        groups = self.model.letters
        by_meaning = vectors @ self.vectors.T
        by_letters = np.stack([self.letters.likeness(*groups.weigh(fold(t))) for t in texts])
        for place, rows in enumerate(self.owners):
            scores[:, place] += MEANING * by_meaning[:, rows].max(1)
            scores[:, place] += LETTERS * by_letters[:, rows].max(1)
        return scores


def fit(train: Labelled, encoder: Memory, config: IntentModelConfig) -> Recipe:
    """Train on a bot's messages and its intents' names; seconds."""
    names = sorted(set(train.labels))
    texts = [*train.texts, *(title(name) for name in names)]
    labels = np.array([*train.labels, *names])
    model = IntentModel(config)
    vectors = encoder.encode(texts)
    model.fit(texts, vectors, labels.tolist())
    letters = LetterRows(model.letters, [fold(text) for text in texts])
    owners = [np.flatnonzero(labels == name) for name in model.intents]
    ordinary = read_words(ROOT / "data/triage/ordinary_words.txt")
    vocabulary = Vocabulary(texts, ordinary)
    return Recipe(encoder, model, vectors, letters, owners, vocabulary)


def title(intent: str) -> str:
    """An intent's name as words: "CANCEL_ORDER" is "cancel order"."""
    return intent.replace("_", " ").lower()


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


def tune(
    train: Labelled, others: Sequence[str], encoder: Memory, product: IntentModelConfig
) -> Tuned:
    """Choose regularisation and threshold, from training messages alone.

    In each fold a fifth of the intents is held out whole and plays what is out of scope
    with a fifth of the other bots' messages, a fifth of the remaining messages plays what
    is in scope, and the rest is trained on. The regularisation with the most right
    answers in scope wins, then the threshold with the best Matthews correlation over all
    folds, each kind of message weighted to its assumed share.

    Args:
        others: Training messages of other bots; may be empty.
    """
    groups = twins(encoder.encode(train.texts))
    folds = [fold for seed in SEEDS for fold in held_out_folds(train.labels, groups, seed)]
    tried = [_tried(train, others, encoder, replace(product, c=c), folds) for c in STRENGTHS]
    return max(tried, key=lambda found: found.accuracy)


def _tried(
    train: Labelled,
    others: Sequence[str],
    encoder: Memory,
    config: IntentModelConfig,
    folds: Sequence[Fold],
) -> Tuned:
    truth: list[str] = []
    kinds: list[str] = []
    labels: list[str] = []
    scores: list[float] = []
    for number, (kept, asked, held_out) in enumerate(folds):
        recipe = fit(_rows(train, kept), encoder, config)
        parts = {
            "inside": [train.texts[i] for i in asked],
            "held out": [train.texts[i] for i in held_out],
            "foreign": list(others[number % FOLDS :: FOLDS]),
        }
        guesses = recipe.guess([text for texts in parts.values() for text in texts])
        kinds += [kind for kind, texts in parts.items() for _ in texts]
        truth += [train.labels[i] for i in asked]
        truth += [OUTSIDE] * (len(parts["held out"]) + len(parts["foreign"]))
        labels += guesses.labels
        scores += guesses.scores
    known = [i for i, kind in enumerate(kinds) if kind == "inside"]
    right = accuracy([truth[i] for i in known], [labels[i] for i in known])
    weights = _weights(kinds)
    steps = np.quantile(scores, np.linspace(0.02, 0.98, 97)).tolist()
    threshold = best_threshold(truth, labels, scores, OUTSIDE, steps, weights)
    kept_labels = cut(labels, scores, threshold, OUTSIDE)
    return Tuned(config, threshold, right, matthews(truth, kept_labels, weights))


def _weights(kinds: Sequence[str]) -> list[float]:
    """What each message counts, so that every kind has its assumed share of the whole."""
    foreign = FOREIGN_SHARE if "foreign" in kinds else 0.0
    shares = {
        "inside": 1 - OUT_OF_SCOPE_SHARE,
        "held out": OUT_OF_SCOPE_SHARE * (1 - foreign),
        "foreign": OUT_OF_SCOPE_SHARE * foreign,
    }
    numbers = Counter(kinds)
    return [shares[kind] * len(kinds) / numbers[kind] for kind in kinds]


def twins(vectors: Vectors) -> npt.NDArray[np.int64]:
    """The group of each message; near twins share one.

    Training messages are often one sentence in many variants, which messages of real
    people are not: a twin left in training makes a held-out message look far too easy.
    """
    tree = linkage(vectors.astype(np.float64), method="average", metric="cosine")
    groups: npt.NDArray[np.int64] = fcluster(tree, TWINS, criterion="distance")
    return groups


Fold = tuple[list[int], list[int], list[int]]
"""Rows to train on, rows of known intents to ask, rows of held-out intents to ask."""


def held_out_folds(
    labels: Sequence[str], groups: npt.NDArray[np.int64], seed: int
) -> Iterator[Fold]:
    """Five folds; a group is asked as a whole, and only what was trained on is in scope."""
    chance = np.random.RandomState(seed)
    names = np.array(sorted(set(labels)))
    chance.shuffle(names)
    ids = np.unique(groups)
    fold_of = dict(zip(chance.permutation(ids).tolist(), np.arange(len(ids)) % FOLDS, strict=True))
    for number in range(FOLDS):
        foreign = set(names[number::FOLDS].tolist())
        rows: dict[str, list[int]] = {"kept": [], "asked": [], "foreign": []}
        for row, (label, group) in enumerate(zip(labels, groups.tolist(), strict=True)):
            asked = fold_of[group] == number
            rows["foreign" if label in foreign else "asked" if asked else "kept"].append(row)
        trained = {labels[row] for row in rows["kept"]}
        asked_rows = [row for row in rows["asked"] if labels[row] in trained]
        yield rows["kept"], asked_rows, rows["foreign"]


def _rows(data: Labelled, rows: Sequence[int]) -> Labelled:
    return Labelled([data.texts[i] for i in rows], [data.labels[i] for i in rows])
