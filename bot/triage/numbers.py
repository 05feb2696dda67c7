"""What the numbers of a message stand for: a fever, a fast pulse, a year."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.triage.text import Word

FEVER: Final = "<fever-temperature>"
FAST_PULSE: Final = "<fast-pulse>"
LOW_OXYGEN: Final = "<low-oxygen>"
FAST_BREATHING: Final = "<fast-breathing>"
YEAR: Final = "<year>"
NUMBER: Final = "<number>"
SIGNALS: Final = frozenset({FEVER, FAST_PULSE, LOW_OXYGEN, FAST_BREATHING, YEAR, NUMBER})
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
_OXYGEN: Final = frozenset(
    {"oxygen", "oxigeno", "o2", "spo2", "sats", "sat", "ox", "oximeter", "oximetro"}
    | {"saturation", "saturacion", "finger", "fingertip", "clip", "clipd", "clipped", "sensor"}
)
_BREATHS: Final = frozenset(
    {"breaths", "breathing", "breathe", "breathes", "resp", "respirations", "ribs", "rr"}
)
_PULSE: Final = frozenset({"pulse", "bpm", "hr", "heart", "heartrate", "heartbeat", "pulso"})

# "2000 mg" is no year.
_COUNTED: Final = frozenset(
    {"mg", "mcg", "ml", "iu", "units", "unidades", "dollars", "bucks", "dolares", "pesos", "steps"}
    | {"calories", "cals", "miles", "hours", "hrs", "horas", "people", "sq", "times", "veces"}
)

# From the sheet's examples (100.8, 38.5, "fever 101"); the lower bound is the
# usual 100.4 F or 38 C, rounded down because a hand thermometer is no better.
_FEVER_F: Final = (100.0, 109.0)
_FEVER_C: Final = (38.0, 43.0)
_FAST_PULSE: Final = (110, 230)
# Below 94% at rest is low for a healthy adult, above 24 breaths a minute is fast (NEWS2).
_LOW_OXYGEN: Final = (60, 94)
_FAST_BREATHING: Final = (25, 81)


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
    percent = text[word.end : word.end + 1] == "%"
    if word.lead.endswith("$"):
        return found
    value = float(numeral.replace(",", "."))
    near = {
        form
        for other in words[max(0, position - _NEAR) : position + _NEAR + 1]
        for form in other.forms
    }
    if _LOW_OXYGEN[0] <= value < _LOW_OXYGEN[1] and near & _OXYGEN:
        found.append(LOW_OXYGEN)
    if percent:
        return found
    following = words[position + 1].forms[0] if position + 1 < len(words) else ""
    weather = bool(near & _WEATHER) and not near & _BODY
    if not weather and _is_fever(value, numeral, bool(near & _TEMPERATURE) or following in _UNIT):
        found.append(FEVER)
    if _FAST_PULSE[0] <= value <= _FAST_PULSE[1] and near & _PULSE:
        found.append(FAST_PULSE)
    if _FAST_BREATHING[0] <= value < _FAST_BREATHING[1] and near & _BREATHS:
        found.append(FAST_BREATHING)
    if _is_year(numeral, word.lead) and following not in _COUNTED:
        found.append(YEAR)
    return found


def _is_year(numeral: str, lead: str) -> bool:
    if not numeral.isdigit():
        return False
    # "the summer of '21"
    short = len(numeral) == 2 and lead[-1:] in ("'", "\u2018", "\u2019")
    return short or 1950 <= int(numeral) <= 2100


def _is_fever(value: float, numeral: str, said_to_be_temperature: bool) -> bool:
    in_range = any(low <= value < high for low, high in (_FEVER_F, _FEVER_C))
    # Alone, "101.4" is a temperature and "101" is not; "39.99" is a price.
    one_decimal = len(re.split("[.,]", numeral)[-1]) == 1 and not numeral.isdigit()
    return in_range and (said_to_be_temperature or one_decimal)
