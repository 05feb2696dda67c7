"""Which published answer a question is nearest to. Pure computing on vectors."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bot.content.store import PublishedAnswer
from bot.nlu.encoder import Vectors
from bot.nlu.intent_model import fold
from bot.nlu.letters import LetterGroups, LetterRows
from bot.nlu.words import Vocabulary

Scores = npt.NDArray[np.float32]

RIDGE = 2.0
"""Regularisation of the head; 1 to 4 made no difference on held-out phrasings."""
CANDIDATES = 12
"""Answers that take part in a choice; what ranks lower never won one."""
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")


class Encoder(Protocol):
    """What the index needs of the sentence encoder."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimensions)."""
        ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer and how near the question came, in log-odds against the others."""

    answer_id: str
    topic: str
    score: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """What the index says of one question.

    Attributes:
        candidates: The nearest answers, best first.
        nearest: Likeness to the nearest phrasing of all, by meaning, -1 to 1.
        coverage: Share of the question's telling words that the content uses.
    """

    candidates: tuple[Candidate, ...]
    nearest: float
    coverage: float


class AnswerIndex:
    """An immutable picture of the published content; a change makes a new one.

    A question is compared with each answer in six views: its nearest phrasing by meaning
    and the second nearest, the nearest by letter groups (typos, brand names), all the
    answer's words at once by letter groups, the nearest sentence of its body, and a ridge
    regression from vectors to answers, which weighs all phrasings.
    """

    def __init__(
        self,
        answers: Sequence[PublishedAnswer],
        encoder: Encoder,
        weights: Mapping[str, float],
        known: Mapping[str, Vectors] | None = None,
        ordinary: frozenset[str] = frozenset(),
    ) -> None:
        """Embed every phrasing, title and sentence; some seconds for all, once.

        Args:
            weights: Weight of each view (`choice_weights.VIEWS`).
            known: Vectors of texts that need not be embedded again (`known_vectors`).
            ordinary: Words that are spelt right, whatever they are about.
        """
        self._weights = weights
        self.answers = list(answers)
        phrasings = [
            (text, number)
            for number, answer in enumerate(self.answers)
            for text in asked_as(answer)
        ]
        sentences = [
            (text, number)
            for number, answer in enumerate(self.answers)
            for text in sentences_of(answer.body)
        ]
        self.texts = [text for text, _ in phrasings]
        self._owners = np.array([number for _, number in phrasings], dtype=np.int64)
        body_owners = np.array([number for _, number in sentences], dtype=np.int64)
        # Each answer owns one unbroken run, as the texts were listed.
        numbers = np.arange(len(self.answers))
        self._runs = np.searchsorted(self._owners, numbers)
        self._body_runs = np.searchsorted(body_owners, numbers)
        self.known_vectors = embedded(
            [t for t, _ in [*phrasings, *sentences]], encoder, known or {}
        )
        self.vocabulary = Vocabulary([*self.texts, *(a.body for a in self.answers)], ordinary)
        if not self.answers:
            return
        self._vectors = np.stack([self.known_vectors[t] for t, _ in [*phrasings, *sentences]])
        folded, wholes = map(fold, self.texts), map(fold, map(_whole, self.answers))
        self._letters, self._letter_rows = _weighed(list(folded), (2, 4))
        self._words, self._word_rows = _weighed(list(wholes), (3, 5))
        self._head = _ridge_head(self._vectors[: len(phrasings)], self._owners, len(self.answers))

    def rank(self, text: str, vector: Vectors, limit: int = CANDIDATES) -> Ranked:
        """The nearest answers.

        Args:
            text: The question.
            vector: Its embedding, shape (dimensions,).
            limit: How many candidates to return.
        """
        if not self.answers:
            return Ranked((), 0.0, 0.0)
        views = self.views(text, vector)
        scores = np.zeros(len(self.answers), dtype=np.float32)
        for name, view in views.items():
            scores += self._weights[name] * view
        best = np.argsort(-scores)[:limit]
        chosen = zip(best.tolist(), scores[best].tolist(), strict=True)
        return Ranked(
            tuple(
                Candidate(self.answers[i].id, self.answers[i].topic, round(score, 4))
                for i, score in chosen
            ),
            nearest=round(float(views["nearest"].max()), 4),
            coverage=round(self.vocabulary.coverage(text), 4),
        )

    def views(self, text: str, vector: Vectors) -> dict[str, Scores]:
        """Likeness to every answer, by view (`choice_weights.VIEWS`), for fitting weights."""
        folded = fold(text)
        likeness = self._vectors @ vector
        phrasings, bodies = likeness[: len(self.texts)], likeness[len(self.texts) :]
        nearest = _best(phrasings, self._runs)
        rest = np.where(phrasings >= nearest[self._owners], np.float32(0), phrasings)
        letters = self._letter_rows.likeness(*self._letters.weigh(folded))
        return {
            "nearest": nearest,
            "second": _best(rest, self._runs),
            "letters": _best(letters, self._runs),
            "words": self._word_rows.likeness(*self._words.weigh(folded)),
            "body": _best(bodies, self._body_runs),
            "head": vector @ self._head,
        }


def _best(values: Scores, runs: npt.NDArray[np.int64]) -> Scores:
    """The greatest value of each answer's run, none below 0."""
    # Far faster than `maximum.at`.
    best: Scores = np.maximum(np.maximum.reduceat(values, runs), np.float32(0))
    return best


def _weighed(texts: Sequence[str], lengths: tuple[int, int]) -> tuple[LetterGroups, LetterRows]:
    groups = LetterGroups.fit(texts, lengths)
    return groups, LetterRows(groups, texts)


class Answer(Protocol):
    """What is compared with a question, of a published answer or of its draft in a file."""

    @property
    def title(self) -> str:
        """A question in short."""
        ...

    @property
    def phrasings(self) -> Sequence[str]:
        """How patients may ask it."""
        ...

    @property
    def body(self) -> str:
        """What is answered."""
        ...


def asked_as(answer: Answer) -> list[str]:
    """The texts that stand for the question."""
    return [answer.title, *answer.phrasings]


def texts_of(answer: Answer) -> list[str]:
    """Every text of an answer that is embedded."""
    return [*asked_as(answer), *sentences_of(answer.body)]


def sentences_of(body: str) -> list[str]:
    """The sentences of an answer that say something, without those of one or two words."""
    return [s.strip() for s in _SENTENCE_END.split(body) if len(s.split()) > 2] or [body]


def _whole(answer: PublishedAnswer) -> str:
    return " ".join([answer.title, answer.title, *answer.phrasings, answer.body])


def embedded(
    texts: Sequence[str], encoder: Encoder, known: Mapping[str, Vectors]
) -> dict[str, Vectors]:
    """Vector of each text; only those not yet known are computed."""
    wanted = dict.fromkeys(texts)
    new = [text for text in wanted if text not in known]
    made = dict(zip(new, encoder.encode(new), strict=True)) if new else {}
    return {text: made[text] if text in made else known[text] for text in wanted}


def _ridge_head(vectors: Vectors, owners: npt.NDArray[np.int64], count: int) -> Vectors:
    """Closed-form ridge regression to one-hot answers, shape (dimensions, answers)."""
    targets = np.zeros((len(owners), count), dtype=np.float64)
    targets[np.arange(len(owners)), owners] = 1.0
    features = vectors.astype(np.float64)
    gram = features.T @ features + RIDGE * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(gram, features.T @ targets), dtype=np.float32)
