"""The ways one message may be read: as a whole, as several questions, with the turn before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.nlu.answer_index import Candidate
from bot.nlu.questions import refers_back, split_links, split_questions

WHOLE: Final = "whole"
PART: Final = "part"
LINKED: Final = "linked"
CONTEXT: Final = "context"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a message, and what was understood of it.

    Attributes:
        kind: ``whole``; ``part``, one of several questions; ``linked``, one side of an
            "and" that may or may not join two questions; ``context``, the message read
            together with what was said before.
        ranking: Intent to probability.
        candidates: Answers, best first, intents not yet counted.
        nearest: Likeness to the nearest phrasing of all.
        coverage: Share of telling words that the content uses.
    """

    kind: str
    text: str
    ranking: Mapping[str, float] = field(default_factory=dict)
    candidates: Sequence[Candidate] = ()
    nearest: float = 0.0
    coverage: float = 0.0

    def record(self) -> dict[str, Any]:
        """As it travels in Rasa's parse."""
        return {
            "kind": self.kind,
            "text": self.text,
            "ranking": dict(self.ranking),
            "candidates": [[c.answer_id, c.topic, c.score] for c in self.candidates],
            "nearest": self.nearest,
            "coverage": self.coverage,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Reading:
        """Read what :meth:`record` wrote."""
        return cls(
            record["kind"],
            record["text"],
            record["ranking"],
            tuple(Candidate(*item) for item in record["candidates"]),
            record["nearest"],
            record["coverage"],
        )


def texts_to_read(text: str, before: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The readings worth trying, as (kind, text); the whole is first.

    Args:
        text: The message.
        before: The turn it may lean on, as intake describes it: the patient's ``text`` and
            the ``title`` of the answer that was given.
    """
    found = [(WHOLE, text)]
    parts = split_questions(text)
    if len(parts) > 1:
        found += [(PART, part) for part in parts]
    else:
        found += [(LINKED, part) for part in split_links(text)]
    if before and refers_back(text):
        said = [words for words in (before.get("text"), before.get("title")) if words]
        found += [(CONTEXT, f"{words} {text}") for words in said]
    return found
