"""The clinic's particulars, as ``data/clinic.yml`` states them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from bot.content.strict_yaml import check_keys, read_mapping, text, text_keys, texts
from bot.errors import ContentError
from bot.messages import Language
from bot.replies.hours import opening_for_sms, opening_in_words

_WEEKDAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_WEEKDAYS_ES = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
_PRICES: Final = ("consultation", "single", "package")
_TEXTS: Final = (
    "name",
    "phone",
    "after_hours_phone",
    "email",
    "address",
    "website",
    "booking_url",
    "parking",
    "hours_text",
    "cancellation_notice",
    "minimum_age",
    "payment",
    "languages",
    "providers",
)
_KEYS: Final = (
    *_TEXTS,
    "sample",
    "time_zone",
    "hours",
    "holidays",
    "prices",
    "offers_prp",
    "offers_rf",
)
_PERIOD: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
# A clinic with hours opens within a fortnight of any holiday it could declare;
# a year and a day is where a search has gone wrong.
_SEARCH_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """Open from ``opens``, up to but not at ``closes``; local clock."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices as a patient reads them, with currency and any condition."""

    consultation: str
    single: str
    package: str


@dataclass(frozen=True, slots=True)
class Clinic:
    """What the clinic says about itself.

    Attributes:
        sample: True while the values are the ones shipped with the project.
        hours: Open periods of each weekday, Monday first; empty means closed.
        holidays: Local dates on which the clinic is closed all day.
        hours_text: The hours as an answer words them.
        offers_prp: Whether needling with the patient's own plasma is offered.
        offers_rf: Whether radiofrequency needling is offered.
    """

    sample: bool
    name: str
    phone: str
    after_hours_phone: str
    email: str
    address: str
    website: str
    booking_url: str
    parking: str
    time_zone: ZoneInfo
    hours: tuple[tuple[OpenPeriod, ...], ...]
    holidays: frozenset[date]
    hours_text: str
    prices: Prices
    cancellation_notice: str
    minimum_age: str
    payment: str
    languages: str
    providers: str
    offers_prp: bool
    offers_rf: bool

    def placeholders(self) -> dict[str, str]:
        """Return what answers may use as ``{name}``, with its value."""
        return {
            "clinic_name": self.name,
            "phone": self.phone,
            "after_hours_phone": self.after_hours_phone,
            "email": self.email,
            "address": self.address,
            "website": self.website,
            "booking_url": self.booking_url,
            "parking": self.parking,
            "hours": self.hours_text,
            "hours_es": self.hours_in_spanish(),
            "price_consultation": self.prices.consultation,
            "price_single": self.prices.single,
            "price_package": self.prices.package,
            "cancellation_notice": self.cancellation_notice,
            "minimum_age": self.minimum_age,
            "payment": self.payment,
            "languages": self.languages,
            "providers": self.providers,
        }

    def placeholders_at(self, at: datetime, language: Language) -> dict[str, str]:
        """`placeholders`, and when the clinic opens next after ``at``.

        ``next_opening`` and ``next_opening_sms`` are left out where holidays leave no
        opening at all: no wording of an emergency may fail for that.
        """
        values = self.placeholders()
        try:
            opening = self.next_opening(at)
        except ContentError:
            return values
        values["next_opening"] = opening_in_words(opening, self._local(at), language)
        values["next_opening_sms"] = opening_for_sms(opening, language)
        return values

    def hours_in_spanish(self) -> str:
        """The opening hours for a Spanish reply: "lunes 9:00 a 17:30; martes …"."""
        days = []
        for name, periods in zip(_WEEKDAYS_ES, self.hours, strict=True):
            spans = " y ".join(
                f"{p.opens.hour}:{p.opens:%M} a {p.closes.hour}:{p.closes:%M}" for p in periods
            )
            days.append(f"{name} {spans or 'cerrado'}")
        return "; ".join(days)

    def is_open(self, at: datetime) -> bool:
        """Tell whether the clinic is open.

        Args:
            at: Aware, in any zone.

        Raises:
            ValueError: ``at`` is naive.
        """
        local = self._local(at)
        return any(
            period.opens <= local.time() < period.closes for period in self._periods(local.date())
        )

    def next_opening(self, at: datetime) -> datetime:
        """Return the first moment, not before ``at``, at which the clinic is open.

        Returns:
            Aware, in the clinic's zone; ``at`` itself while the clinic is open.

        Raises:
            ValueError: ``at`` is naive.
            ContentError: Holidays leave no open day in the coming year.
        """
        local = self._local(at)
        if self.is_open(at):
            return local
        for days in range(_SEARCH_DAYS + 1):
            day = local.date() + timedelta(days=days)
            for period in self._periods(day):
                opening = datetime.combine(day, period.opens, tzinfo=self.time_zone)
                if opening >= local:
                    return opening
        raise ContentError("the clinic has no opening in the coming year")

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """How long the clinic is open between two moments; zero when ``end`` is not later.

        Raises:
            ValueError: A time is naive.
        """
        first, last = self._local(start).date(), self._local(end).date()
        total = timedelta()
        for days in range((last - first).days + 1):
            for opens, closes in self._openings(first + timedelta(days=days)):
                total += max(timedelta(), min(closes, end) - max(opens, start))
        return total

    def after_working_time(self, start: datetime, amount: timedelta) -> datetime:
        """The moment at which the clinic has been open for ``amount`` since ``start``.

        Returns:
            Aware, in UTC; ``start`` itself for no time at all, also while it is closed.

        Raises:
            ValueError: A time is naive.
            ContentError: Holidays leave too few open days in the coming year.
        """
        first, left = self._local(start).date(), amount
        if left <= timedelta():
            return start.astimezone(UTC)
        for days in range(_SEARCH_DAYS + 1):
            for opens, closes in self._openings(first + timedelta(days=days)):
                begins = max(opens, start)
                if closes - begins >= left:
                    return begins + left
                left -= max(timedelta(), closes - begins)
        raise ContentError("the clinic is not open for that long in the coming year")

    def _openings(self, day: date) -> list[tuple[datetime, datetime]]:
        """A day's open periods in UTC: only there do differences survive a clock change."""
        return [
            (
                datetime.combine(day, period.opens, tzinfo=self.time_zone).astimezone(UTC),
                datetime.combine(day, period.closes, tzinfo=self.time_zone).astimezone(UTC),
            )
            for period in self._periods(day)
        ]

    def local_date(self, at: datetime) -> date:
        """The calendar day at the clinic, by which answers fall due.

        Raises:
            ValueError: ``at`` is naive.
        """
        return self._local(at).date()

    def _local(self, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError("a naive time cannot be compared with opening hours")
        return at.astimezone(self.time_zone)

    def _periods(self, day: date) -> tuple[OpenPeriod, ...]:
        return () if day in self.holidays else self.hours[day.weekday()]


def load_clinic(path: Path) -> Clinic:
    """Read the clinic file.

    Raises:
        ContentError: A key is unknown or missing, or a value has the wrong
            form. The message names both file and key.
    """
    raw = read_mapping(path)
    check_keys(raw, required=_KEYS, path=path)
    words = {key: text(raw[key], key, path=path) for key in _TEXTS}
    prices = text_keys(raw["prices"], "prices", path=path)
    check_keys(prices, required=_PRICES, path=path)
    if not isinstance(raw["sample"], bool):
        raise ContentError("sample must be true or false", path=path)
    return Clinic(
        sample=raw["sample"],
        time_zone=_zone(raw["time_zone"], path),
        hours=_hours(raw["hours"], path),
        holidays=_holidays(raw["holidays"], path),
        prices=Prices(**{key: text(prices[key], f"prices.{key}", path=path) for key in _PRICES}),
        offers_prp=_yes_or_no(raw["offers_prp"], "offers_prp", path),
        offers_rf=_yes_or_no(raw["offers_rf"], "offers_rf", path),
        **words,
    )


def _zone(value: object, path: Path) -> ZoneInfo:
    name = text(value, "time_zone", path=path)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ContentError(f"time_zone {name!r} is not known", path=path) from error


def _hours(value: object, path: Path) -> tuple[tuple[OpenPeriod, ...], ...]:
    days = text_keys(value, "hours", path=path)
    check_keys(days, required=(), optional=_WEEKDAYS, path=path)
    hours = tuple(
        tuple(
            _period(item, f"hours.{day}", path)
            for item in texts(days.get(day, []), f"hours.{day}", path=path)
        )
        for day in _WEEKDAYS
    )
    if not any(hours):
        raise ContentError("hours names no open day", path=path)
    for day, periods in zip(_WEEKDAYS, hours, strict=True):
        if any(a.closes > b.opens for a, b in pairwise(periods)):
            raise ContentError(f"hours.{day} must be in order, without overlap", path=path)
    return hours


def _period(item: str, what: str, path: Path) -> OpenPeriod:
    match = _PERIOD.fullmatch(item)
    try:
        if match is None:
            raise ValueError(item)
        opens, closes = (time.fromisoformat(clock) for clock in match.groups())
    except ValueError as error:
        raise ContentError(f'{what}: {item!r} is not like "09:00-17:30"', path=path) from error
    if opens >= closes:
        raise ContentError(f"{what}: {item!r} ends before it starts", path=path)
    return OpenPeriod(opens, closes)


def _holidays(value: object, path: Path) -> frozenset[date]:
    items = value
    if isinstance(value, list):
        # YAML turns an unquoted date into a date; people write both.
        items = [str(item) if isinstance(item, date) else item for item in value]
    dates = texts(items, "holidays", path=path)
    try:
        return frozenset(date.fromisoformat(item) for item in dates)
    except ValueError as error:
        raise ContentError(f"holidays: {error}", path=path) from error


def _yes_or_no(value: object, what: str, path: Path) -> bool:
    # Unquoted yes and no arrive as booleans; quoted, as text.
    if isinstance(value, bool):
        return value
    if value in ("yes", "no"):
        return value == "yes"
    raise ContentError(f"{what} must be yes or no, not {value!r}", path=path)
