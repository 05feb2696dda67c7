"""Taking personal particulars out of text: by pattern and checksum, without a model.

For lists, exports and notifications. It cannot find everything (names, for one), so what
it leaves is still treated as private. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_EMAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_SSN: Final = re.compile(
    r"(?<![\d-])(?!000|666|9\d\d)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])"
)
_SSN_BARE: Final = re.compile(
    r"(?i)\b(?:ssn|social(?: security)?(?: number| no\.?)?)\b(\W{0,5}(?:is\W{1,3})?)(\d{9})(?!\d)"
)
_CARD: Final = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_PHONE: Final = re.compile(
    r"(?<![\w+])(?:\+?1[\s.-]?)?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]?\d{4}(?!\w)"
    r"|(?<![\w+])\+\d{1,3}(?:[\s.-]?\d{2,4}){2,5}(?!\w)"
    r"|(?<![\w+])1?[2-9]\d{2}[2-9]\d{6}(?!\w)"
)
_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR: Final = r"(?:19|20)\d{2}"
_DATE: Final = (
    rf"(?:\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:{_YEAR}|\d{{2}})|{_YEAR}[/.-]\d{{1,2}}[/.-]\d{{1,2}}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? {_YEAR})"
)
_BIRTH: Final = re.compile(
    r"(?i)\b((?:date of birth|d\.?o\.?b\.?|birth ?da(?:te|y)|born(?: on)?|"
    rf"nac[ií](?:do|da)?(?: el)?|fecha de nacimiento)\W{{0,5}}"
    rf"(?:is\W{{1,3}}|es\W{{1,3}}|was\W{{1,3}}|on\W{{1,3}})?)({_DATE})"
)


def redact(text: str) -> str:
    """The text with e-mail addresses, SSNs, card and telephone numbers and dates of birth
    replaced by what they were, such as ``[phone]``.

    A date counts as a date of birth only where words say so, and a long number as a card
    only if its check digit fits: a date of treatment and an order number stay readable.
    """
    text = _EMAIL.sub("[e-mail]", text)
    text = _BIRTH.sub(r"\1[date of birth]", text)
    text = _CARD.sub(_if(_is_card, "[card]"), text)
    text = _SSN_BARE.sub(lambda match: match.group(0)[: -len(match.group(2))] + "[SSN]", text)
    text = _SSN.sub("[SSN]", text)
    return _PHONE.sub(_if(_is_phone, "[phone]"), text)


def snippet(text: str, length: int = 140) -> str:
    """The beginning of a text on one line, redacted first, so that no half number is left."""
    line = " ".join(redact(text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _if(check: Callable[[str], bool], label: str) -> Callable[[re.Match[str]], str]:
    return lambda match: label if check(match.group(0)) else match.group(0)


def _is_card(found: str) -> bool:
    """The Luhn check that every card number passes, and one random number in ten."""
    digits = [int(character) for character in found if character.isdigit()]
    if len(set(digits)) == 1:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_phone(found: str) -> bool:
    return 10 <= sum(character.isdigit() for character in found) <= 15
