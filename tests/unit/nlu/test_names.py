from __future__ import annotations

from pathlib import Path

import pytest

from bot.nlu.names import Names, read_names
from bot.settings import ROOT

LINES = [
    tuple(line.rsplit("|", 1))
    for line in (Path(__file__).parent / "names.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.fixture(scope="module")
def names() -> Names:
    return read_names(
        ROOT / "data" / "entities.yml",
        ROOT / "data" / "product_names.txt",
        ROOT / "bot" / "models" / "tokenizer.json",
    )


@pytest.mark.parametrize("text", [text for text, kind in LINES if kind == "staff"])
def test_an_unknown_medicine_or_condition_is_noticed(names: Names, text: str) -> None:
    assert names.unknown(text) is not None


@pytest.mark.parametrize("text", [text for text, kind in LINES if kind != "staff"])
def test_known_names_their_typos_and_ordinary_words_are_no_unknown_names(
    names: Names, text: str
) -> None:
    assert names.unknown(text) is None


@pytest.mark.parametrize(
    ("text", "known_as"),
    [
        ("i take tirzapatide is that ok", "tirzepatide"),
        ("I take metfromin, can I have it?", "metformin"),
        ("i have psoriaisis is it allowed", "psoriasis"),
        ("can i have it if i take wegovvy", "semaglutide"),
    ],
)
def test_a_misspelt_name_is_the_name_it_misspells(names: Names, text: str, known_as: str) -> None:
    found = [(name.id, text[start:end]) for name, start, end in names.misspelt(text)]
    assert [name for name, _ in found] == [known_as]
    assert found[0][1] in text.split() or found[0][1] in text


@pytest.mark.parametrize("text", ["Here's my question", "the appoinment was grate", "hello"])
def test_ordinary_typos_are_no_medicines(names: Names, text: str) -> None:
    assert list(names.misspelt(text)) == []
