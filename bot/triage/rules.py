"""The reviewed rules: what they are, and which of them a message sets off."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path
from typing import Final

from bot.messages import Language, Span, Tier
from bot.triage.context import Status
from bot.triage.patterns import HeadIndex, Match, Sequences
from bot.triage.reading import Reader, Reading
from bot.triage.timing import DayCondition

# Earlier turns that still complete a combination; symptoms come in a few
# messages sent one after the other, and older ones were screened in their time.
_MAX_RECENT: Final = 6
# "my throat" - "is closing up": so short a turn is read together with the next.
_SHORT_TURN_WORDS: Final = 6
_MAX_COMBINATIONS: Final = 64


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern of a rule.

    Attributes:
        parts: What must all be there; each part is met by any of its lines.
        topic: What must be spoken of, no matter how; earlier turns count.
        within: Words from the first to the last part, in one turn; None lets
            them stand anywhere in the message or in earlier turns.
        day: Condition on the days since treatment, if any.
    """

    parts: tuple[tuple[Sequences, ...], ...]
    topic: tuple[Sequences, ...]
    within: int | None
    day: DayCondition | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One red flag, as ``red_flags.yml`` states it.

    Attributes:
        id: Row of the clinical fact sheet and a slug.
        row: The row, such as ``E1``.
        tier: What the rule raises a message to.
        reply: Kind of wording the patient receives.
        counts_when: How a match may be meant; history counts for few rules.
        visit: ``after`` does not count before a visit, ``before`` only then.
        unless: Lines that silence a match which they share a word with.
        unless_in_sentence: Lines that silence any match in their sentence.
        matches: Phrases that must set the rule off, by language.
        ignores: Phrases that must not, by language.
    """

    id: str
    row: str
    tier: Tier
    title: str
    owner: str
    reviewed_on: date
    languages: tuple[Language, ...]
    reply: str
    counts_when: frozenset[Status]
    visit: str
    patterns: tuple[Pattern, ...]
    unless: tuple[Sequences, ...]
    unless_in_sentence: tuple[Sequences, ...]
    matches: Mapping[Language, tuple[str, ...]]
    ignores: Mapping[Language, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a message set off, and where. No span: in earlier turns only."""

    rule: Rule
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Turn:
    """A reading, and how it takes part.

    Attributes:
        current: Whether a match in it belongs to the message being screened.
        offset: What to subtract from its offsets to get those of the message.
        confirmed: The message says "that is what I have" of this turn.
    """

    reading: Reading
    current: bool
    offset: int = 0
    confirmed: bool = False


class RuleSet:
    """All rules, most severe first, and the reader they share."""

    def __init__(self, rules: Sequence[Rule], reader: Reader) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: -rule.tier))
        self._reader = reader
        self._patterns = HeadIndex(
            ((rule, pattern), (line for part in pattern.parts for line in part))
            for rule in self.rules
            for pattern in rule.patterns
        )

    def find(self, text: str, recent: Sequence[str] = ()) -> tuple[Finding, ...]:
        """Return the rules that ``text`` sets off, most severe first.

        Args:
            text: The patient's message.
            recent: Earlier turns of the patient, newest last.
        """
        turns = self._turns(text, recent[-_MAX_RECENT:])
        days = max((t.reading.days for t in turns if t.reading.days is not None), default=None)
        concepts = {c for turn in turns if turn.current for c in turn.reading.found.hits}
        findings: dict[str, Finding] = {}
        for rule, pattern in self._patterns.candidates(concepts):
            if rule.id in findings:
                continue
            spans = _spans(rule, pattern, turns, days)
            if spans is not None:
                findings[rule.id] = Finding(rule, spans)
        return tuple(findings.values())

    def _turns(self, text: str, recent: Sequence[str]) -> list[_Turn]:
        reading = self._reader.read(text)
        earlier = [self._reader.read(turn) for turn in recent]
        turns = [_Turn(reading, current=True)]
        if earlier and len(earlier[-1].words) <= _SHORT_TURN_WORDS and "?" not in recent[-1]:
            joined = self._reader.read(f"{recent[-1]}\n{text}")
            turns.append(_Turn(joined, current=True, offset=len(recent[-1]) + 1))
        confirms = bool(reading.scopes.confirms)
        for back, other in enumerate(reversed(earlier)):
            confirmed = confirms and back == 0
            turns.append(_Turn(other, current=confirmed, confirmed=confirmed, offset=-1))
        return turns


def _spans(
    rule: Rule, pattern: Pattern, turns: Sequence[_Turn], days: int | None
) -> tuple[Span, ...] | None:
    """Return where the pattern matched in the message, or None when it did not."""
    if pattern.day is not None and not pattern.day.holds(days):
        return None
    if pattern.topic and not any(
        True for turn in turns for line in pattern.topic for _ in turn.reading.matches(line)
    ):
        return None
    find = _within if pattern.within else _anywhere
    found = find(rule, pattern, turns)
    if found is None:
        return None
    return tuple(sorted(set(found), key=lambda span: (span.start, span.end)))


def _within(rule: Rule, pattern: Pattern, turns: Sequence[_Turn]) -> list[Span] | None:
    for turn in turns:
        if not turn.current:
            continue
        groups: list[list[Match]] = []
        for part in pattern.parts:
            groups.append(list(_live(rule, part, turn)))
            if not groups[-1]:
                break
        if not groups[-1]:
            continue
        for number, matches in enumerate(product(*groups)):
            reach = max(m.end for m in matches) - min(m.start for m in matches)
            if reach <= (pattern.within or 0):
                spans = [span for m in matches for span in _span(rule, m, turn)]
                if spans or turn.confirmed:
                    return spans
            if number >= _MAX_COMBINATIONS:
                break
    return None


def _anywhere(rule: Rule, pattern: Pattern, turns: Sequence[_Turn]) -> list[Span] | None:
    spans: list[Span] = []
    in_message = False
    for part in pattern.parts:
        met = False
        for turn in turns:
            for match in _live(rule, part, turn):
                met = True
                found = _span(rule, match, turn)
                if turn.current and (found or turn.confirmed):
                    spans.extend(found)
                    in_message = True
                    break
            if met and in_message:
                break
        if not met:
            return None
    return spans if in_message else None


def _live(rule: Rule, part: Sequence[Sequences], turn: _Turn) -> Iterator[Match]:
    """Yield the matches of a part that count for the rule."""
    reading = turn.reading
    if rule.visit != "any" and reading.scopes.before_visit != (rule.visit == "before"):
        return
    for line in part:
        for match in reading.matches(line):
            status = reading.scopes.status(match, confirmed=turn.confirmed)
            if status in rule.counts_when and not _silenced(rule, match, reading):
                yield match


def _silenced(rule: Rule, match: Match, reading: Reading) -> bool:
    if any(
        other.start < match.end and match.start < other.end
        for line in rule.unless
        for other in reading.matches(line)
    ):
        return True
    sentence = reading.scopes.sentences[match.start]
    return any(
        reading.scopes.sentences[other.start] == sentence
        for line in rule.unless_in_sentence
        for other in reading.matches(line)
    )


def _span(rule: Rule, match: Match, turn: _Turn) -> list[Span]:
    """Return the part of a match that lies in the message itself, if any."""
    if turn.offset < 0:
        return []
    words = turn.reading.words
    start = max(words[match.start].start - turn.offset, 0)
    end = words[match.end - 1].end - turn.offset
    return [Span(start, end, rule.id)] if end > 0 else []


def load_rules(folder: Path) -> RuleSet:
    """Load ``red_flags.yml`` and the files it builds on.

    Raises:
        RuleFileError: A file is invalid; the application must not start.
    """
    from bot.triage.rule_file import read_rules

    rules = RuleSet(*read_rules(folder))
    # The word tree is some hundred thousand objects that live as long as the process. Taken
    # out of the collector's sight, they no longer cost a message a tenth of a second now and then.
    gc.collect()
    gc.freeze()
    return rules
