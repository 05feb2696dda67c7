"""What the numbers of a message stand for: a fever, a fast pulse, a year."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.triage.text import Word

FEVER: Final = "<fever-temperature>"
FAST_PULSE: Final = "<fast-pulse>"
YEAR: Final = "<year>"
NUMBER: Final = "<number>"
SIGNALS: Final = frozenset({FEVER, FAST_PULSE, YEAR, NUMBER})
"""Pseudo-words that a word list may name under ``signals``."""

_NUMERAL: Final = re.compile(r"\d{1,4}(?:[.,]\d{1,2})?\Z")
_NEAR: Final = 4
# A number beside one of these is a temperature.
_TEMPERATURE: Final = frozenset(
    [
        "fever",
        "fevers",
        "feverish",
        "fevr",
        "feaver",
        "temp",
        "temps",
        "temperature",
        "temperatura",
        "fiebre",
        "calentura",
        "degrees",
        "degree",
        "grados",
        "fahrenheit",
        "farenheit",
        "celsius",
        "centigrados",
        "thermometer",
        "termometro",
        "running",
    ]
)
_UNIT: Final = frozenset({"f", "c"})
_BODY: Final = frozenset({"fever", "temp", "temperature", "temperatura", "fiebre", "thermometer"})
_WEATHER: Final = frozenset(
    {"outside", "weather", "be", "sunny", "heat", "heatwave", "afuera", "calor"}
)
_PULSE: Final = frozenset({"pulse", "bpm", "hr", "heart", "heartrate", "heartbeat", "pulso"})

# From the sheet's examples (100.8, 38.5, "fever 101"); the lower bound is the
# usual 100.4 F or 38 C, rounded down because a hand thermometer is no better.
_FEVER_F: Final = (100.0, 109.0)
_FEVER_C: Final = (38.0, 43.0)
_FAST_PULSE: Final = (110, 230)


def read_numbers(words: Sequence[Word], text: str) -> list[Word]:
    """Add to each numeral the pseudo-words for what it stands for."""
    return [
        replace(word, forms=(*word.forms, *_readings(words, position, text)))
        if word.forms[0][0].isdigit()
        else word
        for position, word in enumerate(words)
    ]


def _readings(words: Sequence[Word], position: int, text: str) -> list[str]:
    word = words[position]
    numeral = word.forms[0]
    if not _NUMERAL.match(numeral):
        return []
    found = [NUMBER]
    if word.lead.endswith("$") or text[word.end : word.end + 1] == "%":
        return found
    value = float(numeral.replace(",", "."))
    near = {
        form
        for other in words[max(0, position - _NEAR) : position + _NEAR + 1]
        for form in other.forms
    }
    following = words[position + 1].forms[0] if position + 1 < len(words) else ""
    weather = bool(near & _WEATHER) and not near & _BODY
    if not weather and _is_fever(value, numeral, bool(near & _TEMPERATURE) or following in _UNIT):
        found.append(FEVER)
    if _FAST_PULSE[0] <= value <= _FAST_PULSE[1] and near & _PULSE:
        found.append(FAST_PULSE)
    if numeral.isdigit() and 1950 <= value <= 2100:
        found.append(YEAR)
    return found


def _is_fever(value: float, numeral: str, said_to_be_temperature: bool) -> bool:
    in_range = any(low <= value < high for low, high in (_FEVER_F, _FEVER_C))
    # Alone, "101.4" is a temperature and "101" is not; "39.99" is a price.
    one_decimal = len(re.split("[.,]", numeral)[-1]) == 1 and not numeral.isdigit()
    return in_range and (said_to_be_temperature or one_decimal)
