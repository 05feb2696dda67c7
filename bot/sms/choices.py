"""Reading "2", "the second one" or "la segunda" as one of the choices that were offered."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_NUMBERS: Final = {
    1: "one first 1st uno una primero primera primer 1ro 1ra",
    2: "two second 2nd dos segundo segunda 2do 2da",
    3: "three third 3rd tres tercero tercera tercer 3ro 3ra",
    4: "four fourth 4th cuatro cuarto cuarta 4to 4ta",
    5: "five fifth 5th cinco quinto quinta 5to 5ta",
    6: "six sixth 6th seis sexto sexta 6to 6ta",
    7: "seven seventh 7th siete septimo septima",
    8: "eight eighth 8th ocho octavo octava",
    9: "nine ninth 9th nueve noveno novena",
}
_VALUE: Final = {word: value for value, words in _NUMBERS.items() for word in words.split()} | {
    f"{value}{ending}": value for value in _NUMBERS for ending in ("", "a", "o")
}
_LAST: Final = frozenset({"last", "ultimo", "ultima"})
# Words around the number that change nothing. What else is there makes it a message of its own:
# "2 days ago" and "the second session" choose nothing.
_AROUND_WORDS: Final = """
the number no num nr option choice please pls thanks thank you id like i want ill take one
answer reply go with el la lo numero opcion por favor porfavor porfa gracias quiero respuesta
"""
_AROUND: Final = frozenset(_AROUND_WORDS.split())
_WORD: Final = re.compile(r"[a-z0-9]+")


def chosen(text: str, titles: Sequence[str]) -> int | None:
    """Which offered choice a message means.

    Args:
        titles: What was offered, in order.

    Returns:
        Its index, or None when the message is something else.
    """
    plain = _folded(text)
    for index, title in enumerate(titles):
        if plain == _folded(title):
            return index
    words = plain.split()
    if not words or len(words) > 7:
        return None
    numbers = [_VALUE[word] for word in words if word in _VALUE]
    if len(numbers) > 1 and "one" in words:
        numbers.remove(1)  # "the second one"
    rest = [word for word in words if word not in _VALUE and word not in _AROUND]
    if rest and not numbers and all(word in _LAST for word in rest):
        return len(titles) - 1 if titles else None
    if rest == ["last"] and words[-1] == "one":
        return len(titles) - 1 if titles else None
    if rest or len(numbers) != 1 or not 1 <= numbers[0] <= len(titles):
        return None
    return numbers[0] - 1


def _folded(text: str) -> str:
    """Lower case, without accents, punctuation or an apostrophe's gap."""
    bare = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("’", ""))
    letters = "".join(c for c in bare if not unicodedata.combining(c))
    return " ".join(_WORD.findall(letters))
