"""Whether a message is about the clinic's subjects at all. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence

from bot.nlu.answer_index import Candidate
from bot.nlu.choice_weights import ChoiceWeights
from bot.nlu.words import words_of

_LEAST = 1e-4
_MARGIN_RANK = 3
"""The margin is taken to the fourth candidate: the first few are often near twins."""


def signs(
    ranking: Mapping[str, float],
    candidates: Sequence[Candidate],
    nearest: float,
    coverage: float,
) -> dict[str, float]:
    """What tells (`choice_weights.SIGNS`): the intents, and how near the content is.

    Args:
        ranking: Intent to probability.
        candidates: Answers, best first, intents not yet counted.
        nearest: Likeness to the nearest phrasing.
        coverage: Share of telling words that the content uses.
    """
    asks = sum(chance for intent, chance in ranking.items() if intent.startswith("ask_"))
    scores = [candidate.score for candidate in candidates]
    margin = scores[0] - scores[min(_MARGIN_RANK, len(scores) - 1)] if scores else 0.0
    return {
        "out_of_scope": _log_odds(ranking.get("out_of_scope", 0.0)),
        "ask": _log_odds(asks),
        "nearest": nearest,
        "coverage": coverage,
        "margin": margin,
    }


def in_scope(found: Mapping[str, float], weights: ChoiceWeights) -> float:
    """How likely the message is about the clinic's subjects, 0 to 1.

    Fitted with both kinds weighing the same, so that 0.5 says nothing about how
    frequent either is.
    """
    total = weights.bias + sum(weights.signs[name] * found[name] for name in weights.signs)
    return 1 / (1 + math.exp(-total))


def _log_odds(chance: float) -> float:
    bounded = min(max(chance, _LEAST), 1 - _LEAST)
    return math.log(bounded / (1 - bounded))


# Frequent words of the languages that are spoken around the clinic or are likely guests,
# which are no words of English or Spanish. Folded.
_FOREIGN_WORDS = """
ang mga ng po opo ako kayo ko na ba ito iyan sa paano magkano saan kailan gaano pwede meron
wala salamat kumusta kamusta isang din rin hindi masakit mukha bonjour est ce vous je nous
des une pour avec combien merci suis etes quel quelle puis faites faire votre peau sont
bonsoir cest jai guten tag ich sie ist und wie wieviel kostet bitte danke haben kann mein
meine nicht termin voce voces quanto obrigado obrigada meu minha fazer preco onde pele sao
nao uma ciao buongiorno grazie posso mia vorrei sono dove pelle koj kuv puas hais lus hmoob
nyob zoo tsaug ua yog muaj peb xin chao toi bao nhieu khong jak ile dziekuje prosze czy kya
mujhe aap kitna mera meri kaise hain nahi karna chehra spasibo privet skolko
"""
_FOREIGN = frozenset(_FOREIGN_WORDS.split())
_VIETNAMESE = re.compile("[ạảãâầấậẩẫăằắặẳẵẹẻẽềếệểễịỉĩọỏõôồốộổỗơờớợởỡụủũưừứựửữỳỵỷỹđ]", re.IGNORECASE)


def other_language(text: str) -> bool:
    """Whether a message is in neither English nor Spanish, as far as cheap signs tell.

    Letters of another script, Vietnamese letters, or two frequent words of a dozen
    languages that make up a quarter of all. A miss only means that other tests decide.
    """
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return False
    latin = sum("LATIN" in unicodedata.name(c, "") for c in letters)
    if latin < len(letters) / 2 or len(_VIETNAMESE.findall(text)) >= 2:
        return True
    words = words_of(text)
    foreign = sum(word in _FOREIGN for word in words)
    return foreign >= 2 and foreign * 4 >= len(words)
