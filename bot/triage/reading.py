"""One patient turn as the rules see it: words, concepts, and how they are meant."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from bot.triage.context import Context, Scopes
from bot.triage.lexicon import Lexicon
from bot.triage.numbers import read_numbers
from bot.triage.patterns import Found, Match, Sequences
from bot.triage.phrasebook import Phrasebook
from bot.triage.text import Word, WordCutter
from bot.triage.timing import days_since

# Turns of the conversations under way: each message is screened with the few before it, which
# which were read when they came.
_REMEMBERED: Final = 16


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
    _matches: dict[int, tuple[Match, ...]] = field(default_factory=dict, repr=False, compare=False)

    def matches(self, line: Sequences) -> Sequence[Match]:
        """Return where ``line`` matches, however it is meant.

        ``line`` must live as long as the reading: rules are loaded once.
        """
        known = self._matches.get(id(line))
        if known is None:
            known = self._matches[id(line)] = tuple(line.matches(self.found))
        return known


class Reader:
    """Turns text into readings, with the words and cues of the rule files."""

    def __init__(
        self, cutter: WordCutter, lexicon: Lexicon, book: Phrasebook, context: Context
    ) -> None:
        self._cutter = cutter
        self._lexicon = lexicon
        self._book = book
        self._context = context
        self._readings: OrderedDict[str, Reading] = OrderedDict()
        self._lock = Lock()

    def read(self, text: str) -> Reading:
        """Read one turn, or remember it. Never raises, whatever the text."""
        with self._lock:
            known = self._readings.get(text)
            if known is not None:
                self._readings.move_to_end(text)
                return known
        reading = self._read(text)
        with self._lock:
            self._readings[text] = reading
            if len(self._readings) > _REMEMBERED:
                self._readings.popitem(last=False)
        return reading

    def _read(self, text: str) -> Reading:
        words = self._lexicon.read(self._cutter.cut(text))
        words = read_numbers(words, text)
        found = self._context.found(words, self._book.find(words))
        return Reading(
            words=tuple(words),
            found=found,
            scopes=self._context.scopes(words, found),
            days=days_since(words),
        )
