"""How telling the letter groups of a text are: tf-idf as scikit-learn fits it, applied faster.

scikit-learn spends a millisecond on one short text, most of it on checks and on sparse
matrices of one row; a message is looked up several times. The library still fits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Numbers = npt.NDArray[np.float32]
Columns = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LetterGroups:
    """The groups of letters within words that texts were found to use.

    Attributes:
        columns: Column of each group.
        idf: How telling each is, shape (groups,).
        lengths: Least and greatest length of a group; a word counts with a space at each end.
    """

    columns: Mapping[str, int]
    idf: Numbers
    lengths: tuple[int, int]

    @classmethod
    def fit(cls, texts: Sequence[str], lengths: tuple[int, int], min_df: int = 1) -> LetterGroups:
        """Learn the groups of ``texts``.

        Args:
            texts: Folded already, as every text that is weighed later.
            min_df: In how many texts a group must stand to count.
        """
        # Imported here: applying needs neither.
        from sklearn.feature_extraction.text import TfidfVectorizer

        fitted = TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=lengths,
            min_df=min_df,
            sublinear_tf=True,
            lowercase=False,
            dtype=np.float32,
        )
        fitted.fit(texts)
        columns = {group: int(column) for group, column in fitted.vocabulary_.items()}
        return cls(columns, fitted.idf_.astype(np.float32), lengths)

    def weigh(self, text: str) -> tuple[Columns, Numbers]:
        """The known groups of a folded text and their weights, whose squares add up to 1."""
        found = map(self.columns.get, _groups(text, *self.lengths))
        counts = Counter(column for column in found if column is not None)
        if not counts:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        columns = np.fromiter(counts, dtype=np.int64, count=len(counts))
        often = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
        weights = (1 + np.log(often)) * self.idf[columns]
        return columns, weights / np.sqrt(weights @ weights)

    def rows(self, texts: Sequence[str]) -> csr_matrix:
        """Folded texts, weighed, shape (texts, groups)."""
        from scipy.sparse import csr_matrix

        weighed = [self.weigh(text) for text in texts]
        starts = np.cumsum([0, *(len(columns) for columns, _ in weighed)])
        columns = np.concatenate([columns for columns, _ in weighed])
        weights = np.concatenate([weights for _, weights in weighed])
        return csr_matrix((weights, columns, starts), shape=(len(texts), len(self.columns)))


class LetterRows:
    """Weighed texts, kept by group: a question touches only the groups that it has."""

    def __init__(self, groups: LetterGroups, texts: Sequence[str]) -> None:
        """Weigh folded texts."""
        by_group = groups.rows(texts).tocsc()
        self._texts = len(texts)
        self._starts = by_group.indptr.astype(np.int64)
        self._rows = by_group.indices
        self._weights = by_group.data

    def likeness(self, columns: Columns, weights: Numbers) -> Numbers:
        """Cosine of a weighed question with every text, 0 to 1, shape (texts,)."""
        if not len(columns):
            return np.zeros(self._texts, dtype=np.float32)
        starts, ends = self._starts[columns], self._starts[columns + 1]
        runs = [slice(*run) for run in zip(starts.tolist(), ends.tolist(), strict=True)]
        rows = np.concatenate([self._rows[run] for run in runs])
        shares = np.concatenate([self._weights[run] for run in runs])
        shares *= np.repeat(weights, ends - starts)
        return np.bincount(rows, shares, self._texts).astype(np.float32)


def _groups(text: str, least: int, most: int) -> list[str]:
    """The letter groups of each word, as scikit-learn's ``char_wb`` counts them."""
    found: list[str] = []
    for word in text.split():
        padded = f" {word} "
        size = len(padded)
        for length in range(least, most + 1):
            if size <= length:
                found.append(padded)  # a short word stands for itself, once
                break
            found += [padded[i : i + length] for i in range(size - length + 1)]
    return found
