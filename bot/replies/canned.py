"""Replies that staff pick and finish: ``data/canned_replies.yml``. Pure but for reading it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from bot.errors import ContentError
from bot.replies.placeholders import fill

STAFF_NAME: Final = "staff_name"
_GAP: Final = re.compile(r"\[[a-z][a-z ]{1,30}\]")
_KEYS: Final = {"id", "title", "text"}


@dataclass(frozen=True, slots=True)
class CannedReply:
    """One reply to pick: ``text`` with the clinic's placeholders and gaps in brackets."""

    id: str
    title: str
    text: str

    def written_by(self, name: str, placeholders: Mapping[str, str]) -> str:
        """The text as this person would begin with it."""
        return fill(self.text, {**placeholders, STAFF_NAME: name})


def gap(text: str) -> str | None:
    """The first gap such as ``[time]`` that nobody filled in, or None."""
    found = _GAP.search(text)
    return found.group(0) if found else None


def load_canned_replies(path: Path, placeholders: Mapping[str, str]) -> Sequence[CannedReply]:
    """Read and check the file.

    Raises:
        ContentError: A key is missing or unknown, an id is used twice, or a placeholder is
            not one of the clinic's.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(raw, list):
        raise ContentError("must be a list of replies", path=path)
    replies: list[CannedReply] = []
    for item in raw:
        if not isinstance(item, dict) or set(item) != _KEYS:
            raise ContentError(f"each reply has {', '.join(sorted(_KEYS))}", path=path)
        reply = CannedReply(**{key: str(item[key]).strip() for key in _KEYS})
        if reply.id in {known.id for known in replies}:
            raise ContentError(f"the id {reply.id!r} is used twice", path=path)
        reply.written_by("Somebody", placeholders)  # an unknown placeholder shows now
        replies.append(reply)
    return tuple(replies)
