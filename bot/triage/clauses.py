"""Cutting a message into sentences and clauses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bot.triage.cues import Spot
from bot.triage.text import Gap, Word

Spots: TypeAlias = Mapping[str, Sequence[Spot]]
"""Name of a cue list to where its cues stand, in order."""


@dataclass(frozen=True, slots=True)
class Clauses:
    """For each word, the number of its sentence and of its clause, counted from 0."""

    sentences: tuple[int, ...]
    clauses: tuple[int, ...]

    @classmethod
    def of(cls, words: Sequence[Word], spots: Spots) -> Clauses:
        """Cut at full stops, line breaks and errands, and clauses also at a new thought."""
        errands = {start for start, _ in spots["errands"]}
        starts = {start for start, _ in spots["clause_starts"]}
        resets = {start for start, _ in spots["resets"]}
        ands = {i for spot in spots["and_words"] for i in range(*spot)}
        sentence = clause = 0
        sentences: list[int] = []
        clauses: list[int] = []
        for i, word in enumerate(words):
            if i and (word.gap in (Gap.SOFT, Gap.HARD) or i in errands):
                sentence += 1
                clause += 1
            elif i and (i in resets or (i in starts and (word.gap is Gap.COMMA or i - 1 in ands))):
                clause += 1
            sentences.append(sentence)
            clauses.append(clause)
        return cls(tuple(sentences), tuple(clauses))

    def in_sentence(self, i: int) -> range:
        """Return the words of the sentence that holds word ``i``."""
        return _around(self.sentences, i)

    def in_clause(self, i: int) -> range:
        """Return the words of the clause that holds word ``i``."""
        return _around(self.clauses, i)

    def each_sentence(self) -> Iterator[range]:
        """Yield the words of each sentence."""
        return _each(self.sentences)

    def each_clause(self, sentence: range) -> Iterator[range]:
        """Yield the words of each clause of a sentence."""
        for clause in _each(self.clauses[sentence.start : sentence.stop]):
            yield range(sentence.start + clause.start, sentence.start + clause.stop)


def _around(numbers: Sequence[int], i: int) -> range:
    start = stop = i
    while start and numbers[start - 1] == numbers[i]:
        start -= 1
    while stop < len(numbers) and numbers[stop] == numbers[i]:
        stop += 1
    return range(start, stop)


def _each(numbers: Sequence[int]) -> Iterator[range]:
    start = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] != numbers[start]:
            yield range(start, i)
            start = i
