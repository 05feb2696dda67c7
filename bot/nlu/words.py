"""Words as patients type them: which are known, and what a misspelt one was meant to be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.triage.text import fold

MIN_REPAIRED = 4
"""Shorter words have too many neighbours to be repaired."""
WORD = re.compile(r"[^\W\d_]+(?:['\u2019`\u00b4][^\W\d_]+)*")
# Words that stand in any sentence; they say nothing about its subject.
_COMMON_WORDS = """
a about after all also am an and any are as at be because been before but by can cant could
did do does dont for from get go going got had has have her him his how i if im in is it its
ive just like long many me more much my need no not now of on one or our out over really
should so some that the their them then there they this to too u until up us want was we
were what whats when where which who why will with would you your ur
"""
_COMMON = frozenset(_COMMON_WORDS.split())


def words_of(text: str) -> list[str]:
    """The words of a text, folded (small letters, no accents, no apostrophes)."""
    return [fold(word) for word in WORD.findall(text)]


class Vocabulary:
    """The words that the clinic's content and ordinary language use.

    Args:
        subject: Texts about the clinic's subjects; their words count as its vocabulary.
        ordinary: Further words that are spelt right, whatever they are about.
    """

    def __init__(self, subject: Iterable[str], ordinary: Iterable[str] = ()) -> None:
        self._subject = Counter(word for text in subject for word in words_of(text))
        self._known = set(self._subject) | set(ordinary) | _COMMON
        self._targets = sorted(w for w in self._subject if len(w) >= MIN_REPAIRED)

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def coverage(self, text: str) -> float:
        """Share of a text's telling words that the content uses; 0.5 when it has none."""
        telling = [word for word in words_of(text) if len(word) > 1 and word not in _COMMON]
        if not telling:
            return 0.5
        return sum(word in self._subject for word in telling) / len(telling)

    def repaired(self, text: str) -> str:
        """The text with unknown words replaced by the subject word they resemble most.

        Of words equally near the more frequent one is taken. A word stays as it is when
        nothing is near: a name, another language.
        """

        def repair(match: re.Match[str]) -> str:
            word = fold(match.group())
            if len(word) < MIN_REPAIRED or word in self._known:
                return match.group()
            allowed = 1 if len(word) <= 5 else 2 if len(word) <= 9 else 3
            found = process.extract(
                word, self._targets, scorer=OSA.distance, score_cutoff=allowed, limit=None
            )
            if not found:
                return match.group()
            nearest = min(found, key=lambda item: (item[1], -self._subject[item[0]]))
            return str(nearest[0])

        return WORD.sub(repair, text)


def read_words(path: Path) -> frozenset[str]:
    """A list of words, one a line; lines that begin with # are comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line and not line.startswith("#"))


def near_word(word: str, names: Iterable[str]) -> str | None:
    """The name that a word misspells, or None: a slip in five letters, two in eight."""
    if len(word) < MIN_REPAIRED + 1:
        return None
    found = process.extractOne(
        word, names, scorer=OSA.distance, score_cutoff=1 if len(word) < 8 else 2
    )
    return None if found is None or found[0][0] != word[0] else str(found[0])
