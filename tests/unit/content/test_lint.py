from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from bot.clinic import Clinic
from bot.content.files import AnswerDraft
from bot.content.forbidden import FORBIDDEN, hits
from bot.content.lint import Problem, lint
from bot.content.phrasings import normalise
from bot.content.reading_level import grade, syllables
from bot.content.sources import load_sources

TODAY = date(2026, 11, 22)
TOPICS = {"aftercare": ("ask_aftercare",)}
CANDIDACY = {"candidacy_condition": ("ask_candidacy",)}
SOURCES = frozenset({"D6", "CLINIC"})

Make = Callable[..., AnswerDraft]
HARD = (
    "Postoperative dermatological complications necessitate immediate multidisciplinary"
    " evaluation by appropriately credentialed professionals, notwithstanding any previously"
    " communicated institutional recommendations regarding individualized postprocedural"
    " management of inflammatory manifestations in susceptible populations."
)


def check(clinic: Clinic, *drafts: AnswerDraft, topics: object = TOPICS) -> list[Problem]:
    assert isinstance(topics, dict)
    return lint(drafts, topics, clinic, TODAY, sources=SOURCES)


def test_a_sound_answer_has_no_problem(clinic: Clinic, make_draft: Make) -> None:
    assert check(clinic, make_draft()) == []


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("source-missing", {"source": ()}),
        ("source-unknown", {"source": ("D6", "Z9")}),
        ("related-unknown", {"related": ("no-such-answer",)}),
        ("related-self", {"related": ("aftercare-makeup",)}),
        ("title-long", {"title": "x" * 49}),
        ("phrasings-few", {"phrasings": ("a", "b", "c", "d", "e")}),
        ("phrasing-blank", {"phrasings": ("a", "b", "c", "d", "e", "?!")}),
        ("phrasing-twice", {"phrasings": ("a b", "b", "c", "d", "e", "A, b?")}),
        ("review-due", {"review_due": date(2026, 11, 21)}),
        ("unsigned", {"approved_by": None}),
        ("unsigned", {"approved_on": None}),
        ("approved-later", {"approved_on": date(2026, 11, 23)}),
        ("placeholder", {"body": "word " * 40 + "{fone}"}),
        ("placeholder", {"sms": "Call {phone"}),
        ("markup", {"sms": "See https://clinic.example"}),
        ("markup", {"body": "word " * 40 + "**now**"}),
        ("body-length", {"body": "Too short to help."}),
        ("body-length", {"body": "one two three four. " * 41}),
        ("reading-level", {"body": HARD + " " + HARD}),
        ("sms-alphabet", {"sms": "Don’t rub"}),
        ("sms-long", {"sms": "a" * 307}),
        ("sms-long", {"sms": "a" * 295 + " {phone}"}),
        ("wording", {"sms": "Results are guaranteed."}),
    ],
)
def test_a_broken_rule_is_reported_by_name(
    clinic: Clinic, make_draft: Make, rule: str, changes: dict[str, object]
) -> None:
    (problem, *_) = [p for p in check(clinic, make_draft(**changes)) if p.rule == rule]
    assert problem.answer_id == "aftercare-makeup"
    assert problem.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"source": ("CLINIC",)},
        {"title": "x" * 48},
        {"review_due": TODAY},
        {"approved_on": TODAY},
        {"status": "draft", "approved_by": None, "approved_on": None},
        {"sms": "a" * 306},
        {"sms": "a" * 291 + " {phone}"},
        {"sms": "¿Qué? Ñ"},
        {"body": "See {website} or {booking_url}. " + "One two three four. " * 8},
    ],
)
def test_what_stays_within_the_rules_passes(
    clinic: Clinic, make_draft: Make, changes: dict[str, object]
) -> None:
    found = {p.rule for p in check(clinic, make_draft(**changes))}
    assert found <= {"topic-empty"}


def test_a_topic_outside_the_vocabulary_is_reported(clinic: Clinic, make_draft: Make) -> None:
    rules = {p.rule for p in check(clinic, make_draft(topic="gossip"))}
    assert rules == {"topic-unknown", "topic-empty"}


@pytest.mark.parametrize("status", ["draft", "in_review", "retired"])
def test_a_topic_needs_a_published_answer(clinic: Clinic, make_draft: Make, status: str) -> None:
    (problem,) = check(clinic, make_draft(status=status))
    assert (problem.answer_id, problem.rule) == (None, "topic-empty")
    assert "aftercare" in str(problem)


def test_a_phrasing_of_two_answers_is_reported_for_both(clinic: Clinic, make_draft: Make) -> None:
    other = make_draft(
        id="aftercare-sun",
        phrasings=("Mascara after needling", "sun", "hat", "spf", "beach", "can i tan"),
    )
    found = check(clinic, make_draft(), other)
    assert [(p.answer_id, p.rule) for p in found] == [
        ("aftercare-makeup", "phrasing-twice"),
        ("aftercare-sun", "phrasing-twice"),
    ]
    assert "aftercare-sun" in found[0].detail


def test_retired_answers_are_not_checked_but_may_be_linked(
    clinic: Clinic, make_draft: Make
) -> None:
    retired = make_draft(id="old", status="retired", sms="painless", review_due=date(2020, 1, 1))
    assert check(clinic, make_draft(related=("old",)), retired) == []


@pytest.mark.parametrize(
    "opening",
    [
        "Yes, this is possible.",
        "No. Wait.",
        "You can still come.",
        "You can't come.",
        "Sure, many do.",
        "Unfortunately not.",
        "No, but others do.",
    ],
)
@pytest.mark.parametrize("text", ["body", "sms"])
def test_candidacy_never_opens_with_a_verdict(
    clinic: Clinic, make_draft: Make, opening: str, text: str
) -> None:
    draft = make_draft(topic="candidacy_condition")
    spoiled = make_draft(topic="candidacy_condition", **{text: f"{opening} {getattr(draft, text)}"})
    rules = {p.rule for p in check(clinic, spoiled, topics=CANDIDACY)}
    assert "verdict-opening" in rules


@pytest.mark.parametrize(
    "opening",
    [
        "No one can say that in a chat.",
        "No single rule fits.",
        "Yesterday is too recent.",
        "Your clinician decides.",
        "Notes help.",
    ],
)
def test_candidacy_may_open_without_a_verdict(
    clinic: Clinic, make_draft: Make, opening: str
) -> None:
    body = f"{opening} {make_draft().body}"
    assert check(clinic, make_draft(topic="candidacy_condition", body=body), topics=CANDIDACY) == []


def test_another_topic_may_open_with_yes(clinic: Clinic, make_draft: Make) -> None:
    assert check(clinic, make_draft(body=f"Yes. {make_draft().body}")) == []


# What may not be said, beside the sentence that uses the same words rightly.
WORDINGS = [
    ("diagnosis", "You have an infection.", "If you have an infection, call us."),
    ("diagnosis", "It sounds like herpes.", "Skin that is infected is left alone."),
    ("diagnosis", "That's just an allergic reaction.", "Tell staff whether it is an allergy."),
    ("reassurance", "That's normal, rest well.", "A chat cannot say whether that is normal."),
    ("reassurance", "Redness is completely normal.", "Most skin looks normal by day 7."),
    ("reassurance", "Don’t worry about it.", "Tell staff what worries you."),
    ("candidacy-verdict", "You are a great candidate.", "Staff decide if you are a candidate."),
    ("candidacy-verdict", "You can't have treatment.", "It does not mean you can't have it."),
    ("candidacy-verdict", "You sound like a great candidate.", "Staff know who is a candidate."),
    ("candidacy-verdict", "You can't be treated now.", "Skin that is open can't be treated."),
    ("medicine-change", "Stop taking it a week before.", "Never stop taking it on your own."),
    ("drug-choice", "Use over-the-counter cortisone.", "A prescriber may choose an antiviral."),
    ("promise-safety", "It is 100% natural.", "Nothing is 100%."),
    ("treats-acne", "It is a good option for acne.", "It is a good option for acne scars."),
    ("skin-tones", "It isn't suitable for dark skin.", "Darker skin needs its own plan."),
    ("time-promise", "You will hear back today.", "Call staff back today if it spreads."),
    ("licensed-voice", "As a nurse, I would rest.", "As a nurse works, you can talk."),
    ("candidacy-verdict", "You should be fine.", "Skin should be calm and closed."),
    ("medicine-change", "Stop your blood thinner first.", "Do not stop your blood thinner."),
    ("medicine-change", "Skip aspirin for a week.", "Ask your prescriber before you skip aspirin."),
    ("medicine-change", "Restart your pills after.", "Never stop, skip or restart a medicine."),
    ("medicine-change", "Pause the Eliquis.", "Pause retinol and scrubs."),
    ("medicine-change", "You should stop taking it, the Accutane.", "We pause if it hurts."),
    ("dose", "Have 400 mg with food.", "Wait four weeks."),
    ("dose", "Two tablets at night.", "Two visits at least."),
    ("dose", "Repeat every 6 hours.", "Come back every 6 weeks."),
    ("drug-choice", "Take some ibuprofen.", "Do not take ibuprofen on your own."),
    ("drug-choice", "Try hydrocortisone cream.", "Tell us if you take aspirin."),
    ("drug-choice", "Tylenol is fine.", "A pharmacist can advise on pain relief."),
    ("cream-strength", "Use a 5% cream.", "The FDA warns of creams over 4% lidocaine."),
    ("promise-safety", "It is 100% safe.", "Nothing is 100% safe."),
    ("promise-safety", "It's risk-free.", "No treatment is risk free."),
    ("promise-safety", "There are no side effects.", "That does not mean no side effects."),
    ("promise-comfort", "It is painless.", "It is not painless."),
    ("promise-lasting", "The change is permanent.", "Results are not permanent."),
    ("promise-lasting", "Smooth for life.", "Needles can shift permanent makeup."),
    ("promise-result", "We guarantee results.", "No one can guarantee a result."),
    ("promise-result", "It works for everyone.", "Be wary of anyone who claims it works for all."),
    ("promise-downtime", "There is no downtime.", "Do not expect no downtime."),
    ("fda-approved", "Our pen is FDA-approved.", "Cleared is not the same as FDA-approved."),
    ("fda-approved", "It was approved by the FDA.", "No exosome product is FDA-approved."),
    ("treats-acne", "Microneedling treats acne.", "Microneedling does not treat acne."),
    ("treats-acne", "It clears up pimples.", "It treats acne scars."),
    ("treats-acne", "Needling cures spots.", "It is not a cure; it cures nothing."),
    ("removes", "It removes scars.", "It will not remove scars; nothing erases scars."),
    ("removes", "Your wrinkles disappear.", "Pores do not close."),
    ("absorption", "Serums sink in deeper.", "Products may go deeper, which is a risk."),
    ("absorption", "It boosts absorption.", "Hear that it boosts absorption? Ask staff."),
    ("skin-tones", "It is safe for all skin tones.", "Not every device is cleared for all tones."),
    ("skin-tones", "It is not for dark skin.", "It is wrong to say it is not for dark skin."),
    ("rf-stronger", "RF is just a stronger version.", "RF is not just a stronger version."),
    ("needle-length", "We use 1.5 mm needles.", "The tips are very fine."),
    ("wait-and-see", "Wait and see.", "Do not wait and see."),
    ("time-promise", "Staff will call you within an hour.", "Call 911 right away."),
    ("time-promise", "The team will reply soon.", "Staff will follow up."),
    ("drive-yourself", "Drive yourself to the ER.", "Do not drive yourself."),
    ("private-data", "Send your insurance number.", "Do not send your insurance number."),
    ("licensed-voice", "I am a nurse.", "You will see a nurse."),
    ("elastin", "It builds elastin.", "It is thought to build elastin."),
]


@pytest.mark.parametrize(("wording", "wrong", "right"), WORDINGS)
def test_a_forbidden_wording_is_found(wording: str, wrong: str, right: str) -> None:
    assert wording in {hit.wording.id for hit in hits(wrong)}


@pytest.mark.parametrize(("wording", "wrong", "right"), WORDINGS)
def test_the_same_words_used_rightly_pass(wording: str, wrong: str, right: str) -> None:
    assert list(hits(right)) == []


def test_every_forbidden_wording_has_a_case() -> None:
    assert {wording.id for wording in FORBIDDEN} == {case[0] for case in WORDINGS}


def test_a_warning_in_one_sentence_does_not_excuse_the_next() -> None:
    assert [hit.wording.id for hit in hits("It is not painless. It is risk-free.")] == [
        "promise-safety"
    ]


def test_the_words_that_matched_are_quoted(clinic: Clinic, make_draft: Make) -> None:
    (problem,) = check(clinic, make_draft(sms="Stop your aspirin first. Call {phone}"))
    assert "'Stop your aspirin'" in problem.detail
    assert "sms" in problem.detail


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("Can't I?", "cant i"),
        ("can’t  I", "cant i"),
        ("Make-up, day 2!", "make up day 2"),
        ("¿Está bien?", "esta bien"),
    ],
)
def test_equal_questions_are_normalised_alike(one: str, same: str) -> None:
    assert normalise(one) == same


def test_word_order_matters_to_a_phrasing() -> None:
    assert normalise("before or after") != normalise("after or before")


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("skin", 1),
        ("needle", 2),
        ("healed", 1),
        ("treated", 2),
        ("changes", 2),
        ("allergic", 3),
        ("pregnancy", 3),
        ("evaluate", 4),
        ("breast-feeding", 3),
        ("FDA", 3),
        ("3", 1),
        ("studies", 2),
        ("settled", 2),
        ("gradual", 3),
    ],
)
def test_syllables_are_estimated(word: str, count: int) -> None:
    assert syllables(word) == count


def test_grade_rises_with_hard_words_and_long_sentences() -> None:
    easy = "The skin is red. It may sting. Call us if it gets worse."
    assert grade(easy) < 3 < 12 < grade(HARD)


def test_bullets_are_read_as_sentences() -> None:
    bullets = "Bring a list of these:\n- all your medicines\n- all your allergies\n- past scars"
    assert grade(bullets) < grade(bullets.replace("\n- ", " ").replace(":", ""))


def test_contact_details_do_not_change_the_grade() -> None:
    with_details = "Call us. (916) 555-0142 https://clinic.example/book hello@clinic.example"
    assert grade(with_details) == grade("Call us.")


def test_nothing_to_read_has_grade_zero() -> None:
    assert grade("https://clinic.example") == 0.0


def test_the_shipped_sources_hold_the_clinic_and_every_entry_is_complete() -> None:
    sources = load_sources()
    assert "CLINIC" in sources
    assert all(source.citation and source.confidence for source in sources.values())
