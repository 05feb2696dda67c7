"""How hard a text is to read: the Flesch-Kincaid grade, without any download.

The usual library fetches its pronouncing dictionary from the network on first
use. A check that runs in CI and beside a patient service must not, so syllables
are counted here by spelling, which is right for about nine words in ten and
errs little over a whole answer.
"""

from __future__ import annotations

import re
from typing import Final

_LINK: Final = re.compile(r"https?://\S+|\S+@\S+|\(?\d{3}\)?[ -]\d{3}-\d{4}")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n\s*\n|\n\s*-\s+|:\s*\n")
_WORD: Final = re.compile(r"[A-Za-z0-9$%]+(?:[-'.,/][A-Za-z0-9]+)*")
_VOWELS: Final = re.compile(r"[aeiouy]+")

# Vowels that meet but are spoken apart, each worth one syllable more.
_HIATUS: Final = re.compile(
    r"i(?:a(?!l$|lly|g)|o(?!us|n)|um|et)|eo|ua[lt]|uou|yi|(?<!q)uie|nuin|react|fluid|being|doing"
    r"|going|seeing|ying|dial|trial|denial|[^aeiouct]i[ae]l(?=s?$)|ious(?<=[^ctgx]ious)"
)
_SILENT_ENDING: Final = re.compile(
    r"(?:[^laeiouy]|[aeiouy]l|[^aeiouy][r]l)es?$|(?<![td])ed$|ely$|eful|eless|ement"
)
_SOUNDED_ES: Final = re.compile(r"(?:[sxz]|ch|sh|[cg])es$")
_SOUNDED_ED: Final = re.compile(r"(?:[td]|[^aeiouy]l|i)ed$")

# Words of this subject that the rules above miscount.
_COUNTED: Final = {
    "area": 3, "areas": 3, "being": 2, "blood": 1, "business": 2, "create": 2, "creates": 2,
    "created": 3, "diabetes": 4, "every": 2, "everyone": 3, "everything": 3, "evening": 2,
    "idea": 3, "ideas": 3, "isotretinoin": 6, "keloid": 2, "keloids": 2, "medicine": 3,
    "medicines": 3, "melasma": 3, "moisturizer": 4, "people": 2, "people's": 2, "quiet": 2,
    "retinoid": 3, "retinoids": 3, "science": 2, "something": 2, "sometimes": 2, "someone": 2,
    "somewhere": 2, "steroid": 2, "steroids": 2, "usual": 3, "usually": 4, "virus": 2,
    "vitiligo": 5, "lidocaine": 3, "caine": 1, "makeup": 2, "lifetime": 2, "before": 2,
    "therefore": 2, "safety": 2, "safely": 2, "lately": 2, "recipe": 3, "acne": 2, "eye": 1,
    "eyes": 1, "microneedling": 4, "needling": 2, "collagen": 3, "filler": 2, "serious": 3,
    "previous": 3, "various": 3, "period": 3, "patient": 2, "patients": 2, "special": 2,
    "specialist": 3, "especially": 4, "facial": 2, "facials": 2, "infection": 3, "region": 2,
    "clothes": 1, "hours": 1, "hour": 1, "our": 1, "us": 1, "clinician": 3, "physician": 3,
    "clinicians": 3, "physicians": 3, "allergies": 3, "injuries": 3, "series": 2, "used": 1,
    "raised": 1, "healed": 1, "science's": 2, "lines": 1, "line": 1, "fluid": 2, "fluids": 2,
    "severe": 2, "once": 1, "radiation": 4, "appreciate": 4, "association": 5, "immediately": 5,
    "immediate": 4, "mediate": 3, "antibiotic": 5, "antibiotics": 5, "variety": 4, "anxiety": 4,
    "society": 4, "realize": 3, "real": 1, "really": 2, "ideal": 3, "heals": 1, "heal": 1,
    "deal": 1, "reveal": 2, "meal": 1, "seal": 1, "steal": 1, "video": 3, "cautious": 2,
    "anxious": 2, "precious": 2, "contagious": 3, "vicious": 2, "delicious": 3, "suspicious": 3,
    "conscious": 2, "obvious": 3, "curious": 3, "tedious": 3, "does": 1, "goes": 1, "shoes": 1,
    "toes": 1, "whole": 1, "aftercare": 3, "careful": 2, "carefully": 3, "names": 1,
    "themselves": 2, "yourself": 2, "ourselves": 2, "themself": 2, "lets": 1, "apply": 2, "why": 1,
    "rosacea": 4, "pacemaker": 3, "pacemakers": 3, "autoimmune": 4, "scleroderma": 5, "element": 3,
    "elements": 3, "rely": 2, "entirely": 4, "acre": 2,
}  # fmt: skip


def grade(text: str) -> float:
    """Return the Flesch-Kincaid grade of ``text``, as US school years.

    A paragraph, a bullet and the line that introduces bullets each end a
    sentence, with or without a stop. Links, e-mail addresses and phone numbers are left out; nobody
    reads them word by word.

    Args:
        text: Text with its placeholders filled.

    Returns:
        Zero for a text without words; may be negative for very simple ones.

    Source: Kincaid et al. 1975, 0.39 words/sentence + 11.8 syllables/word - 15.59.
    """
    sentences = [
        words
        for part in _SENTENCE_END.split(_LINK.sub(" ", text.replace("\u2019", "'")))
        if (words := _WORD.findall(part))
    ]
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return 0.0
    syllable_total = sum(syllables(word) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllable_total / len(words) - 15.59


def syllables(word: str) -> int:
    """Estimate the syllables of an English word, at least 1."""
    return sum(_syllables_of_part(part) for part in re.split(r"[-/]", word) if part) or 1


def _syllables_of_part(part: str) -> int:
    spelled = part.lower().removesuffix("'s")
    if spelled in _COUNTED:
        return _COUNTED[spelled]
    spelled = re.sub(r"[^a-z]", "", spelled)
    if part.isupper() and 1 < len(spelled) <= 3:
        return len(spelled)  # FDA, HIV: spelled out
    count = len(_VOWELS.findall(spelled)) + len(_HIATUS.findall(spelled))
    if _SILENT_ENDING.search(spelled) and not (
        _SOUNDED_ES.search(spelled) or _SOUNDED_ED.search(spelled)
    ):
        count -= 1
    return max(count, 1)
