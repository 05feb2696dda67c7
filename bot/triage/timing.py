"""How long ago the treatment was, as far as the patient's words tell."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.triage.text import Word

_HOURS_PER_DAY: Final = 24

_COUNTS: Final = {
    **{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6},
    **{"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12},
    **{"couple": 2, "few": 3, "several": 4, "second": 2, "third": 3, "fourth": 4, "fifth": 5},
    **{"sixth": 6, "seventh": 7, "first": 1, "half": 0},
    **{"un": 1, "una": 1, "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6},
    **{"siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "unos": 3, "unas": 3, "varios": 4},
    **{"segundo": 2, "tercer": 3, "tercero": 3, "cuarto": 4, "quinto": 5, "primer": 1},
    **{"past": 1, "pasada": 1, "whole": 1},
}
_ARTICLES: Final = frozenset({"a", "an", "un", "una"})
_UNITS: Final = {
    **dict.fromkeys(["hour", "hours", "hr", "hrs", "hora", "horas"], "hour"),
    **dict.fromkeys(["minute", "minutes", "min", "mins", "minuto", "minutos"], "minute"),
    **dict.fromkeys(["day", "days", "dia", "dias", "dys"], "day"),
    **dict.fromkeys(["week", "weeks", "wk", "wks", "wek", "weeek", "semana", "semanas"], "week"),
    **dict.fromkeys(["month", "months", "mo", "mos", "mes", "meses"], "month"),
}
_LENGTHS: Final = {"minute": 0.0, "hour": 1 / _HOURS_PER_DAY, "day": 1, "week": 7, "month": 30}
_DAYS: Final = {
    **dict.fromkeys(["today", "tonight", "hoy", "tonite"], 0),
    **dict.fromkeys(["yesterday", "ayer", "anoche", "yesturday", "ystrday", "yest"], 1),
    **dict.fromkeys(["antier", "anteayer", "antenoche"], 2),
}
# "Today" and "yesterday" date the treatment only beside one of these; in
# "redder today than yesterday" they date the symptom.
_TREATMENT_WORDS: Final = (
    "had did done got get treated treatment session appointment appt visit needled needling "
    "microneedling microneedled procedure came went facial rf prp hice hicieron fui sesion "
    "tratamiento cita microagujas tx"
)
_TREATMENT: Final = frozenset(_TREATMENT_WORDS.split())
_TREATMENT_NEAR: Final = 5
_DAY_WORDS: Final = frozenset({"day", "dia", "dy", "days"})
_WEEKDAYS: Final = frozenset(
    [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mon",
        "tues",
        "wed",
        "thurs",
        "fri",
        "lunes",
        "martes",
        "miercoles",
        "jueves",
        "viernes",
        "sabado",
        "domingo",
    ]
)
# "Last Tuesday" was one to seven days ago; without a clock the middle is taken.
_LAST_WEEKDAY: Final = 4
_LAST: Final = frozenset({"last", "past", "pasado", "pasada", "previous"})
_PARTS_OF_DAY: Final = {
    **dict.fromkeys(("night", "evening", "nite"), _LAST),
    **dict.fromkeys(("morning", "afternoon", "manana", "tarde"), frozenset({"this", "esta"})),
}
# Words before a span of time that turn it into a plan, a rhythm or a limit.
_NOT_ELAPSED: Final = frozenset(
    [
        "in",
        "within",
        "every",
        "next",
        "until",
        "till",
        "before",
        "takes",
        "take",
        "lasts",
        "last",
        "first",
        "up",
        "en",
        "cada",
        "proximo",
        "proxima",
        "dentro",
        "antes",
        "hasta",
        "primeros",
        "primeras",
        "only",
        "another",
    ]
)
_ELAPSED: Final = frozenset(
    [
        "ago",
        "after",
        "later",
        "post",
        "since",
        "out",
        "now",
        "past",
        "in",
        "passed",
        "already",
        "old",
        "hace",
        "despues",
        "desde",
        "ya",
    ]
)


_CONDITION: Final = re.compile(r"(>=|>|<=|<)\s*(\d+)(\s+or unknown)?\Z")
_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class DayCondition:
    """A condition such as ``>= 3`` or ``>= 2 or unknown`` on the days since treatment."""

    compare: str
    days: int
    or_unknown: bool

    @classmethod
    def parse(cls, text: str) -> DayCondition:
        """Read a condition.

        Raises:
            ValueError: It has another form.
        """
        match = _CONDITION.match(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not like '>= 3' or '>= 2 or unknown'")
        return cls(match.group(1), int(match.group(2)), match.group(3) is not None)

    def holds(self, days: int | None) -> bool:
        """Tell whether the condition holds; ``days`` is None when nobody said."""
        return self.or_unknown if days is None else _COMPARE[self.compare](days, self.days)


def days_since(words: Sequence[Word]) -> int | None:
    """Return how many days ago the treatment was, or None when nothing says so.

    Where a message names several times the longest counts: a rule that waits
    for day 3 must not be silenced by "since this morning".
    """
    return max(_times(words), default=None)


def _times(words: Sequence[Word]) -> Iterator[int]:
    forms = [word.forms[0] for word in words]
    for i, form in enumerate(forms):
        before = forms[i - 1] if i else ""
        after = forms[i + 1] if i + 1 < len(forms) else ""
        if form in _DAYS or (form in _PARTS_OF_DAY and before in _PARTS_OF_DAY[form]):
            if before not in ("than", "que") and _treatment_near(forms, i):
                yield _DAYS.get(form, int(before in _LAST))
        elif form in _WEEKDAYS and (before in _LAST or after in _LAST):
            yield _LAST_WEEKDAY
        elif form in _DAY_WORDS and _count(after) is not None and after not in ("a", "an", "un"):
            yield int(_count(after) or 0)
        elif form in _UNITS:
            # "Took ibuprofen 2 hours ago" does not make it the day of treatment.
            yield from (t for t in _span(forms, i) if t > 1 or _treatment_near(forms, i))


def _treatment_near(forms: Sequence[str], i: int) -> bool:
    near = forms[max(0, i - _TREATMENT_NEAR) : i + _TREATMENT_NEAR]
    return not _TREATMENT.isdisjoint(near)


def _span(forms: Sequence[str], i: int) -> Iterator[int]:
    unit = _UNITS[forms[i]]
    before = forms[i - 1] if i else ""
    after = forms[i + 1] if i + 1 < len(forms) else ""
    if before == "last" or after in ("pasada", "pasado"):
        yield round(_LENGTHS[unit])
        return
    if unit == "day" and (before in ("next", "following") or after == "siguiente"):
        yield 1
        return
    # "a couple of days", "4 th day", "2 full weeks"
    for back in (1, 2, 3):
        if i - back < 0:
            return
        count = _count(forms[i - back])
        if count is None or (back > 1 and forms[i - back] in _ARTICLES):
            continue
        elapsed = set(forms[i + 1 : i + 3]) & _ELAPSED or "hace" in forms[max(0, i - 4) : i]
        planned = set(forms[max(0, i - back - 2) : i - back]) & _NOT_ELAPSED
        if not planned or elapsed:
            yield int(count * _LENGTHS[unit])
        return


def _count(form: str) -> float | None:
    if form.isdigit() and len(form) <= 3:
        return float(form)
    return _COUNTS.get(form)
