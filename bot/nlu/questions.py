"""Reading the shape of a question: several at once, or one that leans on the turn before."""

from __future__ import annotations

import re

MAX_PARTS = 3
"""More than three answers at once help nobody."""

_MIN_WORDS = 2
_ASKS = (
    r"(?:how|what|whats|when|whens|where|wheres|which|who|whos|why|is|are|am|do|does|can|could|"
    r"should|shud|will|would|did|whether|if|any|u|wat|wen)\b"
)
_JOINTS = re.compile(
    rf"[?!]+\s*(?:and|also|plus|then|but|or)?\b"
    rf"|[.;:\n]+\s+(?:and|also|plus|then|but|or)?\b"
    rf"|,?\s+(?:and|also|plus|n|&|or|but)\s+(?={_ASKS})"
    rf"|,\s*(?={_ASKS})"
    r"|,\s+(?:and|plus)\s+"
    r"|\s+(?:also|plus)\s+",
    re.IGNORECASE,
)
_LINKS = re.compile(r",?\s+(?:and|n|&|plus)\s+|\s*\+\s*", re.IGNORECASE)
_LEANS = re.compile(
    r"^(?:and|or|but|ok(?:ay)?|so|then|also|even|like|what about|how about|wat about|hows about"
    r"|what if|same)\b"
    r"|\b(?:that|it|its|this|they|them|those|these|there|one|ones|mine|either|tho|too)\b"
    r"|^(?:how (?:much|long|often|many|soon|come)|why|when|where|really|which|is that|with)\b",
    re.IGNORECASE,
)
_NAMES_THE_SUBJECT = re.compile(r"needling|derma ?pen|\bprocedure\b", re.IGNORECASE)
_MAX_LEANING_WORDS = 10
_FRAGMENT_WORDS = 4
"""A message this short says little by itself ("starting when", "crows feet?")."""


def split_questions(text: str) -> list[str]:
    """Cut a message into its questions, at most three; one part means that it is one.

    Parts of a single word are joined to their neighbour, as "and pain?" alone says
    little, but "side effects? pain?" are two.
    """
    pieces = [(piece or "").strip(" ,.;:-") for piece in _JOINTS.split(text)]
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


def split_links(text: str) -> list[str]:
    """Cut a message at "and", which may link two questions or two words of one.

    Whoever asks has to make sure that both sides mean something by themselves.
    """
    pieces = [piece.strip(" ,.;:-?!") for piece in _LINKS.split(text)]
    parts = [piece for piece in pieces if piece]
    return parts if 1 < len(parts) <= MAX_PARTS else []


def refers_back(text: str) -> bool:
    """Whether a message is short and may lean on what was said before ("and how long?")."""
    if _NAMES_THE_SUBJECT.search(text):
        return False
    count = len(text.split())
    return count <= _FRAGMENT_WORDS or (
        count <= _MAX_LEANING_WORDS and bool(_LEANS.search(text.strip()))
    )
