"""Compiled patterns, and matching them against what was found in a message."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from bot.triage.phrasebook import Hits

# A pattern that matches more often than this in one message says no more.
_MAX_MATCHES: Final = 24


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in a message, for patterns to be matched against.

    Attributes:
        hits: Where each concept stands.
        barriers: For each word, how many full stops stand before it.
        little: For each word, how many words before it are not little ones.
        openings: Words at which a sentence or a question may start.
    """

    hits: Hits
    barriers: Sequence[int]
    little: Sequence[int]
    openings: frozenset[int]


@dataclass(frozen=True, slots=True)
class Match:
    """Where a pattern matched: the word ranges of its steps, in order."""

    steps: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """Index of the first word."""
        return self.steps[0][0]

    @property
    def end(self) -> int:
        """Index after the last word."""
        return self.steps[-1][1]


@dataclass(frozen=True, slots=True)
class Step:
    """One of ``concepts``, at most ``gap`` words after the step before."""

    concepts: tuple[str, ...]
    gap: int
    little_gap: bool = False


@dataclass(frozen=True, slots=True)
class Sequences:
    """One pattern line, compiled: any of these runs of steps."""

    line: str
    variants: tuple[tuple[Step, ...], ...]
    opening: bool
    heads: frozenset[str]
    """Rare concepts of which a match holds at least one."""

    def matches(self, found: Found) -> Iterator[Match]:
        """Yield every match, up to a number beyond which they add nothing."""
        count = 0
        for steps in self.variants:
            if not _all_there(steps, found.hits):
                continue
            for match in _follow(steps, (), found):
                if self.opening and match.start not in found.openings:
                    continue
                yield match
                count += 1
                if count >= _MAX_MATCHES:
                    return


def _all_there(steps: Sequence[Step], hits: Hits) -> bool:
    # Plain loops: this is asked some hundred times per message.
    for step in steps:
        for concept in step.concepts:
            if concept in hits:
                break
        else:
            return False
    return True


_T = TypeVar("_T")


class HeadIndex(Generic[_T]):
    """Finds the few things worth trying among many, by the concepts they cannot do without."""

    def __init__(self, things: Iterable[tuple[_T, Iterable[Sequences]]]) -> None:
        self._things: list[_T] = []
        self._by_head: dict[str, list[int]] = {}
        for number, (thing, lines) in enumerate(things):
            self._things.append(thing)
            for head in {head for line in lines for head in line.heads}:
                self._by_head.setdefault(head, []).append(number)

    def candidates(self, concepts: Iterable[str]) -> list[_T]:
        """Return what could match where ``concepts`` were found, in the order given."""
        numbers = {n for c in concepts if c in self._by_head for n in self._by_head[c]}
        return [self._things[n] for n in sorted(numbers)]


def _follow(
    steps: Sequence[Step], done: tuple[tuple[int, int], ...], found: Found
) -> Iterator[Match]:
    if not steps:
        yield Match(done)
        return
    step, rest = steps[0], steps[1:]
    earliest = done[-1][1] if done else 0
    for concept in step.concepts:
        spots = found.hits.get(concept, ())
        # Spots are in order; a message that repeats itself must not cost the square.
        for position in range(bisect_left(spots, (earliest, 0)), len(spots)):
            start, end = spots[position]
            if done and start > earliest + step.gap:
                break
            if not done or _reaches(earliest, start, step, found):
                yield from _follow(rest, (*done, (start, end)), found)


def _reaches(end: int, start: int, step: Step, found: Found) -> bool:
    """Tell whether a step in reach also may follow what ended before word ``end``."""
    if found.barriers[start] != found.barriers[end - 1]:
        return False
    return not step.little_gap or found.little[start] == found.little[end]
