"""What a message shows besides its words: where rules matched, what was understood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bot.conversations.models import Message


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a message; ``rules`` name the red-flag rules that matched in it."""

    text: str
    rules: tuple[str, ...] = ()


def pieces(text: str, spans: Sequence[Sequence[Any]]) -> list[Piece]:
    """Cut a message where rules matched, for `<mark>`; the pieces together are the text.

    Args:
        spans: ``[start, end, rule_id]`` as triage stored them; they may overlap or, for an
            erased text, reach beyond its end.
    """
    held = [(max(0, s), min(len(text), e), str(rule)) for s, e, rule in spans if s < e]
    cuts = sorted({0, len(text), *(s for s, _, _ in held), *(e for _, e, _ in held)})
    cuts = [cut for cut in cuts if cut <= len(text)]
    found = []
    for start, end in pairwise(cuts):
        rules = tuple(dict.fromkeys(rule for s, e, rule in held if s <= start and end <= e))
        found.append(Piece(text[start:end], rules))
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """One message with what the page says beside it."""

    message: Message
    pieces: list[Piece]
    nets: list[str]
    rule_ids: list[str]
    understood: str
    ranking: list[tuple[str, float]]
    candidates: list[tuple[str, float]]


def seen(message: Message) -> Seen:
    """Read triage and understanding of a stored message."""
    triage, understood = message.triage or {}, message.understood or {}
    intent, confidence = understood.get("intent"), understood.get("confidence")
    words = f"{intent} ({confidence:.2f})" if intent and confidence is not None else intent or ""
    return Seen(
        message=message,
        pieces=pieces(message.text, triage.get("spans", [])),
        nets=list(triage.get("nets", [])),
        rule_ids=list(triage.get("rule_ids", [])),
        understood=words,
        ranking=[(name, score) for name, score in understood.get("ranking", [])],
        candidates=[(name, score) for name, score in understood.get("candidates", [])],
    )
