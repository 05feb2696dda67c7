"""Spanish replies to what the clinic's particulars answer: `data/spanish.yml`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.errors import ContentError
from bot.replies.placeholders import fill
from bot.triage.text import fold

SMALL_TALK_WORDS = 4


@dataclass(frozen=True, slots=True)
class SpanishReply:
    """One reply, with the words that call for it and those that speak against it.

    ``small_talk`` is for greetings and thanks: a longer message wants something else.
    """

    id: str
    words: tuple[tuple[str, ...], ...]
    unless: tuple[str, ...]
    text: str
    small_talk: bool

    def fits(self, words: Sequence[str]) -> bool:
        """Whether every group has a word among these, and no word speaks against it."""
        if self.small_talk and len(words) > SMALL_TALK_WORDS:
            return False
        return all(_any(group, words) for group in self.words) and not _any(self.unless, words)


@dataclass(frozen=True, slots=True)
class SpanishReplies:
    """The replies in order; the first that fits is given."""

    replies: tuple[SpanishReply, ...]

    def find(self, text: str) -> SpanishReply | None:
        """The reply for a message, or None when only staff can answer it in Spanish."""
        words = "".join(c if c.isalnum() else " " for c in fold(text)).split()
        return next((reply for reply in self.replies if reply.fits(words)), None)


def load_spanish_replies(path: Path, placeholders: Mapping[str, str]) -> SpanishReplies:
    """Read and fill the replies.

    Raises:
        ContentError: An entry is malformed or uses an unknown placeholder.
    """
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        return SpanishReplies(
            tuple(
                SpanishReply(
                    entry["id"],
                    tuple(tuple(group) for group in entry["words"]),
                    tuple(entry.get("unless", ())),
                    fill(entry["text"].strip(), placeholders),
                    bool(entry.get("small_talk", False)),
                )
                for entry in entries
            )
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ContentError("each entry needs id, words and text", path=path) from error


def _any(patterns: Sequence[str], words: Sequence[str]) -> bool:
    return any(
        word.startswith(pattern[:-1]) if pattern.endswith("*") else word == pattern
        for pattern in patterns
        for word in words
    )
