"""One patient turn as the rules see it: words, concepts, and how they are meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.triage.context import Context, Scopes
from bot.triage.lexicon import Lexicon
from bot.triage.numbers import read_numbers
from bot.triage.patterns import Found, Match, Sequences
from bot.triage.phrasebook import Phrasebook
from bot.triage.text import Word, WordCutter
from bot.triage.timing import days_since


@dataclass(frozen=True, slots=True)
class Reading:
    """One turn, read.

    Attributes:
        words: Its words.
        found: What rules are matched against; figures of speech are left out.
        scopes: How each word is meant.
        days: Days since the treatment, or None when nothing says so.
    """

    words: tuple[Word, ...]
    found: Found
    scopes: Scopes
    days: int | None

    def matches(self, line: Sequences) -> Iterator[Match]:
        """Yield where ``line`` matches, however it is meant."""
        return line.matches(self.found)


class Reader:
    """Turns text into readings, with the words and cues of the rule files."""

    def __init__(
        self, cutter: WordCutter, lexicon: Lexicon, book: Phrasebook, context: Context
    ) -> None:
        self._cutter = cutter
        self._lexicon = lexicon
        self._book = book
        self._context = context

    def read(self, text: str) -> Reading:
        """Read one turn. Never raises, whatever the text."""
        words = self._lexicon.read(self._cutter.cut(text))
        words = read_numbers(words, text)
        found = self._context.found(words, self._book.find(words))
        return Reading(
            words=tuple(words),
            found=found,
            scopes=self._context.scopes(words, found),
            days=days_since(words),
        )
