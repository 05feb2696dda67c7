"""Nothing around a red flag may make it unseen."""

from __future__ import annotations

import random
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.messages import Tier
from bot.triage.language import detect_language
from bot.triage.screen import Screen

_FILE = Path(__file__).resolve().parents[3] / "data" / "triage" / "red_flags.yml"
_RULES = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["red_flags"]
_PHRASES = [
    (rule["id"], phrase)
    for rule in _RULES
    if rule["tier"] != "routine"
    for phrases in rule["matches"].values()
    for phrase in phrases
]

_GREETINGS = st.sampled_from(
    [
        "Hi, hope you are well.",
        "hello!",
        "good morning :)",
        "Thank you for yesterday, everyone was lovely.",
        "hola, buenas tardes.",
        "Sorry to bother you.",
        "hey its maria.",
        "",
    ]
)
_QUESTIONS = st.sampled_from(
    [
        "Also, what are your hours?",
        "how much is a package of three?",
        "when can I wear makeup again?",
        "¿a qué hora cierran?",
        "do you have parking?",
        "Thanks!",
        "gracias.",
        "",
    ]
)
_ERRANDS = st.sampled_from(
    [
        "is parking free?",
        "and what's the price for three?",
        "also what are your hours",
        "how much is a package of three?",
        "when can I wear makeup again?",
        "do you have parking?",
        "can i book for friday?",
        "is it ok to come early?",
        "do people need more than one session",
        "how many sessions do most people need?",
        "¿a qué hora cierran?",
        "cuánto cuesta el paquete",
    ]
)
_PUNCTUATION = st.sampled_from(["", ".", "!", "!!!", "...", " 😭", " 🙏🙏", " ❤️"])
_CASES = st.sampled_from([str, str.upper, str.lower, str.capitalize, str.title])

_IGNORED = [phrase for rule in _RULES for phrases in rule["ignores"].values() for phrase in phrases]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LONG = 8
"""Letters of a word in which one slip leaves it recognisable."""

_WORDS = (
    "i my no not if what can cant the fever pus throat is closing was ago but and lips swollen "
    "? . , it does he she day 4 101 normal sin tengo me"
)

_settings = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _tier(screen: Screen, rule_id: str) -> Tier:
    return next(rule.tier for rule in screen.rules.rules if rule.id == rule_id)


@_settings
@given(
    flag=st.sampled_from(_PHRASES),
    case=_CASES,
    greeting=_GREETINGS,
    punctuation=_PUNCTUATION,
    question=_QUESTIONS,
)
def test_chatter_case_and_punctuation_never_lower_the_tier(
    screen: Screen,
    flag: tuple[str, str],
    case: type[str],
    greeting: str,
    punctuation: str,
    question: str,
) -> None:
    rule_id, phrase = flag
    text = f"{greeting} {case(phrase)}{punctuation}\n{question}".strip()
    assert screen.verdict(text).tier >= _tier(screen, rule_id), text


@_settings
@given(flag=st.sampled_from(_PHRASES), errand=_ERRANDS)
def test_an_errand_typed_on_without_a_stop_never_lowers_the_tier(
    screen: Screen, flag: tuple[str, str], errand: str
) -> None:
    rule_id, phrase = flag
    text = f"{phrase.rstrip(' .!?')} {errand}"
    assert screen.verdict(text).tier >= _tier(screen, rule_id), text


@_settings
@given(flag=st.sampled_from(_PHRASES), other=st.sampled_from(_PHRASES))
def test_two_signs_are_at_least_as_serious_as_each(
    screen: Screen, flag: tuple[str, str], other: tuple[str, str]
) -> None:
    text = f"{flag[1]}.\n{other[1]}."
    verdict = screen.verdict(text)
    assert verdict.tier >= max(_tier(screen, flag[0]), _tier(screen, other[0])), text


@_settings
@given(
    flag=st.sampled_from(_PHRASES),
    recent=st.lists(
        st.sampled_from(["hi", "no fever", "thanks", "what if i get a rash", "ok", "gracias"]),
        max_size=6,
    ),
)
def test_earlier_turns_never_lower_the_tier(
    screen: Screen, flag: tuple[str, str], recent: list[str]
) -> None:
    assert screen.verdict(flag[1], recent).tier >= _tier(screen, flag[0])


@_settings
@given(flag=st.sampled_from(_PHRASES))
def test_missing_accents_never_lower_the_tier(screen: Screen, flag: tuple[str, str]) -> None:
    bare = flag[1].translate(str.maketrans("áéíóúñüÁÉÍÓÚÑ", "aeiounuAEIOUN"))
    assert screen.verdict(bare).tier >= _tier(screen, flag[0])


@_settings
@given(text=st.text(max_size=400), recent=st.lists(st.text(max_size=80), max_size=3))
def test_any_text_gets_a_verdict_with_spans_inside_it(
    screen: Screen, text: str, recent: list[str]
) -> None:
    verdict = screen.verdict(text, recent)
    assert all(0 <= span.start < span.end <= len(text) for span in verdict.spans)
    assert detect_language(text) in ("en", "es")


@_settings
@given(
    words=st.lists(
        st.sampled_from(_WORDS.split()),
        max_size=40,
    )
)
def test_any_mix_of_known_words_gets_the_same_verdict_twice(
    screen: Screen, words: list[str]
) -> None:
    text = " ".join(words)
    assert screen.verdict(text) == screen.verdict(text)


def _slips(count: int) -> list[tuple[str, str]]:
    """Phrases with one edit inside one of their longer words; the same ones every time."""
    chance = random.Random(1)
    found: list[tuple[str, str]] = []
    while len(found) < count:
        rule_id, phrase = chance.choice(_PHRASES)
        words = phrase.split(" ")
        long = [i for i, w in enumerate(words) if len(w) >= _LONG and w.isascii() and w.isalpha()]
        if not long:
            continue
        place = chance.choice(long)
        word = words[place]
        at = chance.randrange(1, len(word) - 1)
        words[place] = chance.choice(
            [
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                word[:at] + chance.choice(_LETTERS) + word[at + 1 :],
            ]
        )
        found.append((rule_id, " ".join(words)))
    return found


def test_one_slip_in_a_longer_word_hardly_ever_loses_the_alarm(screen: Screen) -> None:
    """By the rules alone; docs/safety.md has the figures, and those of all nets."""
    slips = _slips(600)
    lost = [slip for slip in slips if screen.verdict(slip[1]).tier < Tier.URGENT]
    assert len(lost) <= len(slips) * 0.01, lost


@_settings
@given(ignored=st.sampled_from(_IGNORED), no=st.sampled_from(["no ", "No, ", "no. "]))
def test_no_before_what_is_ignored_never_creates_an_alarm(
    screen: Screen, ignored: str, no: str
) -> None:
    """By the rules, whose list it is; the learned net judges whole sentences."""
    rules = Screen(screen.rules)
    assert rules.verdict(no + ignored).tier <= max(rules.verdict(ignored).tier, Tier.ROUTINE)
