"""The pattern language of the rule files.

A pattern is a line of items that must follow one another:

    short of breath       these words, also when misspelt or run together
    {swelling}            any phrase of the word list ``swelling``
    {lips|tongue}         any phrase of either word list
    [my] [{very}]         may be missing
    ..                    up to 3 words in between; ``..6`` up to 6
    _                     only little words in between ("is", "so", "my"), up to 5
    ~                     the two sides in either order, up to 3 words apart; ``~6``
    <?>                   the question mark that closes the sentence
    ^                     first of all: only where a sentence or a question starts

Items do not reach over a full stop or a question mark, except where the next
sentence merely goes on ("my throat. its closing"). ``all_of`` joins patterns
that may stand anywhere in the message, or in the patient's earlier turns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.triage.patterns import Sequences, Step
from bot.triage.phrasebook import Phrasebook

_ITEM: Final = re.compile(r"\{([^{}]*)\}|\[([^\[\]]*)\]|(\.\.|~|_(?=\s))(\d*)|([^\s{}\[\]~]+)")
_GAP: Final = 3
_LITTLE_GAP: Final = 5
# Each optional item doubles the work.
_MAX_OPTIONAL: Final = 4


@dataclass(frozen=True, slots=True)
class _Item:
    step: Step
    optional: bool


def compile_line(line: str, lists: Collection[str], book: Phrasebook) -> Sequences:
    """Compile one pattern line; its literal words enter ``book``.

    Raises:
        ValueError: The line is malformed or names a word list that does not exist.
    """
    sides: list[list[_Item]] = [[]]
    reach, gap, little = 0, 0, False
    literal: list[str] = []

    def close_literal() -> None:
        nonlocal gap, little
        if literal:
            step = Step(_literal(" ".join(literal), book), gap, little)
            sides[-1].append(_Item(step, optional=False))
            literal.clear()
            gap, little = 0, False

    opening = line.startswith("^")
    position = int(opening)
    for item in _ITEM.finditer(line, position):
        if line[position : item.start()].strip():
            raise ValueError(f"cannot read {line[position : item.start()]!r} in {line!r}")
        position = item.end()
        names, optional, operator, number, word = item.groups()
        if word is not None and "/" not in word and not word.startswith("<"):
            literal.append(word)
            continue
        close_literal()
        if operator in ("..", "_"):
            if not sides[-1]:
                raise ValueError(f"nothing stands before {operator!r} in {line!r}")
            little = operator == "_"
            gap = int(number or (_LITTLE_GAP if little else _GAP))
        elif operator == "~":
            if len(sides) == 2 or not sides[0]:
                raise ValueError(f"'~' needs one side on its left and one on its right: {line!r}")
            sides.append([])
            reach, gap = int(number or _GAP), 0
        else:
            inner = names if names is not None else optional if optional is not None else word
            concepts = _concepts(inner.strip(), names is not None, lists, book)
            sides[-1].append(_Item(Step(concepts, gap, little), optional is not None))
            # When what may be missing is missing, the next item takes its gap.
            if optional is None:
                gap, little = 0, False
    if line[position:].strip():
        raise ValueError(f"cannot read {line[position:]!r} in {line!r}")
    close_literal()
    if gap or not sides[-1]:
        raise ValueError(f"nothing stands at the end of {line!r}")
    if sum(item.optional for side in sides for item in side) > _MAX_OPTIONAL:
        raise ValueError(f"more than {_MAX_OPTIONAL} items may be missing in {line!r}; use '_'")
    orders = (sides, sides[::-1]) if len(sides) == 2 else (sides,)
    variants = list(dict.fromkeys(steps for order in orders for steps in _expand(order, reach)))
    if any(not steps for steps in variants):
        raise ValueError(f"everything is optional in {line!r}")
    heads = frozenset(c for steps in variants for c in _rarest(steps, book).concepts)
    return Sequences(line, tuple(variants), opening, heads)


def _rarest(steps: Sequence[Step], book: Phrasebook) -> Step:
    return min(steps, key=lambda step: sum(book.commonness[c] for c in step.concepts))


def _concepts(
    inner: str, is_lists: bool, lists: Collection[str], book: Phrasebook
) -> tuple[str, ...]:
    if not inner:
        raise ValueError("empty brackets")
    if not is_lists and inner.startswith("{") and inner.endswith("}"):
        is_lists, inner = True, inner[1:-1]
    if not is_lists:
        return tuple(c for part in inner.split("/") for c in _literal(part, book))
    names = tuple(name.strip() for name in inner.split("|"))
    for name in names:
        if name not in lists:
            raise ValueError(f"there is no word list {name!r}")
    return names


def _literal(phrase: str, book: Phrasebook) -> tuple[str, ...]:
    concept = f"={phrase}"
    book.add(concept, phrase)
    return (concept,)


def _expand(sides: Sequence[Sequence[_Item]], reach: int) -> Iterator[tuple[Step, ...]]:
    runs: list[tuple[Step, ...]] = [()]
    for side in sides:
        tails: list[tuple[Step, ...]] = [()]
        for item in side:
            longer = [(*tail, item.step) for tail in tails]
            tails = longer + tails if item.optional else longer
        runs = [
            (*run, replace(tail[0], gap=reach, little_gap=False), *tail[1:])
            if run and tail
            else (*run, *tail)
            for run in runs
            for tail in tails
        ]
    yield from runs
