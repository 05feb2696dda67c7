from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversations.redaction import redact, snippet


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call me at 916-555-0142 please", "call me at [phone] please"),
        ("(916) 555-0142", "[phone]"),
        ("916.555.0142", "[phone]"),
        ("916 555 0142", "[phone]"),
        ("9165550142", "[phone]"),
        ("+1 916 555 0142", "[phone]"),
        ("+19165550142", "[phone]"),
        ("1-916-555-0142!", "[phone]!"),
        ("+44 20 7946 0958", "[phone]"),
        ("mail ana.lopez+x@mail.example.co please", "mail [e-mail] please"),
        ("ANA@EXAMPLE.COM", "[e-mail]"),
        ("my ssn is 123-45-6789", "my ssn is [SSN]"),
        ("SSN: 123456789", "SSN: [SSN]"),
        ("social security number 123456789 ok", "social security number [SSN] ok"),
        ("123 45 6789", "[SSN]"),
        ("4111 1111 1111 1111", "[card]"),
        ("4111-1111-1111-1111 exp 12/27", "[card] exp 12/27"),
        ("378282246310005", "[card]"),
        ("dob 04/05/1988", "dob [date of birth]"),
        ("DOB: 1988-04-05.", "DOB: [date of birth]."),
        ("I was born on April 5, 1988", "I was born on [date of birth]"),
        ("date of birth is 5 April 1988", "date of birth is [date of birth]"),
        ("my birthday: 4/5/88", "my birthday: [date of birth]"),
        ("fecha de nacimiento: 05/04/1988", "fecha de nacimiento: [date of birth]"),
        ("a@b.co, 916-555-0142, dob 1/2/1990", "[e-mail], [phone], dob [date of birth]"),
    ],
)
def test_particulars_are_replaced_by_what_they_were(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "i had it on 04/05/2026 and it still hurts",
        "order 4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "my temperature is 101.5 and my pulse 120",
        "0.25 mm needles, 3 sessions, 4-6 weeks apart",
        "it costs 350 or 900 for 3",
        "between 9 and 17, room 204",
        "000-12-3456",
        "666-12-3456",
        "i'm 34 years old",
        "2026-11-23 12:30:00",
        "oxygen 88 then 91 then 93",
        "it's @ the corner",
    ],
)
def test_what_is_no_particular_stays_readable(text: str) -> None:
    assert redact(text) == text


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.from_regex(r"\A[2-9]\d{2}[-. ][2-9]\d{2}[-. ]\d{4}\Z"), st.sampled_from(["", "hi ", "("]))
def test_every_us_number_is_found(number: str, before: str) -> None:
    assert number[-4:] not in redact(f"{before}{number}")


def test_a_snippet_never_cuts_a_number_in_two() -> None:
    text = "x" * 130 + " 916-555-0142 and more words"
    assert "916" not in snippet(text)
    assert len(snippet(text)) <= 140
    assert "\n" not in snippet("a\nb")
