"""Cues: lists of patterns that tell how a statement is meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final, TypeAlias

from bot.triage.pattern_language import compile_line
from bot.triage.patterns import Found, HeadIndex, Sequences
from bot.triage.phrasebook import Hits, Phrasebook

CUE_LISTS: Final = (
    # negation
    "negators",
    "not_negators",
    "negative_words",
    "denials",
    "or_words",
    "and_words",
    "list_fillers",
    "until_words",
    # clauses
    "resets",
    "clause_starts",
    "continuations",
    "subjects",
    "errands",
    "little_words",
    "lead_ins",
    # hypothetical and general questions
    "conditions",
    "hypothetical",
    "hypothetical_after",
    "not_hypothetical",
    "live",
    "not_live",
    "question_continues",
    "confirms",
    "happening",
    "general_openings",
    "question_words",
    "general_marks",
    "persons",
    # other people, other times
    "stories",
    "stories_around",
    "story_continues",
    "distant_people",
    "calling_off",
    "relatives",
    "documents",
    "handed_out",
    "asides",
    "animals",
    "animal_contact",
    "things",
    "at_the_clinic",
    "own",
    "history",
    "dates",
    "told_when",
    "settled",
    "settled_subjects",
    "unsettled",
    "revived",
    "present",
    "present_strong",
    "before_visit",
    "after_visit",
)
"""The lists that ``context.yml`` must hold; ``idioms`` comes on top of them."""

_PLAIN: Final = re.compile(r"[^{}\[\]~/<_^]+\Z")

Spot: TypeAlias = tuple[int, int]


class Cues:
    """The compiled cue lists. Plain phrases live in the phrasebook as ``@list``."""

    def __init__(
        self,
        entries: Mapping[str, Sequence[str]],
        lists: Collection[str],
        book: Phrasebook,
    ) -> None:
        """Compile the lists.

        Raises:
            ValueError: An entry is not a pattern.
        """
        self._names = tuple(entries)
        lines: list[tuple[tuple[str, Sequences], tuple[Sequences]]] = []
        for name, texts in entries.items():
            for text in texts:
                if _PLAIN.match(text) and ".." not in text:
                    book.add(_concept(name), text)
                else:
                    line = compile_line(text, lists, book)
                    lines.append(((name, line), (line,)))
        self._lines = HeadIndex(lines)

    def plain(self, name: str, hits: Hits) -> Sequence[Spot]:
        """Return where the plain phrases of one list stand."""
        return hits.get(_concept(name), ())

    def spots(self, found: Found) -> Mapping[str, Sequence[Spot]]:
        """Return, for each list, where its cues stand, in order."""
        spots = {name: list(self.plain(name, found.hits)) for name in self._names}
        for name, line in self._lines.candidates(found.hits):
            spots[name].extend((match.start, match.end) for match in line.matches(found))
        return {name: sorted(where) for name, where in spots.items()}


def _concept(name: str) -> str:
    return f"@{name}"
