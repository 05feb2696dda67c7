"""Which words speak of what might be, of what was long ago, and of other people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.triage.clauses import Clauses, Spots
from bot.triage.text import QUESTION_MARK, Gap, Word

# "if i have a fever", "if one day i have": the "i have" belongs to the condition.
_ABSORBED: Final = 2
# "are fever or chills a side effect"
_SIDE_REACH: Final = 3

_RESET, _HYPOTHETICAL, _LIVE = 0, 1, 2


def hypothetical(words: Sequence[Word], clauses: Clauses, spots: Spots) -> tuple[bool, ...]:
    """Tell for each word whether it belongs to a general or what-if question.

    Of the cues before a word in its sentence the last one decides: "can it
    cause a fever" is general, "can it cause this, i have a fever" is not.
    """
    events = _events(spots)
    conditions = _not_cancelled(spots, "conditions")
    absorbed = {
        i
        for start, end in conditions
        for i in range(start, min(_pause(words, end), end + _ABSORBED) + 1)
    }
    result = [False] * len(words)
    carried = False
    continues = {start for start, _ in spots["question_continues"]}
    for sentence in clauses.each_sentence():
        asked = words[sentence[-1]].forms[0] == QUESTION_MARK
        state = carried and asked and sentence.start in continues
        lived = False
        for i in sentence:
            kind = events.get(i, (None, 0))[0]
            if kind == _LIVE and i in absorbed:
                kind = None
            if kind is not None:
                state = kind == _HYPOTHETICAL
                lived = lived or kind == _LIVE
            result[i] = state
        if not lived:
            for start, end in spots["hypothetical_after"]:
                if start in sentence:
                    back = start
                    while back > max(sentence.start, start - _SIDE_REACH) and (
                        words[back].gap is Gap.NONE
                    ):
                        back -= 1
                    result[back:end] = [True] * (end - back)
        carried = result[sentence[-1]]
    return tuple(result)


def _pause(words: Sequence[Word], i: int) -> int:
    """Return the last word from ``i`` on before the next pause."""
    while i + 1 < len(words) and words[i + 1].gap is Gap.NONE:
        i += 1
    return i


def _not_cancelled(spots: Spots, name: str) -> list[tuple[int, int]]:
    cancelled = {i for spot in spots["not_hypothetical"] for i in range(*spot)}
    return [spot for spot in spots[name] if cancelled.isdisjoint(range(*spot))]


def _events(spots: Spots) -> dict[int, tuple[int, int]]:
    """Return where the reading changes: first word to (kind, length). The longer cue wins."""
    events: dict[int, tuple[int, int]] = {}
    # "why does it hurt" holds "does it", and is no general question for that.
    inside = {i for start, end in spots["live"] for i in range(start + 1, end)}
    general = [spot for spot in _not_cancelled(spots, "hypothetical") if spot[0] not in inside]
    cues = [
        *((spot, _RESET) for spot in spots["resets"]),
        *((spot, _HYPOTHETICAL) for spot in general),
        *((spot, _HYPOTHETICAL) for spot in _not_cancelled(spots, "conditions")),
        *((spot, _LIVE) for spot in spots["live"]),
    ]
    for (start, end), kind in cues:
        known = events.get(start)
        # In a tie the later kind in this order stands: live, the safer one.
        if known is None or end - start >= known[1]:
            events[start] = (kind, end - start)
    return events


def past(words: Sequence[Word], clauses: Clauses, spots: Spots) -> tuple[bool, ...]:
    """Tell for each word whether it is part of an old history.

    What stands between two commas with a date long gone is history unless it
    also says "now", and so is the rest of its sentence, as far as nothing in
    it is present.
    """
    history = _words(spots, "history")
    present = _words(spots, "present")
    strong = _words(spots, "present_strong")
    result = [False] * len(clauses.sentences)
    for sentence in clauses.each_sentence():
        if history.isdisjoint(sentence):
            continue
        for clause in clauses.each_clause(sentence):
            for piece in _between_commas(words, clause):
                dated = not history.isdisjoint(piece)
                current = strong if dated else strong | present
                if current.isdisjoint(piece):
                    result[piece.start : piece.stop] = [True] * len(piece)
    return tuple(result)


def _between_commas(words: Sequence[Word], clause: range) -> Iterator[range]:
    start = clause.start
    for i in range(clause.start + 1, clause.stop + 1):
        if i == clause.stop or words[i].gap is Gap.COMMA:
            yield range(start, i)
            start = i


def story(clauses: Clauses, spots: Spots) -> tuple[bool, ...]:
    """Tell for each word whether it is about people the patient does not ask for."""
    starts = {start for start, _ in spots["stories"]}
    around = {start for start, _ in spots["stories_around"]}
    own = {start for start, _ in spots["own"]}
    continues = {start for start, _ in spots["story_continues"]}
    result = [False] * len(clauses.sentences)
    carried = False
    for sentence in clauses.each_sentence():
        state = carried and sentence.start in continues
        if not around.isdisjoint(sentence) and own.isdisjoint(sentence):
            state = True
        for i in sentence:
            if i in own:
                state = False
            if i in starts:
                state = True
            result[i] = state
        carried = state
    return tuple(result)


def _words(spots: Spots, name: str) -> set[int]:
    return {i for spot in spots[name] for i in range(*spot)}
