"""Which words a "no" reaches.

After the NegEx family of algorithms: negators open a scope to the right that
a new thought closes, and some negators only look like one ("no idea").
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.triage.clauses import Clauses, Spots
from bot.triage.cues import Spot
from bot.triage.text import QUESTION_MARK, Gap, Word

# Far enough for "no signs of any kind of infection or anything like pus".
_REACH: Final = 10
# "any pus? no": a question of the patient's own, answered at once.
_LONGEST_CHECKLIST_ITEM: Final = 5
# Short for "no" in a list of answers only: "fever n, pain 0".
_SHORT_DENIALS: Final = frozenset({"n", "0", "zero", "cero"})
_QUESTION_LETTER: Final = "q"
# So many answers make a list; one alone may be anything.
_FEWEST_ANSWERS: Final = 2


@dataclass(frozen=True, slots=True)
class _Marks:
    """Words of the message that matter to a scope."""

    ors: frozenset[int]
    ands: frozenset[int]
    fillers: frozenset[int]
    untils: frozenset[int]
    reports: frozenset[int]
    signs: frozenset[int]


def scopes(
    words: Sequence[Word], clauses: Clauses, spots: Spots, signs: Collection[int]
) -> tuple[tuple[Spot, ...], ...]:
    """Return, for each word, the negators that reach it.

    Args:
        words: The message.
        clauses: Its sentences and clauses.
        spots: Where the cues stand.
        signs: Words that belong to a sign of the word lists.
    """
    negators: list[list[Spot]] = [[] for _ in words]
    if not spots["negators"] and not spots["denials"]:
        return tuple(() for _ in words)
    ors = _covered(spots, "or_words")
    marks = _Marks(
        ors=ors,
        ands=_covered(spots, "and_words"),
        fillers=ors | _covered(spots, "list_fillers"),
        untils=frozenset(start for start, _ in spots["until_words"]),
        reports=frozenset(start for name in ("live", "subjects") for start, _ in spots[name]),
        signs=frozenset(signs),
    )
    pretended = _covered(spots, "not_negators")
    denials = {start for start, _ in spots["denials"]}
    for spot in spots["negators"]:
        start, end = spot
        if start in pretended:
            continue
        answers_only = start in denials and (end == len(words) or words[end].gap is not Gap.NONE)
        if not answers_only:
            for i in _reached(words, clauses, marks, end):
                negators[i].append(spot)
    for start in denials - pretended:
        for i in _checklist_item(words, clauses, start):
            negators[i].append((start, start + 1))
    for item, denial in _answers(words, marks, denials - pretended):
        for i in item:
            negators[i].append((denial, denial + 1))
    return tuple(tuple(found) for found in negators)


def _answers(
    words: Sequence[Word], marks: _Marks, denials: Collection[int]
) -> Iterator[tuple[range, int]]:
    """Yield what a filled-in list denies, and with which word: "pus, no. Fever: n. Burns none"."""
    found = list(_listed(words, marks, denials))
    if len(found) >= _FEWEST_ANSWERS:
        yield from found


def _listed(
    words: Sequence[Word], marks: _Marks, denials: Collection[int]
) -> Iterator[tuple[range, int]]:
    before: range | None = None
    for piece in _pieces(words):
        denial = piece[-1]
        denied = denial in denials or words[denial].forms[0] in _SHORT_DENIALS
        item: range | None = piece[:-1]
        if denied and not item:
            # "Pus, no": the item is the piece before, unless a full stop parts them.
            item = before if words[denial].gap in (Gap.NONE, Gap.COMMA) else None
        before = None if denied else piece
        if denied and item and len(item) <= _LONGEST_CHECKLIST_ITEM:
            bare = all(k in marks.signs or k in marks.fillers for k in item)
            if bare and not marks.signs.isdisjoint(item):
                yield item, denial


def _pieces(words: Sequence[Word]) -> Iterator[range]:
    """Yield the words between two pauses, or between the numbers of a form ("Q1 pus no Q2")."""
    start = 0
    for i in range(1, len(words) + 1):
        numbered = i < len(words) and words[i].forms[0] == _QUESTION_LETTER
        if i == len(words) or numbered or words[i].gap is not Gap.NONE:
            if words[start].forms[0] == _QUESTION_LETTER:
                start = min(start + 2, i)
            if start < i:
                yield range(start, i)
            start = i


def _covered(spots: Spots, name: str) -> frozenset[int]:
    return frozenset(i for spot in spots[name] for i in range(*spot))


def _reached(words: Sequence[Word], clauses: Clauses, marks: _Marks, begin: int) -> list[int]:
    if begin == len(words) or clauses.clauses[begin - 1] != clauses.clauses[begin]:
        return []
    stop = begin
    while (
        stop < min(len(words), begin + _REACH) and clauses.clauses[stop] == clauses.clauses[begin]
    ):
        stop += 1
    if not marks.untils.isdisjoint(range(begin, stop)):
        # "no fever until last night" is a fever.
        return []
    reached: list[int] = []
    for i in range(begin, stop):
        if words[i].gap is Gap.COMMA and i > begin:
            piece = _piece(words, i, stop)
            bare = all(k in marks.signs or k in marks.fillers for k in piece)
            if marks.signs.isdisjoint(reached) or not (bare or i in marks.ors):
                break
        # "no fever and pus everywhere": read as pus, the more serious way.
        # "no fever i have pus": a report of its own.
        if i in marks.ands or (i > begin and i in marks.reports):
            break
        reached.append(i)
    return reached


def _piece(words: Sequence[Word], start: int, stop: int) -> range:
    end = start + 1
    while end < stop and words[end].gap is Gap.NONE:
        end += 1
    return range(start, end)


def _checklist_item(words: Sequence[Word], clauses: Clauses, denial: int) -> range:
    """Return what "fever: no" or "fever? no" denies with the word ``denial``."""
    closed = denial + 1 == len(words) or words[denial + 1].gap is not Gap.NONE
    if not denial or not closed:
        return range(0)
    if words[denial - 1].forms[0] == QUESTION_MARK:
        item = clauses.in_sentence(denial - 1)
        return item if len(item) <= _LONGEST_CHECKLIST_ITEM else range(0)
    if not any(mark in words[denial].lead for mark in ":=-\u2013\u2014"):
        return range(0)
    start = denial - 1
    while start and words[start].gap is Gap.NONE:
        start -= 1
    return range(start, denial) if denial - start <= _LONGEST_CHECKLIST_ITEM else range(0)
