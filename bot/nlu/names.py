"""Names of medicines and conditions: known, misspelt, and unknown. Pure.

A name that nothing here knows must go to staff, never to a generic answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from bot.nlu.words import WORD, near_word, read_words, words_of
from bot.triage.text import fold

MIN_NAME: Final = 5
MIN_MISSPELT: Final = 6
"""Shorter words are one slip away from too many others ("heres" is no "herbs")."""
MIN_HALF: Final = 4
LABELS: Final = ("medicine", "condition")
# Endings that international names of medicines and conditions share.
_DRUG_ENDING = re.compile(
    r"\w{2,}(?:mab|tinib|ciclib|rafenib|pril|sartan|olol|statin|cycline|mycin|floxacin|cillin|"
    r"gliptin|gliflozin|glitazone|glutide|patide|parin|xaban|gatran|prazole|tidine|conazole|"
    r"ciclovir|tegravir|caine|dronate|setron|triptan|zepam|zolam|oxetine|pramine|lukast|"
    r"metacin|solone|formin|thiazide|semide|dipine|azosin|limus|kinra|tercept|afil|"
    r"peridol|apine|idone|barbital|azepine|trexate|oxicam|profen)\Z"
)
_CONDITION_ENDING = re.compile(
    r"\w{3,}(?:itis|osis|emia|pathy|algia|plasia|trophy|ectasia|penia|philia|uria|iasis)\Z"
)
_CUE = (
    r"(?:i take|taking|takes|took|i am on|im on|i m on|on|i use|using|started|prescribed|put me on|"
    r"inject(?:ing)?|shots? of|called|prescription for|have|has|had|ive got|i got|diagnosed with|"
    r"allergic to|suffer from|with|history of|case of|tomo|tomando|inyecto|tengo|padezco|uso)"
)
_FILLERS = (
    r"(?:(?:a|an|the|my|some|this|that|daily|low|dose|of|new|mild|bad|med|meds|medicine|drug|"
    r"something|named|called|un|una|mi|\d+|mg)\s+){0,3}"
)
_CUED = re.compile(rf"\b{_CUE}\s+{_FILLERS}([a-z]+)")
_ASKED = re.compile(r"\b(?:does|do|will|would|can) ([a-z]+) (?:affect|interact|interfere|matter)")
_AGAIN = re.compile(r"\b(?:and|y|or|plus)\s+([a-z]+)")
# What makes a message a question about being treated, rather than chat about a place.
_PERSONAL = re.compile(
    r"\b(?:can i|could i|am i|is it|is that|ok|okay|safe|still|allowed|problem|issue|do it|"
    r"have it|get it|get this|candidate|puedo|affect|interact|interfere|"
    r"i take|im on|i m on|i am on|taking|prescribed|tomo|diagnosed|allergic)\b"
)


@dataclass(frozen=True, slots=True)
class Name:
    """One known medicine or condition: its label and canonical id."""

    label: str
    id: str


@dataclass(frozen=True, slots=True)
class Names:
    """The known names by single word, and the words that are no names at all.

    Attributes:
        by_word: One-word names, folded.
        plain: Ordinary words, and every word of `data/entities.yml`.
    """

    by_word: Mapping[str, Name]
    plain: frozenset[str]

    def misspelt(self, text: str) -> Iterator[tuple[Name, int, int]]:
        """Words that misspell one known name, with where they stand."""
        for match in WORD.finditer(text):
            word = fold(match.group())
            if len(word) < MIN_MISSPELT or word in self.plain:
                continue
            near = near_word(word, tuple(self.by_word))
            if near is not None:
                yield self.by_word[near], match.start(), match.end()

    def unknown(self, text: str) -> str | None:
        """The first word that most likely names an unknown medicine or condition, or None.

        It is in no list, resembles nothing that is, and either has a medical ending or
        stands where such a name stands ("I take …") in a question about being treated.
        """
        words = words_of(text)
        folded = " ".join(words)
        cued = {match.group(1) for match in _CUED.finditer(folded)}
        if cued:
            cued |= {match.group(1) for match in _AGAIN.finditer(folded)}
        cued |= {match.group(1) for match in _ASKED.finditer(folded)}
        personal = _PERSONAL.search(folded) is not None
        for word in words:
            if len(word) < MIN_NAME or word in self.plain:
                continue
            medical = _DRUG_ENDING.match(word) or _CONDITION_ENDING.match(word)
            if not (medical or (word in cued and personal)):
                continue
            if near_word(word, tuple(self.by_word)) is None and not self._ordinary(word):
                return word
        return None

    def _ordinary(self, word: str) -> bool:
        """Whether a word is two ordinary ones ("lunchbreak") or a slip away from one."""
        joined = any(
            word[:i] in self.plain and word[i:] in self.plain
            for i in range(MIN_HALF, len(word) - MIN_HALF + 1)
        )
        return joined or not self.plain.isdisjoint(_one_slip(word))


def read_names(entities_path: Path, products_path: Path, tokenizer_path: Path) -> Names:
    """Read the vocabulary, with a dictionary of ordinary words beside it.

    The dictionary is the encoder's own list of whole words (`tokenizer.json`) and the forms
    of spaCy's English lemma table: some 50,000 words and frequent names.
    """
    from spacy_lookups_data import en
    from srsly import read_gzip_json

    vocabulary = yaml.safe_load(entities_path.read_text(encoding="utf-8"))
    by_word: dict[str, Name] = {}
    plain = set(read_words(products_path))
    for label, entries in vocabulary.items():
        for entry in entries:
            for phrase in entry["patterns"]:
                words = words_of(str(phrase))
                plain.update(words)
                if label in LABELS and len(words) == 1:
                    by_word.setdefault(words[0], Name(label, entry["id"]))
    pieces = json.loads(tokenizer_path.read_text(encoding="utf-8"))["model"]["vocab"]
    plain.update(piece for piece in pieces if piece.isalpha() and len(piece) > 1)
    plain.update(fold(form) for form in read_gzip_json(f"{en['lemma_lookup']}.gz"))
    return Names(by_word, frozenset(plain))


def _one_slip(word: str) -> set[str]:
    """Every word one typing slip away."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    found = {a + b[1:] for a, b in cuts if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    found |= {a + c + b[1:] for a, b in cuts if b for c in letters}
    return found | {a + c + b for a, b in cuts for c in letters}
