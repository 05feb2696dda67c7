"""Finding every known phrase of a message in one walk over its words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from bot.triage.text import Gap, Word, WordCutter

_SIMPLE: Final = re.compile(r"[A-Za-z ]+\Z")

Hits: TypeAlias = dict[str, list[tuple[int, int]]]
"""Concept to where it stands: words ``[start, end)``, in order."""


@dataclass(slots=True)
class _Node:
    next: dict[str, _Node] = field(default_factory=dict)
    concepts: list[str] = field(default_factory=list)


class Phrasebook:
    """Phrases of one or more words, each standing for one or more concepts."""

    def __init__(self, cutter: WordCutter) -> None:
        self._cutter = cutter
        self._root = _Node()
        self.vocabulary: set[str] = set()
        self.commonness: dict[str, float] = defaultdict(float)

    def add(self, concept: str, phrase: str) -> None:
        """Let ``phrase`` stand for ``concept``. Cut and folded like a message.

        Raises:
            ValueError: There is no word in the phrase.
        """
        if phrase.startswith("<"):
            forms = [phrase]
        elif _SIMPLE.match(phrase):
            # What the cutter would do, at a fraction of the time at start-up.
            forms = phrase.lower().split()
        else:
            forms = [word.forms[0] for word in self._cutter.cut(phrase)]
        if not forms:
            raise ValueError(f"no word in {phrase!r}")
        node = self._root
        for form in forms:
            node = node.next.setdefault(form, _Node())
        if concept not in node.concepts:
            node.concepts.append(concept)
            # Short words are common words; good enough to try the rare ones first.
            self.commonness[concept] += 3.0 ** -len("".join(forms))
        self.vocabulary.update(forms)

    def find(self, words: Sequence[Word]) -> Hits:
        """Return where each concept stands. A phrase never crosses a comma or full stop."""
        hits: Hits = defaultdict(list)
        for start in range(len(words)):
            self._walk(self._root, words, start, start, hits)
        return hits

    def _walk(self, node: _Node, words: Sequence[Word], start: int, here: int, hits: Hits) -> None:
        if here >= len(words):
            return
        if here > start and words[here].gap in (Gap.COMMA, Gap.HARD):
            return
        for form in words[here].forms:
            child = node.next.get(form)
            if child is None:
                continue
            for concept in child.concepts:
                span = (start, here + 1)
                if span not in hits[concept]:
                    hits[concept].append(span)
            if child.next:
                self._walk(child, words, start, here + 1, hits)
