"""A moment of opening as a patient reads it, in English and Spanish."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bot.messages import Language

_DAYS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_SHORT_DAYS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    # Without accents: one letter outside the GSM alphabet makes an SMS cost twice as much.
    "es": ("lun", "mar", "mie", "jue", "vie", "sab", "dom"),
}
_MONTHS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "es": (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
        *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    ),
}


def opening_in_words(opening: datetime, now: datetime, language: Language) -> str:
    """When the clinic opens again, to follow "it opens again" and "vuelve a abrir".

    Args:
        opening: In the clinic's zone.
        now: The present, in the same zone: today and tomorrow are said as such.
    """
    days = (opening.date() - now.date()).days
    clock = _clock(opening, language)
    if language == "es":
        if days in (0, 1):
            return f"{'hoy' if days == 0 else 'mañana'} a {clock}"
        return (
            f"el {_day(opening, language)} {opening.day} de {_month(opening, language)} a {clock}"
        )
    if days in (0, 1):
        return f"{'today' if days == 0 else 'tomorrow'} at {clock}"
    return f"on {_day(opening, language)}, {_month(opening, language)} {opening.day} at {clock}"


def opening_for_sms(opening: datetime, language: Language) -> str:
    """The same in the fewest letters of the GSM alphabet: ``Mon Nov 30, 9:00 am``."""
    day = _SHORT_DAYS[language][opening.weekday()]
    month = _month(opening, language)[:3]
    date = f"{opening.day} {month}" if language == "es" else f"{month} {opening.day}"
    return f"{day} {date}, {_twelve(opening)} {_half(opening)}"


LONGEST_OPENING: Final = "el miércoles 30 de septiembre a las 10:00 de la mañana"
LONGEST_OPENING_SMS: Final = "Wed Sep 30, 10:00 am"
"""As long as these can get, for whoever checks that a text fits."""


def _clock(at: datetime, language: Language) -> str:
    if language == "en":
        return f"{_twelve(at)} {_half(at)}"
    article = "la" if at.hour in (1, 13) else "las"
    half = "mañana" if at.hour < 12 else "tarde" if at.hour < 20 else "noche"
    return f"{article} {_twelve(at)} de la {half}"


def _twelve(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at.minute:02}"


def _half(at: datetime) -> str:
    return "am" if at.hour < 12 else "pm"


def _day(at: datetime, language: Language) -> str:
    return _DAYS[language][at.weekday()]


def _month(at: datetime, language: Language) -> str:
    return _MONTHS[language][at.month - 1]
