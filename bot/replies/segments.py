"""SMS alphabets: what a text costs, and how to keep it in the cheap alphabet.

Tables from 3GPP TS 23.038 section 6.2.1: the default alphabet and its one
extension table, whose characters are sent as an escape and a second septet.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

# Rows of sixteen, in code order. 0x1B is the escape itself, not a character.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")

_GSM7_ALONE, _GSM7_PART = 160, 153
_UCS2_ALONE, _UCS2_PART = 70, 67

_LOOK_ALIKES: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´ʼ", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−•◦▪·", "-"),
        **dict.fromkeys("\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005", " "),
        **dict.fromkeys("\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f", ""),
        **dict.fromkeys("\u2028\u2029", "\n"),
        "…": "...",
        "×": "x",
        "÷": "/",
        "⁄": "/",
        "©": "(c)",
        "®": "(R)",
        "°": " degrees",
        "→": "->",
        "ç": "c",
    }
)


def septet_count(text: str) -> int:
    """Count the septets of ``text`` in the GSM 7-bit alphabet.

    Raises:
        ValueError: A character is outside the alphabet.
    """
    return sum(_septets(text))


def is_gsm7(text: str) -> bool:
    """Tell whether every character is in the GSM 7-bit alphabet or its extension."""
    return all(character in _BASIC or character in _EXTENDED for character in text)


def part_count(text: str) -> int:
    """Count the SMS parts billed for ``text``.

    Args:
        text: Body after substitution, not blank.

    Returns:
        At least 1. GSM-7 text fits 160 septets alone, or 153 per part when
        split; ``€`` and ``[`` take two. One character outside GSM-7 moves
        the whole text to UCS-2: 70 code units alone, 67 per part. Neither a
        two-septet character nor a surrogate pair is ever cut in half.

    Raises:
        ValueError: ``text`` is blank.

    Source: 3GPP TS 23.038 (alphabets), TS 23.040 (concatenation).
    """
    if not text.strip():
        raise ValueError("a blank text has no parts")
    if is_gsm7(text):
        return _parts(_septets(text), _GSM7_ALONE, _GSM7_PART)
    return _parts((2 if ord(c) > 0xFFFF else 1 for c in text), _UCS2_ALONE, _UCS2_PART)


def to_gsm7(text: str) -> str:
    """Replace typographic and accented characters by GSM look-alikes.

    A character that has no look-alike (an emoji, another script) stays as it
    is: dropping it could change the meaning, so the caller decides.
    """
    return "".join(_plain(c) for c in unicodedata.normalize("NFC", text).translate(_LOOK_ALIKES))


def _plain(character: str) -> str:
    if is_gsm7(character):
        return character
    decomposed = unicodedata.normalize("NFKD", character).translate(_LOOK_ALIKES)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return bare if bare and is_gsm7(bare) else character


def _septets(text: str) -> Iterable[int]:
    for character in text:
        if character in _BASIC:
            yield 1
        elif character in _EXTENDED:
            yield 2
        else:
            raise ValueError(f"{character!r} is not in the GSM 7-bit alphabet")


def _parts(widths: Iterable[int], alone: int, per_part: int) -> int:
    sizes = list(widths)
    if sum(sizes) <= alone:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > per_part:
            parts, used = parts + 1, 0
        used += size
    return parts
