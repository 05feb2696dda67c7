from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.clinic import Clinic, load_clinic
from bot.errors import ContentError

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "clinic.yml"
PACIFIC = ZoneInfo("America/Los_Angeles")

Edited = Callable[..., Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    """Write the shipped file with one text replaced by another."""

    def write(old: str = "", new: str = "") -> Path:
        text = SHIPPED.read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "clinic.yml"
        path.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def clinic() -> Clinic:
    return load_clinic(SHIPPED)


def test_every_particular_is_a_placeholder(clinic: Clinic) -> None:
    assert set(clinic.placeholders()) == {
        "clinic_name",
        "phone",
        "after_hours_phone",
        "email",
        "address",
        "website",
        "booking_url",
        "parking",
        "hours",
        "hours_es",
        "price_consultation",
        "price_single",
        "price_package",
        "cancellation_notice",
        "minimum_age",
        "payment",
        "languages",
        "providers",
    }
    assert all(value.strip() for value in clinic.placeholders().values())


def test_the_shipped_clinic_says_that_it_is_a_sample(clinic: Clinic) -> None:
    assert clinic.sample


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (datetime(2026, 11, 23, 9, 0, tzinfo=PACIFIC), True),
        (datetime(2026, 11, 23, 8, 59, tzinfo=PACIFIC), False),
        (datetime(2026, 11, 23, 17, 29, 59, tzinfo=PACIFIC), True),
        (datetime(2026, 11, 23, 17, 30, tzinfo=PACIFIC), False),
        (datetime(2026, 11, 22, 12, 0, tzinfo=PACIFIC), False),
        (datetime(2026, 11, 26, 12, 0, tzinfo=PACIFIC), False),
        # Monday evening in Elk Grove is Tuesday in UTC, and the other way round.
        (datetime(2026, 11, 24, 1, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 24, 2, 0, tzinfo=UTC), False),
        # The same UTC hour falls on either side of opening when clocks change.
        (datetime(2026, 7, 6, 16, 30, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 16, 30, tzinfo=UTC), False),
    ],
)
def test_opening_hours_are_local(clinic: Clinic, at: datetime, is_open: bool) -> None:
    assert clinic.is_open(at) is is_open


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        # Open now.
        (datetime(2026, 11, 23, 10, 5), datetime(2026, 11, 23, 10, 5)),
        # Later today, tomorrow, after the weekend.
        (datetime(2026, 11, 23, 6, 0), datetime(2026, 11, 23, 9, 0)),
        (datetime(2026, 11, 23, 20, 0), datetime(2026, 11, 24, 9, 0)),
        (datetime(2026, 11, 21, 14, 0), datetime(2026, 11, 23, 9, 0)),
        # Over Thanksgiving.
        (datetime(2026, 11, 25, 17, 30), datetime(2026, 11, 27, 9, 0)),
        # Over the night on which clocks go forward.
        (datetime(2027, 3, 13, 23, 0), datetime(2027, 3, 15, 9, 0)),
    ],
)
def test_next_opening_skips_nights_weekends_and_holidays(
    clinic: Clinic, at: datetime, opens: datetime
) -> None:
    found = clinic.next_opening(at.replace(tzinfo=PACIFIC))
    assert found == opens.replace(tzinfo=PACIFIC)
    assert clinic.is_open(found)


def test_a_naive_time_is_refused(clinic: Clinic) -> None:
    with pytest.raises(ValueError, match="naive"):
        clinic.is_open(datetime(2026, 11, 23, 10, 0))
    with pytest.raises(ValueError, match="naive"):
        clinic.next_opening(datetime(2026, 11, 23, 10, 0))


def test_a_day_may_have_a_lunch_break(edited: Edited) -> None:
    path = edited('monday: ["09:00-17:30"]', 'monday: ["09:00-12:00", "13:00-17:30"]')
    noon = datetime(2026, 11, 23, 12, 30, tzinfo=PACIFIC)
    clinic = load_clinic(path)
    assert not clinic.is_open(noon)
    assert clinic.next_opening(noon) == datetime(2026, 11, 23, 13, 0, tzinfo=PACIFIC)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("phone: (916)", "fone: (916)", "unknown key 'fone'"),
        ("email: hello@clinic.example\n", "", "'email' is missing"),
        ("email: hello@clinic.example", "email:", "email must be text"),
        ("sample: true", "sample: maybe", "sample must be true or false"),
        ("America/Los_Angeles", "America/Elk_Grove", "is not known"),
        ("  monday:", "  mondag:", "unknown key 'mondag'"),
        ('monday: ["09:00-17:30"]', 'monday: ["9-17"]', "is not like"),
        ('monday: ["09:00-17:30"]', 'monday: ["09:00-25:00"]', "is not like"),
        ('monday: ["09:00-17:30"]', 'monday: ["17:30-09:00"]', "ends before it starts"),
        ('monday: ["09:00-17:30"]', 'monday: ["09:00-13:00", "12:00-17:00"]', "overlap"),
        ('"2026-11-26"', '"Thanksgiving"', "holidays"),
        ("  single: $325\n", "", "'single' is missing"),
        ('minimum_age: "22"', "minimum_age: 22", "must be text"),
        ('offers_rf: "no"', "offers_rf: perhaps", "offers_rf must be yes or no"),
    ],
)
def test_a_mistake_in_the_clinic_file_is_refused_by_name(
    edited: Edited, old: str, new: str, complaint: str
) -> None:
    with pytest.raises(ContentError, match=r"clinic\.yml") as caught:
        load_clinic(edited(old, new))
    assert complaint in str(caught.value)


@pytest.mark.parametrize(("written", "offered"), [('"yes"', True), ("yes", True), ("no", False)])
def test_yes_and_no_may_be_quoted_or_not(edited: Edited, written: str, offered: bool) -> None:
    clinic = load_clinic(edited('offers_prp: "no"', f"offers_prp: {written}"))
    assert clinic.offers_prp is offered


def test_a_holiday_may_be_written_without_quotes(edited: Edited) -> None:
    clinic = load_clinic(edited('"2026-11-26"', "2026-11-24"))
    assert not clinic.is_open(datetime(2026, 11, 24, 12, 0, tzinfo=PACIFIC))


def test_wording_can_say_when_the_clinic_opens_next(clinic: Clinic) -> None:
    night = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)  # midnight before Thanksgiving
    values = clinic.placeholders_at(night, "en")
    assert values["next_opening"] == "tomorrow at 9:00 am"
    assert values["next_opening_sms"] == "Fri Nov 27, 9:00 am"
    assert clinic.placeholders().items() <= values.items()


def test_without_any_opening_the_wording_still_has_the_rest(edited: Edited) -> None:
    days = [date(2026, 11, 1) + timedelta(days=n) for n in range(500)]
    listed = ", ".join(f'"{day}"' for day in days)
    shut = load_clinic(edited('holidays: ["2026-11-26",', f'holidays: [{listed}, "2029-01-01",'))
    values = shut.placeholders_at(datetime(2026, 11, 26, tzinfo=UTC), "en")
    assert "next_opening" not in values
    assert values["phone"]
