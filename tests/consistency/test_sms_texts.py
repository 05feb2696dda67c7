"""What we say by text message: cheap letters, two parts, and no word that carriers obey."""

from __future__ import annotations

import re

import pytest

from bot.content.files import load_answers
from bot.replies.placeholders import fill
from bot.replies.segments import is_gsm7, part_count, to_gsm7
from bot.replies.text_message import MAX_PARTS, Frame, Said, compose
from bot.replies.texts import load_reply_texts
from bot.settings import ROOT
from tests.builders import clinic

TEXTS = load_reply_texts(ROOT / "data" / "replies.yml", clinic().placeholders())
PLACEHOLDERS = clinic().placeholders()
ANSWERS = [a for a in load_answers(ROOT / "data" / "answers") if a.status == "published"]
NOT_SAID = {
    *("notice", "greeting", "staff_owned", "follow_up", "something_else"),
    *("talk_to_a_person", "talk_to_a_person_es", "notice_es", "greeting_es"),
}
"""Only on the web page, or a button's label."""
WEB_FORM = ("contact_", "leave_details", "no_thanks", "staff_told_late")
"""Asking for contact details (a text message brings its number), and what is set aside."""
SAID = sorted(
    name
    for name in TEXTS.texts
    if name not in NOT_SAID
    and not name.startswith(WEB_FORM)
    and not name.endswith("_sms")
    and not name.startswith("sms_")
)
OURS = sorted(name for name in TEXTS.texts if name.startswith("sms_"))
RESERVED = re.compile(
    r"\b(reply|text|send|answer|type|responda|env[ií]e|escriba)\W+(with\W+|con\W+|the word\W+)?"
    r"(cancel|end|quit|yes|revoke|unsubscribe|optout)\b",
    re.IGNORECASE,
)
WEB_ONLY = re.compile(r"\b(tap|click|press|tocar|here in the chat|in the chat)\b", re.IGNORECASE)


def short(name: str) -> str:
    return TEXTS.texts.get(f"{name}_sms", TEXTS.texts[name])


def frame(notice: bool, language: str, choices: tuple[str, ...] = ()) -> Frame:
    return Frame(
        TEXTS.in_language("sms_notice", language) if notice else "", choices,
        TEXTS.in_language("sms_one_choice", language),
        TEXTS.in_language("sms_many_choices", language), TEXTS.in_language("sms_more", language),
    )  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_a_text_with_notice_and_choice_fits_two_parts_whole(name: str) -> None:
    language = "es" if name.endswith("_es") else "en"
    person = (TEXTS.person_button(language).title,)
    message = compose([Said(short(name))], frame(True, language, person))
    assert is_gsm7(message.body), name
    assert part_count(message.body) <= MAX_PARTS
    assert message.rest == "", "nothing of it had to be left for MORE"


@pytest.mark.parametrize("name", OURS)
def test_the_words_around_replies_are_short_and_in_the_cheap_alphabet(name: str) -> None:
    text = to_gsm7(TEXTS.texts[name])
    assert is_gsm7(text)
    assert part_count(text) <= MAX_PARTS
    assert "{" not in text


@pytest.mark.parametrize("name", sorted({*SAID, *OURS}))
def test_nobody_is_asked_for_a_word_that_carriers_obey(name: str) -> None:
    assert not RESERVED.search(short(name))


@pytest.mark.parametrize("name", SAID)
def test_no_text_message_speaks_of_what_only_the_page_has(name: str) -> None:
    if name.startswith(("staff_joined", "staff_left")):
        return  # the console's own words to a chat
    assert not WEB_ONLY.search(short(name))


def test_no_answer_asks_for_a_word_that_carriers_obey() -> None:
    assert [a.id for a in ANSWERS if RESERVED.search(a.sms) or RESERVED.search(a.body)] == []


def test_the_notice_names_assistant_emergency_line_and_the_way_out() -> None:
    for language in ("en", "es"):
        notice = TEXTS.in_language("sms_notice", language)
        for word in ("911", "STOP", clinic().name):
            assert word in notice
        assert re.search("automated assistant|asistente automático", notice, re.IGNORECASE)


def test_every_answer_with_notice_and_referral_fits_two_parts_and_most_fit_whole() -> None:
    whole = 0
    for draft in ANSWERS:
        sms, body = fill(draft.sms, PLACEHOLDERS).strip(), fill(draft.body, PLACEHOLDERS)
        said = [Said(sms, body), Said(short("opened_staff"))]
        message = compose(said, frame(True, "en"))
        assert part_count(message.body) <= MAX_PARTS, draft.id
        assert is_gsm7(message.body), draft.id
        alone = compose(said[:1], frame(False, "en"))
        assert to_gsm7(sms) in alone.body, f"{draft.id} alone is never cut"
        whole += to_gsm7(sms) in compose(said[:1], frame(True, "en")).body
    assert whole / len(ANSWERS) > 0.3


def test_the_first_choices_fit_with_the_greeting_and_the_notice() -> None:
    titles = tuple(button.title for button in TEXTS.quick_replies)
    message = compose([Said(short("greet"))], frame(True, "en", titles))
    assert part_count(message.body) <= MAX_PARTS
    assert all(f"{n} {to_gsm7(title)}" in message.body for n, title in enumerate(titles, 1))
