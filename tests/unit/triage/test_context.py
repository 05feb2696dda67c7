"""Negation, what-ifs, history, other people and figures of speech."""

from __future__ import annotations

import pytest

from bot.messages import Tier
from bot.triage.screen import Screen

NONE, ROUTINE, URGENT, EMERGENCY = Tier.NONE, Tier.ROUTINE, Tier.URGENT, Tier.EMERGENCY


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("no fever, no pus, just pink", NONE),
        ("no fever, chills or pus", NONE),
        ("no fever or chills or pus", NONE),
        ("I don't have a fever, just a little pink", NONE),
        ("without any pus or fever", NONE),
        ("no signs of any infection or anything weird like pus", NONE),
        ("never had a fever", NONE),
        ("any pus? no. fever? no.", NONE),
        ("fever: no, pus: no", NONE),
        ("ya no tengo fiebre", NONE),
        ("no tengo fiebre ni pus", NONE),
        ("sin fiebre, sin pus", NONE),
        ("no fever but the pus is back", URGENT),
        ("no fever, pus coming out of my cheek", URGENT),
        ("no fever just pus", URGENT),
        ("no fever and pus everywhere", URGENT),
        ("no fever i have pus", URGENT),
        ("no, it's oozing", URGENT),
        ("no i have a fever", URGENT),
        ("didn't have a fever until last night", URGENT),
        ("no idea why i have chills", URGENT),
        ("not sure if its infected", URGENT),
        ("I dont feel well and have a fever", URGENT),
        ("no se me quita la fiebre", URGENT),
        ("no tengo fiebre pero me sale pus", URGENT),
        ("fever: yes, pus: no", URGENT),
        ("can't breathe", EMERGENCY),
        ("not breathing right", EMERGENCY),
        ("cant stop bleeding", EMERGENCY),
        ("won't stop bleeding", EMERGENCY),
        ("no puedo respirar", EMERGENCY),
        ("no i cant breathe", EMERGENCY),
        ("no fever but i cant breathe", EMERGENCY),
        ("no deja de sangrar", EMERGENCY),
        ("no veo de un ojo", EMERGENCY),
        ("no trouble breathing", NONE),
        ("no chest pain, no dizziness", NONE),
    ],
)
def test_negation_reaches_what_it_denies_and_no_further(
    screen: Screen, text: str, tier: Tier
) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    "text",
    [
        "what if it gets infected",
        "can microneedling cause sepsis",
        "how would I know if I have an infection",
        "is fever a side effect",
        "what should i do if i get a fever",
        "what happens if my throat closes up",
        "could i go blind from this",
        "what are the signs of an allergic reaction",
        "worried about infection",
        "risk of seizures from numbing cream?",
        "do people pass out",
        "does it bleed a lot",
        "can it burn you",
        "how do i stop swelling",
        "is numbing cream dangerous",
        "¿se puede infectar?",
        "¿y si me da fiebre?",
        "¿duele mucho?",
        "¿puede dar alergia la crema?",
        "como sé si tengo una infección",
    ],
)
def test_general_or_imagined_is_no_report(screen: Screen, text: str) -> None:
    assert screen.verdict(text).tier is NONE


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("is it normal that my face is oozing pus", URGENT),
        ("should I worry about my blisters", URGENT),
        ("is it normal to have a fever of 101", URGENT),
        ("why is my cheek oozing", URGENT),
        ("what do i do about the pus on my chin", URGENT),
        ("if i press on it pus comes out", URGENT),
        ("what if it gets infected, because my chin is oozing", URGENT),
        ("can it cause a fever? because i have one", URGENT),
        ("what are signs of infection? i think i have that", URGENT),
        ("is it normal that my lips are swelling", EMERGENCY),
        ("what if i kill myself over this", EMERGENCY),
        ("why does it taste like metal", EMERGENCY),
        ("es normal que me falte el aire", EMERGENCY),
        ("debo preocuparme por estas ampollas", URGENT),
    ],
)
def test_question_about_what_is_happening_is_a_report(
    screen: Screen, text: str, tier: Tier
) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    "text",
    [
        "had anaphylaxis to lidocaine in 2019",
        "i fainted once at the dentist years ago",
        "I had a seizure as a kid",
        "used to get cold sores in college",
        "i tend to pass out when i get shots",
        "my throat closed up from shrimp back in 2012",
        "had chest pain last year, all clear now",
        "tuve anafilaxia hace diez años",
        "me desmayaba cuando era niña",
    ],
)
def test_old_history_is_routine_at_most(screen: Screen, text: str) -> None:
    assert screen.verdict(text).tier <= ROUTINE


@pytest.mark.parametrize(
    "text",
    [
        "i had a reaction years ago and now my throat is closing",
        "passed out years ago and again this morning",
        "had filler 2 years ago and my lips are swelling right now",
        "hace años me pasó y ahora no puedo respirar",
    ],
)
def test_history_does_not_hide_what_happens_now(screen: Screen, text: str) -> None:
    assert screen.verdict(text).tier is EMERGENCY


@pytest.mark.parametrize(
    "text",
    [
        "a girl on tiktok got infected",
        "I heard someone had a seizure from numbing cream",
        "my friend got an infection from a roller, is that common",
        "i read that people get burned",
        "saw on reddit a lady's lips swelled up",
        "vi en tiktok que a una chica le salió pus",
        "a una amiga se le infectó la cara",
    ],
)
def test_other_peoples_stories_are_no_report(screen: Screen, text: str) -> None:
    assert screen.verdict(text).tier is NONE


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("my mom's lips are swelling", EMERGENCY),
        ("my daughter passed out", EMERGENCY),
        ("my friend just passed out in the car", EMERGENCY),
        ("my friend cant breathe", EMERGENCY),
        ("my husband has a fever after his session", URGENT),
        ("her cheek is oozing", URGENT),
        ("i saw on tiktok its normal but i have pus", URGENT),
        ("mi hija no puede respirar", EMERGENCY),
    ],
)
def test_report_for_somebody_else_counts(screen: Screen, text: str, tier: Tier) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    "text",
    [
        "dying to try it",
        "killer results",
        "can't breathe from excitement",
        "I'm so excited I can't breathe",
        "to die for",
        "I'm dead lol",
        "that price gave me a heart attack",
        "your results gave me chills",
        "hay fever season",
        "me muero por probarlo",
        "me muero de risa",
        "casi me desmayo con el precio",
    ],
)
def test_figure_of_speech_is_no_sign(screen: Screen, text: str) -> None:
    assert screen.verdict(text).tier is NONE


def test_a_sign_beside_a_figure_of_speech_still_counts(screen: Screen) -> None:
    assert screen.verdict("was dying to try it and now my throat is closing").tier is EMERGENCY


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("i have a fever and my appointment is tomorrow, should i reschedule", ROUTINE),
        ("got a rash before my treatment, can i still come in", ROUTINE),
        ("tengo fiebre y mi cita es mañana", ROUTINE),
        ("i have a fever, had my treatment yesterday", URGENT),
        ("cant breathe and my appointment is tomorrow", EMERGENCY),
        ("stopped my eliquis before my appointment", URGENT),
    ],
)
def test_before_a_visit_an_illness_waits_but_danger_does_not(
    screen: Screen, text: str, tier: Tier
) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    "text",
    [
        "CANT BREATHE",
        "cantbreathe",
        "caaant breaathe",
        "cnt brethe",
        "cnat breathe",
        "can’t breathe",
        "can´t breathe",
        "can't\u200b breathe",
        "***cant breathe***",
        "😭😭 cant breathe 😭",
        "heeelp cant breatheeee",
        "wontstop bleeding",
        "no puedo respirár",
        "NO PUEDO RESPIRAR",
        "nopuedorespirar",
        "my throat... its closing",
        "my throat\nis closing",
        "my throat. its closing",
        "thraot closing",
        "tounge swolen",
        "i cant breathe me falta el aire",
        "tengo fever y me sale pus",
    ],
)
def test_spelling_case_and_language_do_not_hide_an_emergency(screen: Screen, text: str) -> None:
    assert screen.verdict(text).tier is EMERGENCY


def test_red_flag_in_the_middle_of_a_long_message_is_found(screen: Screen) -> None:
    before = "Hi, lovely visit, the parking was easy and everyone was so kind to me. " * 5
    after = " Also, when can I wear makeup again, and do you sell the sunscreen I tried? " * 5
    text = f"{before}My tongue has been swelling since dinner.{after}"
    verdict = screen.verdict(text)
    assert verdict.tier is EMERGENCY
    (span,) = {(s.start, s.end) for s in verdict.spans}
    assert text[slice(*span)].lower().startswith("tongue")


@pytest.mark.parametrize(
    "text",
    [
        "my pug wheezes so the vet visit runs late, can I come at 5",
        "the dog is sick, can I move my slot",
        "red streaks of mud all over my car",
        "our apartment has a water boil notice",
        "mi perro no puede respirar bien por el calor",
    ],
)
def test_animals_and_things_raise_no_alarm(screen: Screen, text: str) -> None:
    assert screen.verdict(text).tier is NONE


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("my dog ate the numbing cream", EMERGENCY),
        ("my dog licked my face and now my face is hot and I have chills", EMERGENCY),
        ("I'm in the car and I can't breathe", EMERGENCY),
        ("my shirt is soaked in blood from my chin", EMERGENCY),
    ],
)
def test_a_thing_in_the_sentence_hides_no_sign_of_the_patient(
    screen: Screen, text: str, tier: Tier
) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("A guy at work burned his hand and the skin came off", NONE),
        ("My coworker went into anaphylaxis from a bee sting", NONE),
        ("my coworker is on your floor and won't wake up", EMERGENCY),
        ("a lady in your waiting room is having a seizure", EMERGENCY),
        ("my neighbor's cheek is turning black since you treated her", EMERGENCY),
    ],
)
def test_distant_people_are_a_story_unless_it_happens_now_or_here(
    screen: Screen, text: str, tier: Tier
) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("I'm a cardiac nurse on a stroke floor", NONE),
        ("I teach first aid and next week is seizures", NONE),
        ("I'm a nurse and my throat is closing", EMERGENCY),
        ("I teach yoga and I can't breathe", EMERGENCY),
    ],
)
def test_work_talk_ends_where_the_report_starts(screen: Screen, text: str, tier: Tier) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("My lips turn blue when I swim, always did since a kid", NONE),
        ("I get dizzy on boats, is the chair steady", NONE),
        ("I've had ringing in my ears since the Navy", NONE),
        ("my lips turned blue since the cream", EMERGENCY),
        ("I always get dizzy but now it's with the cream on and my ears ring", EMERGENCY),
    ],
)
def test_habits_are_no_signs_unless_something_is_new(screen: Screen, text: str, tier: Tier) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("Is everybody there trained for allergic reactions?", NONE),
        ("do you treat swollen glands?", NONE),
        ("do you treat my swollen throat? it's closing", EMERGENCY),
        ("can you help, she can't breathe?", EMERGENCY),
    ],
)
def test_a_question_about_nobody_is_general(screen: Screen, text: str, tier: Tier) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("My toddler has a fever of 102, I need to cancel Thursday", NONE),
        ("Uncle Joe is fine but my dad had a heart attack, please reschedule me", NONE),
        ("Mi hija trae fiebre, quiero cancelar la de mañana", NONE),
        ("My toddler ate the numbing cream, I need to cancel Thursday", EMERGENCY),
        ("My husband has a fever since the session, please reschedule him", URGENT),
        ("My sister can't breathe right now, cancel tomorrow", EMERGENCY),
        ("I need to cancel for my son, also I can't breathe", EMERGENCY),
    ],
)
def test_a_relative_who_is_ill_is_a_reason_to_call_off(
    screen: Screen, text: str, tier: Tier
) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ('The consent form has "chest pain or fainting" on it, do I initial that?', NONE),
        ("the consent form has quote chest pain unquote on it, do I initial that", NONE),
        ('I signed the form, and "chest pain" is what I have', EMERGENCY),
        ('The doctor wrote "chest pain" and sent me home, it is worse', EMERGENCY),
        ('I signed the form "all good" but my throat is closing', EMERGENCY),
    ],
)
def test_what_is_quoted_from_a_document_is_no_report(screen: Screen, text: str, tier: Tier) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("the swelling is gone, can I book again", NONE),
        ("the swelling isn't gone, day 6 and it gets bigger", URGENT),
        ("swelling is worse today is parking free?", URGENT),
        ("passed out and what's the price for three?", EMERGENCY),
    ],
)
def test_what_is_over_and_what_is_not(screen: Screen, text: str, tier: Tier) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("I'm petrified of getting an infection", NONE),
        ("I dreamt that my eye got stabbed, calm me down", NONE),
        ("with my luck I'd be the one with an infection", NONE),
        ("petrified, my lips are swelling", EMERGENCY),
        ("I'm scared, I imagine it's nothing but my throat is closing", EMERGENCY),
    ],
)
def test_what_is_feared_or_dreamt_is_no_report(screen: Screen, text: str, tier: Tier) -> None:
    assert screen.verdict(text).tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        # What went away by itself, days ago.
        ("hives on my neck went away by themselves", NONE),
        ("the pus is all gone now", NONE),
        ("la calentura ya se me quitó", NONE),
        ("Puffy eyelids for two days, gone by Sunday.", NONE),
        ("the pus went away but its back", URGENT),
        ("hives went away overnight, they came back this morning", URGENT),
        ("the rash went away with benadryl", URGENT),
        ("fever last night, gone this morning", URGENT),
        ("my cheek is oozing. headache went away", URGENT),
        ("redness spreading, fever gone", EMERGENCY),
        ("my throat was closing, it went away", EMERGENCY),
        ("I passed out, all better now", EMERGENCY),
        # A date in the next sentence.
        ("I fainted at the sink. That was in college.", NONE),
        ("Me desmayé en la playa. Fue hace tres años.", NONE),
        ("I fainted in the car. That was a year ago. Now I fainted again", EMERGENCY),
        ("I got hives from your cream. That was in may. still have it", URGENT),
        ("a bee got my aunt in the summer of '18 and her eye was swollen shut", NONE),
        ("took 2000 mg of tylenol and my fever is 102", URGENT),
        # Filled-in lists.
        ("fever: n, pus: none, blisters: none", NONE),
        ("Pus, no. Blisters, no. Pink, yes.", NONE),
        ("fiebre no, pus no, ampollas no", NONE),
        ("fever yes, pus no", EMERGENCY),
        ("pus yes fever no chills no", EMERGENCY),
        ("swelling, no, not going down. pus, yes", URGENT),
        ("at no point did the fever go down", URGENT),
        # Quoted, and not.
        ("Line 3 of the page: 'call for pus or fever.' Is that Celsius?", NONE),
        ('The magnet says "face drooping, arm weak: call 911". May I take some?', NONE),
        ('my chin is "oozing" as your page calls it', URGENT),
        ("Your sheet says to call for pus or a fever. I have both", EMERGENCY),
        # Pets and things.
        ("our old cat has pus in one eye, so I am late", NONE),
        ("mi perrito salió con ronchas, llego tarde", NONE),
        ("the tomato plants have black spots spreading everywhere", NONE),
        ("my dog bit me in the face, bleeding wont stop", EMERGENCY),
        ("my dog jumped and hit my eye, its swollen shut", URGENT),
        ("came home with the dog, she passed out on the porch", EMERGENCY),
        ("the dog found him collapsed on the floor, wont wake up", EMERGENCY),
        ("He's on the floor with the dog, sweating buckets", EMERGENCY),
        # What-ifs.
        ("If I ever woke up with pus, whom do I ring?", NONE),
        ("Should an allergic reaction come at night, do I call you?", NONE),
        ("qué tal si me desmayo", NONE),
        ("should my face be oozing", URGENT),
        ("my husband thinks it could be infected", URGENT),
        ("my lips are swelling, is that you or 911?", EMERGENCY),
    ],
)
def test_how_a_statement_is_meant(screen: Screen, text: str, tier: Tier) -> None:
    verdict = screen.verdict(text)
    if tier is NONE:
        assert verdict.tier < URGENT
    else:
        assert verdict.tier is tier


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        # Figures of speech and the same words in earnest.
        ("this waitlist is going to give me a heart attack", NONE),
        ("this cream is giving me hives", URGENT),
        ("almost passed out laughing at your post", NONE),
        ("she passed out in the lobby, nobody is laughing", EMERGENCY),
        ("my head is spinning from all the packages, which is cheapest", NONE),
        ("my head is spinning and my lips are numb, the cream is still on", EMERGENCY),
        ("I want to die my hair copper before friday", NONE),
        ("I want to die since you did my face", EMERGENCY),
        ("there is a rash of break ins by your lot", NONE),
        ("there is a rash all over my neck since your cream", URGENT),
        ("cant open my eyes before 9am so no early slot", NONE),
        ("cant open my eye this morning, the lid is so swollen", URGENT),
        ("bubble wrap from your package kept my son busy", NONE),
        ("i got like bubble wrap on my chin, clear stuff inside", URGENT),
        ("no puedo ni respirar de la emoción, mañana me toca", NONE),
        ("no puedo ni respirar bien desde que me pusieron la crema", EMERGENCY),
        ("take the red line to central, is that still right", NONE),
        ("a red line runs up my neck from the cheek", URGENT),
        ("si algún día me diera fiebre, ¿a quién llamo?", NONE),
        ("me dio fiebre, ¿a quién llamo?", URGENT),
        # Signs told by things that look or act like them.
        ("it feels like a stone slab lying on my chest", EMERGENCY),
        ("husband keeps missing his mouth with the spoon since noon", EMERGENCY),
        ("the pills are already counted out", EMERGENCY),
        # "Outgrown" is history of an allergy, and growth of what is drawn around.
        ("one cheek has outgrown the other, day 4", URGENT),
        ("the red has outgrown the pen line we drew this morning", URGENT),
        ("I had hives from strawberries as a kid but outgrew it", NONE),
        ("round my mouth is bluish since the numbing cream", EMERGENCY),
    ],
)
def test_a_figure_of_speech_is_told_from_a_sign(screen: Screen, text: str, tier: Tier) -> None:
    verdict = screen.verdict(text)
    if tier is NONE:
        assert verdict.tier < URGENT
    else:
        assert verdict.tier >= tier
