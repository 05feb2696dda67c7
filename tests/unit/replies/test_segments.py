from __future__ import annotations

import pytest

from bot.errors import ContentError
from bot.replies.placeholders import fill
from bot.replies.segments import is_gsm7, part_count, septet_count, to_gsm7


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 153 septets to a part: the 77th sign would be cut in half, so it moves on.
        ("€" * 153, 3),
        ("a" + "€" * 152, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("a" * 69 + "’", 1),
        ("a" * 70 + "’", 2),
        ("🙂" * 35, 1),
        ("🙂" * 36, 2),
        # 67 code units hold 33 pairs; the 34th is not split.
        ("🙂" * 66, 2),
        ("🙂" * 67, 3),
    ],
)
def test_parts_are_counted_as_they_are_billed(text: str, parts: int) -> None:
    assert part_count(text) == parts


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_a_blank_text_has_no_parts(text: str) -> None:
    with pytest.raises(ValueError, match="blank"):
        part_count(text)


@pytest.mark.parametrize(
    ("text", "septets"), [("", 0), ("abc", 3), ("[x]", 5), ("5 €", 4), ("~|^{}\\", 12)]
)
def test_extension_characters_take_two_septets(text: str, septets: int) -> None:
    assert septet_count(text) == septets


def test_septets_of_another_alphabet_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="alphabet"):
        septet_count("–")


@pytest.mark.parametrize("text", ["¿Qué? Ñandú".replace("ú", "u"), "Äöüß Ç", "@£$¥", "a\nb\r"])
def test_the_default_alphabet_is_known(text: str) -> None:
    assert is_gsm7(text)


@pytest.mark.parametrize("text", ["á", "í", "ó", "ú", "ç", "`", "\t", "’", "–", "…", "🙂"])
def test_characters_outside_the_alphabet_are_known(text: str) -> None:
    assert not is_gsm7(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("don’t “pick”", 'don\'t "pick"'),
        ("1–3 days — usually…", "1-3 days - usually..."),
        ("a\u00a0b\u200bc", "a bc"),
        ("• one", "- one"),
        ("corazón, lápiz, señal", "corazon, lapiz, señal"),
        ("cafe\u0301", "café"),
        ("½", "1/2"),
        ("™", "TM"),
        ("plain text?", "plain text?"),
    ],
)
def test_typography_becomes_gsm_look_alikes(text: str, plain: str) -> None:
    assert to_gsm7(text) == plain
    assert is_gsm7(plain)


@pytest.mark.parametrize("text", ["🙂", "да", "请"])
def test_what_has_no_look_alike_is_kept(text: str) -> None:
    assert to_gsm7(text) == text


def test_placeholders_are_filled() -> None:
    assert fill("Call {phone}, {phone}!", {"phone": "555"}) == "Call 555, 555!"


@pytest.mark.parametrize("text", ["{fone}", "{}", "{ phone }", "{phone", "phone}", "{{phone}}"])
def test_no_unknown_placeholder_and_no_brace_gets_through(text: str) -> None:
    with pytest.raises(ContentError):
        fill(text, {"phone": "555"})


def test_a_value_with_a_brace_is_refused() -> None:
    with pytest.raises(ContentError, match="brace"):
        fill("{phone}", {"phone": "{x}"})
