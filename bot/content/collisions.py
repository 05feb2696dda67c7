"""Phrasings that collide: two answers that would be found by the same question."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.content import store
from bot.content.phrasings import normalise
from bot.content.store import PublishedAnswer
from bot.db import Database
from bot.nlu.answer_index import Encoder, embedded
from bot.nlu.encoder import Vectors
from bot.nlu.vector_file import VectorFile

logger = logging.getLogger(__name__)

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


class PhrasingIndex:
    """An immutable picture of the live answers' phrasings and titles by meaning."""

    def __init__(
        self,
        answers: Sequence[PublishedAnswer],
        encoder: Encoder,
        known: Mapping[str, Vectors] | None = None,
    ) -> None:
        """Embed every phrasing and title; some seconds for all, once.

        Args:
            known: Vectors of texts that need not be embedded again (`known_vectors`).
        """
        self._encoder = encoder
        owned = [(text, a.id) for a in answers for text in (a.title, *a.phrasings)]
        self._texts = [text for text, _ in owned]
        self._owners = [owner for _, owner in owned]
        self.known_vectors = embedded(self._texts, encoder, known or {})
        vectors = [self.known_vectors[text] for text in self._texts]
        self._vectors = np.stack(vectors) if vectors else None

    def vectors(self, texts: Sequence[str]) -> list[Vectors]:
        """Each text's vector; only those not yet known are computed."""
        found = embedded(texts, self._encoder, self.known_vectors)
        return [found[text] for text in texts]

    def neighbours(
        self, vector: Vectors, leave_out: str = "", of: str = ""
    ) -> list[tuple[str, str, float]]:
        """For each answer its phrasing or title nearest to a vector, best first.

        Args:
            vector: Of a text, shape (dimensions,).
            leave_out: A text that does not count where the answer ``of`` has it itself.
            of: That answer's id.

        Returns:
            Answer id, the phrasing, and the likeness by meaning.
        """
        if self._vectors is None:
            return []
        likeness = self._vectors @ vector
        found: dict[str, tuple[str, str, float]] = {}
        for row in np.argsort(-likeness):
            owner, text = self._owners[row], self._texts[row]
            if owner in found or (owner == of and text == leave_out):
                continue
            found[owner] = (owner, text, float(likeness[row]))
        return list(found.values())


def check(
    answer_id: str,
    phrasings: Iterable[str],
    index: PhrasingIndex,
    too_like: float = TOO_LIKE,
) -> list[Collision]:
    """Compare phrasings, published or not, with every other answer.

    Args:
        answer_id: The answer they belong to; what it already has is no collision.
        phrasings: As an editor wrote them.
        index: The live answers.
        too_like: Least likeness that is reported.

    Returns:
        The collisions, the likest first.
    """
    texts = list(phrasings)
    found = []
    for text, vector in zip(texts, index.vectors(texts), strict=True):
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


class PhrasingCheck:
    """`check` for editors: keeps an index of what is live, made in a thread when first asked.

    Embedding all phrasings takes some ten seconds of one core, which neither the start of the
    web app nor a page may wait for; what the retriever has embedded is read, and after a change
    only new phrasings are embedded.
    """

    def __init__(
        self, database: Database, load: Callable[[], Encoder], kept: VectorFile | None = None
    ) -> None:
        """Nothing is loaded.

        Args:
            load: Gives the encoder.
            kept: Where that encoder's vectors of published texts are.
        """
        self._database = database
        self._load = load
        self._kept = kept
        self._lock = threading.Lock()
        self._maker: threading.Thread | None = None
        self._made: tuple[int, PhrasingIndex] | None = None

    def find(
        self, answer_id: str, phrasings: Iterable[str], wait_s: float
    ) -> list[Collision] | None:
        """The collisions of an answer's phrasings with what is live now.

        Args:
            wait_s: How long to wait for the index.

        Returns:
            None when the index is not there yet; asking again later finds it.
        """
        with self._database.reading() as session:
            revision = store.revision(session)
        with self._lock:
            maker = self._maker
            if self._made is None or self._made[0] != revision:
                if maker is None or not maker.is_alive():
                    maker = threading.Thread(target=self._make, name="phrasings", daemon=True)
                    self._maker = maker
                    maker.start()
            else:
                maker = None
        if maker is not None:
            maker.join(wait_s)
        made = self._made
        return None if made is None or made[0] != revision else check(answer_id, phrasings, made[1])

    def _make(self) -> None:
        try:
            with self._database.reading() as session:
                revision, live = store.revision(session), store.all_published(session)
            if self._made is not None:
                known = self._made[1].known_vectors
            else:
                known = self._kept.read() if self._kept is not None else {}
            self._made = (revision, PhrasingIndex(live, self._load(), known))
        except Exception as error:  # the editor goes without; the next page tries again
            logger.error("phrasings cannot be compared: %s", type(error).__name__)
