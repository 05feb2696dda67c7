"""Cutting a message into folded words that remember where they stood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from spacy.tokenizer import Tokenizer

QUESTION_MARK: Final = "<?>"
"""Pseudo-word that ends a sentence closed by a question mark."""

# More than any SMS or widget message; what lies beyond is not read, so that
# a pasted book cannot hold up the intake of other patients.
MAX_CHARACTERS: Final = 4_000

_APOSTROPHES: Final = "'’‘`´ʼ"
_IN_WORD: Final = f"[^\\W_]|[{_APOSTROPHES}]"
_PREFIX: Final = re.compile(r"[\W_]")
_SUFFIX: Final = re.compile(r"[\W_]\Z")
# Words are cut at punctuation, except the point or comma of a number, and
# where letters meet digits: "day4", "101.4F", "39c".
_INFIX: Final = re.compile(
    rf"(?:(?!{_IN_WORD}|(?<=\d)[.,](?=\d)).)+"
    r"|(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)"
)
_SPLIT_APOSTROPHE: Final = re.compile(f"[{_APOSTROPHES}]")
_POSSESSIVE: Final = re.compile(f"[{_APOSTROPHES}][sS]\\Z")
_MAX_REMEMBERED: Final = 50_000
# Zero-width characters, and a sign that stands three times before ("!!!!!!").
_NOISE: Final = re.compile(
    "[\u00ad\u200b-\u200f\u2060\ufeff\ufe0e\ufe0f]"
    r"|(?P<sign>[^\w\s])(?<=(?P=sign)(?P=sign)(?P=sign)(?P=sign))"
)


class Gap(IntEnum):
    """What stands between a word and the one before it."""

    NONE = 0
    COMMA = 1
    SOFT = 2
    """A line break or three dots: often just a pause, sometimes a full stop."""
    HARD = 3


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a message.

    Attributes:
        forms: How it may be read, folded; the first is what was typed.
        start: Where it starts in the message; ``end`` is where it ends.
        gap: What stands before it.
        lead: The punctuation before it, as typed.
    """

    forms: tuple[str, ...]
    start: int
    end: int
    gap: Gap
    lead: str = ""


def fold(text: str) -> str:
    """Drop capitals, accents and apostrophes: ``Qué`` to ``que``, ``can't`` to ``cant``."""
    # Apostrophes first: decomposed, the one of some keyboards becomes a space.
    text = _SPLIT_APOSTROPHE.sub("", text)
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    return text.lower()


class WordCutter:
    """Cuts text with a spaCy tokenizer that knows no exceptions.

    The stock English tokenizer takes ``cant`` apart into ``ca`` and ``nt``, and
    leaves ``day4`` whole; patients write both, so the cutting rules are our own.
    """

    def __init__(self) -> None:
        self._tokenizer = _tokenizer()

    def cut(self, text: str) -> list[Word]:
        """Return the words of ``text``, in order; punctuation becomes gaps."""
        visible, offsets = _visible(text[:MAX_CHARACTERS])
        words: list[Word] = []
        lead = ""
        for token in self._tokenizer(visible):
            piece: str = token.text
            folded = fold(piece)
            start = offsets[token.idx]
            if not any(c.isalnum() for c in folded):
                lead += piece
                if piece == "?" and words and words[-1].forms[0] != QUESTION_MARK:
                    words.append(Word((QUESTION_MARK,), start, start + 1, Gap.NONE))
                continue
            # "throat's closing" is "throat is closing": both readings are kept.
            forms = (folded, folded[:-1]) if _POSSESSIVE.search(piece) else (folded,)
            # "cold-sore" and "lips/mouth" read on; "fever - no" pauses.
            joined = lead in ("-", "/") and words and words[-1].end + 1 == start
            gap = _gap(lead) if words and not joined else Gap.NONE
            end = offsets[token.idx + len(piece) - 1] + 1
            words.append(Word(forms, start, end, gap, lead))
            lead = ""
        # spaCy keeps every word it ever saw; patients' words should not pile up.
        if len(self._tokenizer.vocab.strings) > _MAX_REMEMBERED:
            self._tokenizer = _tokenizer()
        return words


def _tokenizer() -> Tokenizer:
    # Imported here: spaCy takes a third of a second, and importing this module
    # must stay free.
    from spacy.tokenizer import Tokenizer
    from spacy.vocab import Vocab

    return Tokenizer(
        Vocab(),
        prefix_search=_PREFIX.match,
        suffix_search=_SUFFIX.search,
        infix_finditer=_INFIX.finditer,
    )


def _visible(text: str) -> tuple[str, Sequence[int]]:
    """Drop what is invisible or merely repeated; the offsets lead back into ``text``."""
    dropped = {i for noise in _NOISE.finditer(text) for i in range(*noise.span())}
    if not dropped:
        return text, range(len(text))
    kept = [i for i in range(len(text)) if i not in dropped]
    return "".join(text[i] for i in kept), kept


def _gap(lead: str) -> Gap:
    line_break = "\n" in lead or "\r" in lead
    if ".." in lead or "…" in lead:
        return Gap.HARD if "?" in lead else Gap.SOFT
    if any(mark in lead for mark in ".!?"):
        return Gap.HARD
    if line_break:
        return Gap.SOFT
    return Gap.COMMA if lead.strip() else Gap.NONE
