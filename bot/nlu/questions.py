"""Reading the shape of a question: several at once, or one that leans on the turn before."""

from __future__ import annotations

import re

MAX_PARTS = 3
"""More than three answers at once help nobody."""

_MIN_WORDS = 2
_JOINTS = re.compile(
    r"[?!]+\s*(?:and|also|plus|then|but)?\b"
    r"|[.;\n]+\s+"
    r"|,?\s+(?:and|also|plus|n|&)\s+(?=(?:how|what|whats|when|where|which|who|why|is|are|do|does|can|could|should|will|would|did)\b)"
    r"|\s+(?:also|plus)\s+",
    re.IGNORECASE,
)
_LEANS = re.compile(
    r"^(?:and|or|but|ok(?:ay)?|so|then|what about|how about|wat about|hows about|what if)\b"
    r"|\b(?:that|it|this|they|them|those|these|there|one|ones)\b"
    r"|^(?:how (?:much|long|often|many|soon)|why|when|where|really|which|is that)\b",
    re.IGNORECASE,
)
_MAX_LEANING_WORDS = 9


def split_questions(text: str) -> list[str]:
    """Cut a message into its questions, at most three; one part means that it is one.

    Parts of a single word are joined to their neighbour, as "and pain?" alone says
    little, but "side effects? pain?" are two.
    """
    pieces = [piece.strip(" ,.;-") for piece in _JOINTS.split(text)]
    parts: list[str] = []
    for piece in pieces:
        if not piece:
            continue
        asks = len(piece.split()) >= _MIN_WORDS or not parts
        if asks:
            parts.append(piece)
        else:
            parts[-1] = f"{parts[-1]} {piece}"
    return parts[:MAX_PARTS]


def refers_back(text: str) -> bool:
    """Whether a message is short and points at something said before ("and how long?")."""
    return len(text.split()) <= _MAX_LEANING_WORDS and bool(_LEANS.search(text.strip()))
