"""The wording of an emergency: complete, short enough, and never an exception."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.errors import RuleFileError
from bot.messages import Language, Tier, Verdict
from bot.replies.segments import is_gsm7, part_count
from bot.triage.screen import Screen
from bot.triage.urgent_replies import KINDS, UrgentReplies, load_urgent_replies

PLACEHOLDERS = {
    "phone": "(916) 555-0142",
    "after_hours_phone": "(916) 555-0177",
    "clinic_name": "Elk Grove Skin Clinic",
    "next_opening": "tomorrow at 9:00 am",
    "next_opening_sms": "Tue Nov 24, 9:00 am",
}


@pytest.mark.parametrize(
    ("text", "open_now", "told", "kind"),
    [
        ("cant breathe", True, [], "emergency"),
        ("cant breathe", False, ["emergency"], "emergency_repeat"),
        ("cant breathe", True, ["urgent_open"], "emergency"),
        ("cant breathe", True, ["self_harm"], "emergency"),
        ("cant breathe", True, ["emergency_self_harm"], "emergency_repeat"),
        ("theres pus", True, [], "urgent_open"),
        ("theres pus", False, [], "urgent_closed"),
        ("theres pus", True, ["urgent_open"], "urgent_repeat"),
        ("theres pus", False, ["urgent_open"], "urgent_repeat"),
        ("i want to die", True, [], "self_harm"),
        ("i want to die", False, ["self_harm"], "self_harm_repeat"),
        ("i want to die", True, ["emergency"], "self_harm"),
        ("i want to die, chest pain", True, [], "emergency_self_harm"),
        ("i want to die, chest pain", True, ["self_harm"], "emergency_self_harm"),
        (
            "i want to die, chest pain",
            True,
            ["self_harm", "emergency"],
            "emergency_self_harm_repeat",
        ),
        ("my baby ate the numbing cream", True, [], "poison"),
        ("my baby ate the numbing cream", True, ["poison"], "poison_repeat"),
        ("my baby ate the numbing cream and is having a seizure", True, ["poison"], "emergency"),
        ("me quiero morir", True, [], "self_harm"),
        ("theres pus and i want to die", True, [], "self_harm"),
        ("hello", True, [], "urgent_open"),
    ],
)
def test_kind_of_wording(
    screen: Screen,
    urgent_replies: UrgentReplies,
    text: str,
    open_now: bool,
    told: list[str],
    kind: str,
) -> None:
    assert urgent_replies.kind(screen.verdict(text), open_now, told) == kind


@pytest.mark.parametrize(
    "text",
    [
        *("cant breathe", "theres pus", "i want to die", "my baby ate the numbing cream"),
        *("i want to die, chest pain", "no puedo respirar"),
    ],
)
@pytest.mark.parametrize("open_now", [True, False])
def test_however_often_it_is_said_nobody_reads_the_same_twice_running(
    screen: Screen, urgent_replies: UrgentReplies, text: str, open_now: bool
) -> None:
    told: list[str] = []
    texts: list[tuple[str, str | None]] = []
    for _ in range(6):
        reply = urgent_replies.for_verdict(screen.verdict(text), PLACEHOLDERS, open_now, told)
        assert reply.wording is not None
        told.append(reply.wording)
        texts.append((reply.text, reply.sms))
    assert all(a != b for a, b in pairwise(texts))
    assert told.count(told[0]) == 1, "in full once"


def test_emergency_of_the_learned_net_alone_says_911(urgent_replies: UrgentReplies) -> None:
    verdict = Verdict(tier=Tier.EMERGENCY, nets=("tier_model",))
    reply = urgent_replies.for_verdict(verdict, PLACEHOLDERS, open_now=True)
    assert reply.text.startswith("Call 911 now.")
    assert reply.sms is not None
    assert "911" in reply.sms


@pytest.mark.parametrize(
    ("rule_ids", "earlier", "kind"),
    [
        ((), ("E15-self-harm",), "emergency_self_harm"),
        ((), ("E14-swallowed-numbing-cream",), "emergency_unnamed"),
        ((), (), "emergency_unnamed"),
        (("E1-cannot-breathe",), ("E15-self-harm",), "emergency"),
        (("E15-self-harm",), ("E1-cannot-breathe",), "self_harm"),
    ],
)
def test_an_emergency_without_a_name_after_words_of_dying_says_911_and_988(
    urgent_replies: UrgentReplies, rule_ids: tuple[str, ...], earlier: tuple[str, ...], kind: str
) -> None:
    verdict = Verdict(tier=Tier.EMERGENCY, rule_ids=rule_ids)
    assert urgent_replies.kind(verdict, True, earlier=earlier) == kind


VERDICTS = [
    Verdict(tier=tier, rule_ids=rule_ids, language=language)
    for tier, rule_ids, language in product(
        Tier,
        [(), ("E15-self-harm",), ("E14-swallowed-numbing-cream",), ("E1-cannot-breathe",), ("?",)],
        ("en", "es"),
    )
]


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("open_now", [True, False])
@pytest.mark.parametrize("short", [None, "_repeat", "_again"])
def test_every_wording_is_whole_and_fits_two_sms_parts(
    urgent_replies: UrgentReplies, verdict: Verdict, open_now: bool, short: str | None
) -> None:
    told: list[str] = []
    if short:
        sign = urgent_replies.kind(verdict, open_now)
        told = (
            [sign] if short == "_repeat" else [sign, urgent_replies.kind(verdict, open_now, [sign])]
        )
    reply = urgent_replies.for_verdict(verdict, PLACEHOLDERS, open_now, told)
    assert reply.wording is not None
    assert short is None or reply.wording.endswith(short)
    assert reply.sms is not None
    assert is_gsm7(reply.sms)
    assert part_count(reply.sms) <= 2
    for text in (reply.text, reply.sms):
        assert "911" in text
        assert not re.search(r"[{}]", text)
        # No questions, no promise of a time.
        assert "?" not in text.replace("Nobody reached today?", "").replace(
            "Nobody reached?", ""
        ).replace("Not spoken with anyone yet?", "")
        assert not re.search(r"minutes|shortly|soon|minutos|pronto", text)
        assert not re.search(r"don't worry|no se preocupe|normal", text, re.IGNORECASE)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_missing_particulars_never_stop_a_reply(
    urgent_replies: UrgentReplies, verdict: Verdict
) -> None:
    reply = urgent_replies.for_verdict(verdict, {}, open_now=False)
    assert reply.text
    assert not re.search(r"[{}]", reply.text + (reply.sms or ""))


@pytest.mark.parametrize("language", ["en", "es"])
def test_emergency_says_what_the_fact_sheet_says_in_its_order(
    urgent_replies: UrgentReplies, language: Language
) -> None:
    verdict = Verdict(tier=Tier.EMERGENCY, language=language)
    text = urgent_replies.for_verdict(verdict, PLACEHOLDERS, True).text
    steps = {
        "en": ["911", "Do not drive yourself", "do not wait for the clinic", "alerted"],
        "es": ["911", "No maneje", "no espere a la clínica", "avisó"],
    }[language]
    places = [text.index(step) for step in steps]
    assert places == sorted(places)
    assert "Outside the US" in text or "Fuera de Estados Unidos" in text


def test_after_hours_wording_names_the_after_hours_number(urgent_replies: UrgentReplies) -> None:
    verdict = Verdict(tier=Tier.URGENT)
    reply = urgent_replies.for_verdict(verdict, PLACEHOLDERS, open_now=False)
    assert PLACEHOLDERS["after_hours_phone"] in reply.text
    assert "opens again tomorrow at 9:00 am." in reply.text
    assert reply.sms is not None
    assert "opens Tue Nov 24, 9:00 am" in reply.sms
    assert "urgent care" in reply.text


def test_value_with_a_brace_is_not_filled_again(urgent_replies: UrgentReplies) -> None:
    reply = urgent_replies.for_verdict(
        Verdict(tier=Tier.URGENT), {**PLACEHOLDERS, "phone": "{clinic_name}"}, True
    )
    assert "{clinic_name}" in reply.text


def test_the_shipped_wording_is_marked_as_a_draft(urgent_replies: UrgentReplies) -> None:
    assert urgent_replies.status == "draft"
    assert urgent_replies.owner == "Medical lead"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["replies"].pop("poison"), "'poison' is missing"),
        (lambda d: d["replies"].update(soothing={}), "unknown key 'soothing'"),
        (lambda d: d["replies"]["emergency"].pop("es"), "'es' is missing"),
        (lambda d: d["replies"]["emergency"]["en"].pop("sms"), "'sms' is missing"),
        (lambda d: d["replies"]["emergency"]["en"].update(web="Call."), "must say 911"),
        (lambda d: d["replies"]["poison"]["es"].update(sms="911"), "must say 1-800-222-1222"),
        (lambda d: d["replies"]["self_harm"]["en"].update(sms="911"), "must say 988"),
        (lambda d: d["replies"]["emergency"]["en"].update(sms="911 “now”"), "GSM"),
        (lambda d: d["replies"]["emergency"]["en"].update(sms="911 " * 90), "SMS parts"),
        (lambda d: d["replies"]["emergency"]["en"].update(web="911 {fax}"), "unknown placeholder"),
        (lambda d: d["replies"]["emergency"]["en"].update(web="911 {"), "brace is left over"),
        (lambda d: d["replies"]["emergency"]["en"].update(web=" "), "must be text"),
        (lambda d: d.update(status="done"), "must be one of"),
        (lambda d: d.pop("reviewed_on"), "'reviewed_on' is missing"),
    ],
)
def test_wording_with_a_fault_is_refused(
    screen: Screen,
    triage_data: Path,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], object],
    words: str,
) -> None:
    data = yaml.safe_load((triage_data / "urgent_replies.yml").read_text(encoding="utf-8"))
    change(data)
    path = tmp_path / "urgent_replies.yml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(RuleFileError) as caught:
        load_urgent_replies(path, screen.rules)
    assert words in caught.value.detail


def test_every_kind_a_rule_can_name_is_worded(screen: Screen) -> None:
    for rule in screen.rules.rules:
        assert rule.reply in ("urgent", *KINDS)


def test_an_emergency_without_a_name_is_said_in_full_once(urgent_replies: UrgentReplies) -> None:
    unnamed = Verdict(tier=Tier.EMERGENCY)
    named = Verdict(tier=Tier.EMERGENCY, rule_ids=("E1-cannot-breathe",))
    assert urgent_replies.kind(unnamed, True, told=["emergency_unnamed"]) == "emergency_repeat"
    assert urgent_replies.kind(named, True, told=["emergency_unnamed"]) == "emergency_repeat"
    assert urgent_replies.kind(unnamed, True, told=["emergency"]) == "emergency_repeat"
