"""Reading words as the words they were meant to be: stretched, run together, misspelt."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from rapidfuzz.distance import OSA

from bot.triage.text import Gap, Word

_STRETCHED: Final = re.compile(r"(.)\1{2,}")
_DOUBLED: Final = re.compile(r"(.)\1+")

# Below this length one changed letter usually makes another ordinary word;
# two letters that changed places ("cnat") are still a slip.
_SHORTEST_MISSPELT: Final = 5
_SHORTEST_SWAPPED: Final = 4
# From this length two slips still leave the word recognisable.
_SHORTEST_TWO_SLIPS: Final = 9
_SHORTEST_RUN_TOGETHER: Final = 6
_LONGEST_WORD: Final = 24


class Lexicon:
    """The words that rules know, and how to find them in what was typed.

    Args:
        known: Folded words that occur in a rule or a word list.
        ordinary: Folded words of everyday language. One that looks like a
            misspelt sign (``dying`` for ``drying``) is left as it is.
    """

    def __init__(self, known: Collection[str], ordinary: Collection[str]) -> None:
        self._known = frozenset(known)
        self._ordinary = frozenset(ordinary)
        self._pieces = frozenset(w for w in known if w.isalpha() and (len(w) > 2 or w in _TINY))
        self._by_deletion: dict[str, set[str]] = defaultdict(set)
        for word in self._known:
            if len(word) >= _SHORTEST_MISSPELT and word.isalpha():
                for key in _deletions(word, _slips(word)):
                    self._by_deletion[key].add(word)

    def read(self, words: Iterable[Word]) -> list[Word]:
        """Return the words with every known reading; a run-together one becomes several."""
        result: list[Word] = []
        for word in words:
            if word.forms[0] in self._known or len(word.forms[0]) > _LONGEST_WORD:
                result.append(word)
            else:
                result.extend(self._reread(word))
        return result

    def _reread(self, word: Word) -> Sequence[Word]:
        typed = word.forms[0]
        if not typed.isalpha():
            return (word,)
        if _STRETCHED.search(typed):
            shorter = self._unstretched(typed)
            if shorter:
                return (replace(word, forms=(typed, *shorter)),)
            typed = _STRETCHED.sub(r"\1", typed)
        if typed in self._ordinary or typed in self._known:
            return (word,) if typed == word.forms[0] else (replace(word, forms=(typed,)),)
        close = self._misspelt(typed, 1)
        if close:
            return (replace(word, forms=(*word.forms, *close)),)
        pieces = self._run_together(typed)
        if pieces:
            first, *rest = pieces
            return (
                replace(word, forms=(first,)),
                *(Word((piece,), word.start, word.end, Gap.NONE) for piece in rest),
            )
        denied = self._denied(word, typed)
        if denied:
            return denied
        far = self._misspelt(typed, 2) if len(typed) >= _SHORTEST_TWO_SLIPS else ()
        return (replace(word, forms=(*word.forms, *far)),) if far else (word,)

    def _unstretched(self, typed: str) -> tuple[str, ...]:
        candidates = {
            _STRETCHED.sub(r"\1\1", typed),
            _STRETCHED.sub(r"\1", typed),
            _DOUBLED.sub(r"\1", typed),
        }
        return tuple(sorted(c for c in candidates if c in self._known))

    def _misspelt(self, typed: str, slips: int) -> tuple[str, ...]:
        if len(typed) < _SHORTEST_MISSPELT:
            return self._swapped(typed) if len(typed) == _SHORTEST_SWAPPED else ()
        near: set[str] = set()
        for key in _deletions(typed, slips):
            near |= self._by_deletion.get(key, set())
        return tuple(
            sorted(
                word
                for word in near
                if OSA.distance(typed, word, score_cutoff=slips) <= min(slips, _slips(word))
                # A second slip, or one at the first letter of a short word,
                # too often makes something else altogether.
                and (word[0] == typed[0] or (slips == 1 and len(word) > _SHORTEST_MISSPELT))
            )
        )

    def _swapped(self, typed: str) -> tuple[str, ...]:
        swaps = {
            typed[:i] + typed[i + 1] + typed[i] + typed[i + 2 :] for i in range(len(typed) - 1)
        }
        return tuple(sorted(w for w in swaps if w != typed and w in self._known))

    def _denied(self, word: Word, typed: str) -> Sequence[Word]:
        """Take "cantbreate" apart: a "cant" and what it denies, with one slip."""
        for denial in _DENIALS:
            rest = typed.removeprefix(denial)
            if len(rest) < len(typed) and denial in self._known:
                close = self._misspelt(rest, 1)
                if close:
                    rest_of_word = Word(close, word.start, word.end, Gap.NONE)
                    return (replace(word, forms=(denial,)), rest_of_word)
        return ()

    def _run_together(self, typed: str) -> tuple[str, ...]:
        if len(typed) < _SHORTEST_RUN_TOGETHER:
            return ()
        # best[i]: fewest known words that spell typed[:i].
        best: list[tuple[str, ...] | None] = [()] + [None] * len(typed)
        for end in range(2, len(typed) + 1):
            for start in range(max(0, end - 14), end - 1):
                head = best[start]
                if head is None or len(head) >= 4 or typed[start:end] not in self._pieces:
                    continue
                current = best[end]
                if current is None or len(head) + 1 < len(current):
                    best[end] = (*head, typed[start:end])
        return best[-1] or ()


# Only these: a name may well begin with "mar" or "no".
_DENIALS: Final = ("cannot", "cant", "wont")

# Two-letter pieces are allowed only where patients really run them together.
_TINY: Final = frozenset({"im", "my", "no", "me", "is", "it", "in", "on", "mi", "se", "la", "un"})


def _slips(word: str) -> int:
    return 2 if len(word) >= _SHORTEST_TWO_SLIPS else 1


def _deletions(word: str, slips: int) -> set[str]:
    """Return ``word`` and what is left of it after up to ``slips`` deletions."""
    layer = {word}
    found = {word}
    for _ in range(slips):
        layer = {w[:i] + w[i + 1 :] for w in layer for i in range(len(w))}
        found |= layer
    return found
