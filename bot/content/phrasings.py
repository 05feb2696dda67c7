"""When two ways of asking are the same."""

from __future__ import annotations

import re
import unicodedata

_APOSTROPHES = re.compile(r"['\u2018\u2019`\u00b4]")
_NOT_WORD = re.compile(r"[^\w]+|_+")


def normalise(phrasing: str) -> str:
    """Fold case, accents, punctuation and spaces, so that equal questions compare equal.

    ``Can't I... ?`` and ``cant i`` are one; words are never reordered or dropped.
    """
    folded = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", phrasing).casefold())
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    return _NOT_WORD.sub(" ", bare).strip()
