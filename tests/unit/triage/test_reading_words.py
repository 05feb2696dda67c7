"""Cutting, folding, misspellings, numbers and times."""

from __future__ import annotations

import pytest

from bot.triage.lexicon import Lexicon
from bot.triage.numbers import (
    FAST_BREATHING,
    FAST_PULSE,
    FEVER,
    LOW_OXYGEN,
    YEAR,
    read_numbers,
)
from bot.triage.text import Gap, WordCutter, fold
from bot.triage.timing import DayCondition, days_since


@pytest.fixture(scope="module")
def cutter() -> WordCutter:
    return WordCutter()


def test_folding_drops_case_accents_and_apostrophes() -> None:
    assert fold("¿Qué Can’t MAÑANA") == "¿que cant manana"


def test_words_remember_where_they_stood(cutter: WordCutter) -> None:
    text = "My throat's  cl\u200bosing!!! day4, 101.4F/39c"
    words = cutter.cut(text)
    assert [text[w.start : w.end] for w in words] == [
        *["My", "throat's", "cl\u200bosing", "day", "4", "101.4", "F", "39", "c"]
    ]
    assert words[1].forms == ("throats", "throat")
    assert words[2].forms == ("closing",)


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("pus fever", Gap.NONE),
        ("cold-sore", Gap.NONE),
        ("pus, fever", Gap.COMMA),
        ("pus - fever", Gap.COMMA),
        ("pus 😭 fever", Gap.COMMA),
        ("pus\nfever", Gap.SOFT),
        ("pus... fever", Gap.SOFT),
        ("pus. fever", Gap.HARD),
        ("pus!fever", Gap.HARD),
    ],
)
def test_punctuation_becomes_a_gap(cutter: WordCutter, text: str, gap: Gap) -> None:
    assert cutter.cut(text)[1].gap is gap


@pytest.mark.parametrize("text", ["", " ", "\n\n", "...", "😭😭😭", "\u200b", "¿?"])
def test_text_without_words_is_read_without_complaint(cutter: WordCutter, text: str) -> None:
    assert all(word.forms == ("<?>",) for word in cutter.cut(text))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("brething", "breathing"),
        ("swolllen", "swollen"),
        ("swellling", "swelling"),
        ("throta", "throat"),
        ("cnat", "cant"),
        ("feverrrrr", "fever"),
        ("alergic", "allergic"),
    ],
)
def test_slip_is_read_as_the_word_meant(cutter: WordCutter, typed: str, meant: str) -> None:
    lexicon = Lexicon(
        {"breathing", "swollen", "swelling", "throat", "cant", "fever", "allergic"}, ()
    )
    (word,) = lexicon.read(cutter.cut(typed))
    assert meant in word.forms


@pytest.mark.parametrize(
    ("typed", "pieces"),
    [
        ("cantbreathe", ["cant", "breathe"]),
        ("wontstop", ["wont", "stop"]),
        ("nopuedorespirar", ["no", "puedo", "respirar"]),
        ("cantbreate", ["cant", "breathe"]),
        ("CANTTBREATHE", ["cant", "breathe"]),
    ],
)
def test_run_together_words_are_taken_apart(
    cutter: WordCutter, typed: str, pieces: list[str]
) -> None:
    known = {"cant", "breathe", "wont", "stop", "no", "puedo", "respirar"}
    assert [w.forms[0] for w in Lexicon(known, ()).read(cutter.cut(typed))] == pieces


@pytest.mark.parametrize("word", ["dying", "spelling", "never", "together", "thumb"])
def test_ordinary_word_is_no_misspelt_sign(cutter: WordCutter, word: str) -> None:
    known = {"drying", "swelling", "fever", "to", "get", "her", "numb"}
    (read,) = Lexicon(known, {word}).read(cutter.cut(word))
    assert read.forms == (word,)


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("101.4", FEVER),
        ("100.8", FEVER),
        ("38.5", FEVER),
        ("38,5", FEVER),
        ("a fever of 102", FEVER),
        ("my temp is 101", FEVER),
        ("39 C", FEVER),
        ("39c", FEVER),
        ("102F", FEVER),
        ("39 grados", FEVER),
        ("pulse is 140", FAST_PULSE),
        ("my oxygen is 86%", LOW_OXYGEN),
        ("the clip on my finger says 87", LOW_OXYGEN),
        ("breathing 36 times a minute", FAST_BREATHING),
        ("in 2019", YEAR),
    ],
)
def test_number_is_understood(cutter: WordCutter, text: str, signal: str) -> None:
    words = read_numbers(cutter.cut(text), text)
    assert any(signal in word.forms for word in words)


@pytest.mark.parametrize(
    "text",
    ["$101.50", "101", "98.6", "my temp is 98", "39", "101.5%", "38 years old", "39.99", "2:30"],
)
def test_number_that_is_no_fever(cutter: WordCutter, text: str) -> None:
    words = read_numbers(cutter.cut(text), text)
    assert not any(FEVER in word.forms for word in words)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("day 4", 4),
        ("4 days post", 4),
        ("it's been 5 days", 5),
        ("3 weeks ago", 21),
        ("a week later", 7),
        ("couple of days ago", 2),
        ("4th day", 4),
        ("had it done yesterday", 1),
        ("had my treatment this morning", 0),
        ("48 hours after", 2),
        ("hace 4 dias", 4),
        ("día 3", 3),
        ("cuarto dia", 4),
        ("dos semanas después", 14),
        ("since last tuesday", 4),
        ("last week", 7),
        ("la semana pasada", 7),
        ("redder today than yesterday", None),
        ("worse since i took tylenol 2 hours ago", None),
        ("had it done an hour ago", 0),
        ("a qué hora cierran", None),
        ("in 3 days", None),
        ("every 4 weeks", None),
        ("how long does it last", None),
        ("does it take 5 days", None),
        ("treated on Monday and here it is Friday", 4),
        ("done sun, its thurs", 4),
        ("came in Sunday, puffy since Tuesday", 2),
        ("fue el jueves y hoy es lunes", 4),
        ("had it done tuesday, wedding is next to the lake", None),
        ("it has been a fortnight", 14),
        ("sore a full month after", 30),
        ("red two hours after", 0),
        ("red now, it was pale when i left", 0),
        ("a bit puffy the morning after", 1),
        ("can i come the day after tomorrow", None),
        ("felt achy since the day after my visit", None),
        ("fine when i left on monday", None),
    ],
)
def test_days_since_the_treatment(cutter: WordCutter, text: str, days: int | None) -> None:
    assert days_since(cutter.cut(text)) == days


def test_the_longest_time_named_counts(cutter: WordCutter) -> None:
    assert days_since(cutter.cut("treated 5 days ago, started 2 hours ago")) == 5


@pytest.mark.parametrize(
    ("condition", "days", "holds"),
    [
        (">= 3", 3, True),
        (">= 3", 2, False),
        (">= 3", None, False),
        (">= 2 or unknown", None, True),
        ("> 7", 7, False),
        ("< 2", 1, True),
    ],
)
def test_day_condition(condition: str, days: int | None, holds: bool) -> None:
    assert DayCondition.parse(condition).holds(days) is holds


@pytest.mark.parametrize("text", ["", "3", "=> 3", ">= three", ">= 3 maybe"])
def test_day_condition_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not like"):
        DayCondition.parse(text)
