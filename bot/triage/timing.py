"""How long ago the treatment was, as far as the patient's words tell."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
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
    **{"past": 1, "pasada": 1, "whole": 1, "fifteen": 15, "twenty": 20, "thirty": 30},
    **{"forty": 40, "quince": 15, "veinte": 20, "treinta": 30, "cuarenta": 40},
}
# "A full month" is a month, "a hard week" may be any.
_FILLERS: Final = frozenset({"full", "whole", "good", "entire", "solid"})
_ARTICLES: Final = frozenset({"a", "an", "un", "una"})
_UNITS: Final = {
    **dict.fromkeys(["hour", "hours", "hr", "hrs", "hora", "horas"], "hour"),
    **dict.fromkeys(["minute", "minutes", "min", "mins", "minuto", "minutos"], "minute"),
    **dict.fromkeys(["day", "days", "dia", "dias", "dys"], "day"),
    **dict.fromkeys(["week", "weeks", "wk", "wks", "wek", "weeek", "semana", "semanas"], "week"),
    **dict.fromkeys(["month", "months", "mo", "mos", "mes", "meses"], "month"),
    **dict.fromkeys(["fortnight", "quincena"], "fortnight"),
}
_LENGTHS: Final = {
    **{"minute": 0.0, "hour": 1 / _HOURS_PER_DAY, "day": 1, "week": 7, "fortnight": 14},
    "month": 30,
}
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
    "tratamiento cita microagujas tx saw fue"
)
_TREATMENT: Final = frozenset(_TREATMENT_WORDS.split())
_TREATMENT_NEAR: Final = 5
_DAY_WORDS: Final = frozenset({"day", "dia", "dy", "days"})
# Words of a treatment that is over, and words before a weekday that make it a plan.
_DONE_WORDS: Final = """
had did done got went treated needled microneedled hice hicieron fui
"""
_DONE: Final = frozenset(_DONE_WORDS.split())
_PLANNED_WORDS: Final = """
next by until till this coming before for every proximo para hasta
"""
_PLANNED: Final = frozenset(_PLANNED_WORDS.split())
# "Last Tuesday" was one to seven days ago; without a clock the middle is taken.
_LAST_WEEKDAY: Final = 4
_LAST: Final = frozenset({"last", "past", "pasado", "pasada", "previous"})
_PARTS_OF_DAY: Final = {
    **dict.fromkeys(("night", "evening", "nite"), _LAST),
    **dict.fromkeys(("morning", "afternoon", "manana", "tarde"), frozenset({"this", "esta"})),
}
# "Treated Monday, and here it is Friday" was four days ago.
_WEEKDAY_NUMBERS: Final = {
    **{"monday": 0, "mon": 0, "lunes": 0, "tuesday": 1, "tues": 1, "tue": 1, "martes": 1},
    **{"wednesday": 2, "wed": 2, "weds": 2, "miercoles": 2, "thursday": 3, "thurs": 3},
    **{"thur": 3, "thu": 3, "jueves": 3, "friday": 4, "fri": 4, "viernes": 4, "saturday": 5},
    **{"sat": 5, "sabado": 5, "sunday": 6, "sun": 6, "domingo": 6},
}
# Without the short forms that are words of their own, or too rare to tell.
_WEEKDAYS: Final = frozenset(_WEEKDAY_NUMBERS) - {"tue", "weds", "thur", "thu", "sat", "sun"}
_DAYS_IN_WEEK: Final = 7
# Beside a weekday, they say that it is today, or that something began on it.
_NOW_BEFORE: Final = frozenset(
    {
        "its",
        "is",
        "since",
        "today",
        "hoy",
        "desde",
        "es",
        "now",
        "ahora",
        "ya",
        "til",
        "until",
        "by",
    }
)
_NOW_AFTER: Final = frozenset({"now", "already", "ya"})
_WEEKDAY_NEAR: Final = 4
# The day of the treatment or the one after, in other words than a number.
_FRESH: Final = {
    **dict.fromkeys(["just left", "just got home", "just got done", "just got out"], 0),
    **dict.fromkeys(["i left about", "i left like", "ago i left", "left 5", "left 10"], 0),
    **dict.fromkeys(["left 15", "left 20", "left 30", "left an hour", "left half"], 0),
    **dict.fromkeys(["when i left", "when we left", "left your", "left ur", "left you"], 0),
    **dict.fromkeys(["way home", "first night", "first evening", "just finished"], 0),
    **dict.fromkeys(["primera noche", "hace rato", "hace ratito", "acabo de salir"], 0),
    **dict.fromkeys(["just paid", "and left", "n left", "still in ur lobby", "in your lobby"], 0),
    **dict.fromkeys(["recien sali", "just had it", "got home from", "salgo de la cita"], 0),
    **dict.fromkeys(["the day after", "day after my", "morning after", "next morning"], 1),
    **dict.fromkeys(["dia siguiente", "al otro dia"], 1),
}
_FRESH_BY_FIRST: Final[dict[str, list[tuple[tuple[str, ...], int]]]] = {}
for _text, _fresh_days in _FRESH.items():
    _FRESH_BY_FIRST.setdefault(_text.split()[0], []).append((tuple(_text.split()), _fresh_days))
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
# "Two hours after", "salí hace dos horas": after what, if not the treatment.
_LEAVING: Final = frozenset({"sali", "salgo", "salimos"})
_AFTER_TREATMENT: Final = frozenset({"after", "post", "later", "despues"})


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


def days_since(words: Sequence[Word], today: date | None = None) -> int | None:
    """Return how many days ago the treatment was, or None when nothing says so.

    Where a message names several times the longest counts: a rule that waits
    for day 3 must not be silenced by "since this morning".

    Args:
        words: The message.
        today: The clinic's local date of the message. With it a weekday is counted back
            to exactly, and "had it done saturday" counts as well as "last saturday".
    """
    return max(_times(words, today), default=None)


def _times(words: Sequence[Word], today: date | None) -> Iterator[int]:
    forms = [word.forms[0] for word in words]
    weekdays = [i for i, form in enumerate(forms) if form in _WEEKDAY_NUMBERS]
    yield from _between_weekdays(forms, weekdays)
    if not weekdays:
        # "Fine when I left on Monday" says nothing of today.
        yield from _fresh(forms)
    for i, form in enumerate(forms):
        before = forms[i - 1] if i else ""
        after = forms[i + 1] if i + 1 < len(forms) else ""
        if form in _DAYS or (form in _PARTS_OF_DAY and before in _PARTS_OF_DAY[form]):
            if before not in ("than", "que") and _treatment_near(forms, i):
                yield _DAYS.get(form, int(before in _LAST))
        elif form in _WEEKDAYS and (before in _LAST or after in _LAST):
            yield _LAST_WEEKDAY if today is None else _days_back(form, today)
        elif form in _WEEKDAYS and today is not None and _done_near(forms, i):
            yield _days_back(form, today)
        elif form in _DAY_WORDS and _count(after) is not None and after not in ("a", "an", "un"):
            yield int(_count(after) or 0)
        elif form in _UNITS:
            # "Took ibuprofen 2 hours ago" does not make it the day of treatment.
            sure = after in _AFTER_TREATMENT or not _LEAVING.isdisjoint(forms[max(0, i - 5) : i])
            yield from (t for t in _span(forms, i) if t > 1 or sure or _treatment_near(forms, i))


def _between_weekdays(forms: Sequence[str], weekdays: Sequence[int]) -> Iterator[int]:
    """Yield the days from the weekday of the treatment to the one that is said to be now."""
    now = {
        i
        for i in weekdays
        if not _NOW_BEFORE.isdisjoint(forms[max(0, i - 2) : i])
        or (i + 1 < len(forms) and forms[i + 1] in _NOW_AFTER)
    }
    then: set[int] = set()
    for k, form in enumerate(forms):
        near = [i for i in weekdays if i not in now and abs(i - k) <= _WEEKDAY_NEAR]
        if form in _TREATMENT and near:
            then.add(min((abs(i - k), i) for i in near)[1])
    for i in then:
        for j in now:
            days = _WEEKDAY_NUMBERS[forms[j]] - _WEEKDAY_NUMBERS[forms[i]]
            if days % _DAYS_IN_WEEK:
                yield days % _DAYS_IN_WEEK


def _fresh(forms: Sequence[str]) -> Iterator[int]:
    for i, form in enumerate(forms):
        for phrase, days in _FRESH_BY_FIRST.get(form, ()):
            end = i + len(phrase)
            if (
                tuple(forms[i:end]) == phrase
                and "since" not in forms[max(0, i - 2) : i]
                and forms[end : end + 1] != ["tomorrow"]
            ):
                yield days


def _days_back(weekday: str, today: date) -> int:
    """Days from the latest such weekday before ``today``: 1 to 7."""
    return (today.weekday() - _WEEKDAY_NUMBERS[weekday] - 1) % _DAYS_IN_WEEK + 1


def _done_near(forms: Sequence[str], i: int) -> bool:
    """Whether a treatment in the past stands near; "next friday" and "by friday" are plans."""
    near = forms[max(0, i - _TREATMENT_NEAR) : i + _TREATMENT_NEAR]
    before = forms[i - 1] if i else ""
    return not _DONE.isdisjoint(near) and before not in _PLANNED


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
        filled = back > 1 and before not in _FILLERS
        if count is None or (filled and forms[i - back] in _ARTICLES):
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
