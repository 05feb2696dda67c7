"""The fixed wording for emergencies and urgent signs, checked when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from bot.messages import Language, Reply, Tier, Verdict
from bot.replies.hours import LONGEST_OPENING, LONGEST_OPENING_SMS
from bot.replies.segments import is_gsm7, part_count
from bot.triage.rule_file import LANGUAGES
from bot.triage.rules import RuleSet
from bot.triage.strict_file import Node, read_file

URGENT_REPLIES_FILE: Final = "urgent_replies.yml"

# Kind to what every form of it must say: a number that was lost in editing
# would otherwise be missed only when it is needed.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "emergency": ("911",),
    "emergency_unnamed": ("911", "988"),
    "emergency_repeat": ("911",),
    "emergency_again": ("911",),
    "emergency_self_harm": ("911", "988"),
    "emergency_self_harm_repeat": ("911", "988"),
    "emergency_self_harm_again": ("911", "988"),
    "urgent_open": ("{phone}", "911"),
    "urgent_closed": ("{after_hours_phone}", "911"),
    "urgent_repeat": ("{phone}", "{after_hours_phone}", "911"),
    "urgent_again": ("{phone}", "{after_hours_phone}", "911"),
    "self_harm": ("988", "911"),
    "self_harm_repeat": ("988", "911"),
    "self_harm_again": ("988", "911"),
    "poison": ("1-800-222-1222", "911"),
    "poison_repeat": ("1-800-222-1222", "911"),
    "poison_again": ("1-800-222-1222", "911"),
    "emergency_unstored": ("911", "NO"),
    "emergency_self_harm_unstored": ("911", "988", "NO"),
    "urgent_unstored": ("{phone}", "{after_hours_phone}", "911", "NO"),
    "self_harm_unstored": ("988", "911", "NO"),
    "poison_unstored": ("1-800-222-1222", "911", "NO"),
}
# As long as the values of a real clinic may be, so that a text that fits
# with them also fits in use.
_LONGEST: Final[Mapping[str, str]] = {
    "phone": "(000) 000-0000 x000",
    "after_hours_phone": "(000) 000-0000 x000",
    "clinic_name": "x" * 40,
    "next_opening": LONGEST_OPENING,
    "next_opening_sms": LONGEST_OPENING_SMS,
}
# Said in place of a value that is missing at run time: better vague than silent.
_MISSING: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "phone": "the clinic's phone number",
        "after_hours_phone": "the after-hours number",
        "clinic_name": "the clinic",
        "next_opening": "at its usual hours",
        "next_opening_sms": "later",
    },
    "es": {
        "phone": "el número de la clínica",
        "after_hours_phone": "el número fuera de horario",
        "clinic_name": "la clínica",
        "next_opening": "en su horario habitual",
        "next_opening_sms": "luego",
    },
}
_MAX_PARTS: Final = 2
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class _Wording:
    web: str
    sms: str


class UrgentReplies:
    """All wordings, by kind and language.

    Attributes:
        status: ``draft`` until a clinician signs, then ``signed``.
        owner: Who answers for the wording.
        reviewed_on: When it was last reviewed.
    """

    def __init__(
        self,
        wordings: Mapping[tuple[str, Language], _Wording],
        kind_of_rule: Mapping[str, str],
        *,
        status: str,
        owner: str,
        reviewed_on: date,
    ) -> None:
        self._wordings = dict(wordings)
        self._kind_of_rule = dict(kind_of_rule)
        self.status = status
        self.owner = owner
        self.reviewed_on = reviewed_on

    def for_verdict(
        self,
        verdict: Verdict,
        placeholders: Mapping[str, str],
        open_now: bool,
        told: Sequence[str] = (),
        earlier: Sequence[str] = (),
    ) -> Reply:
        """Return the wording for a verdict. Never raises.

        Args:
            verdict: EMERGENCY or URGENT. A lower tier has no wording of its
                own and gets the urgent one, the careful mistake.
            placeholders: The clinic's particulars, see ``Clinic.placeholders_at``.
            open_now: Whether the clinic is open.
            told: The wordings that the patient already read in this escalation,
                in order.
            earlier: Rules that earlier messages of this escalation set off.
        """
        return self._reply(self.kind(verdict, open_now, told, earlier), verdict, placeholders)

    def unstored(self, verdict: Verdict, placeholders: Mapping[str, str]) -> Reply:
        """Return the wording for a message that could not be saved: staff have not been told.

        Never raises.
        """
        return self._reply(f"{self._sign(verdict, ())}_unstored", verdict, placeholders)

    def _reply(self, kind: str, verdict: Verdict, placeholders: Mapping[str, str]) -> Reply:
        wording = self._wordings[kind, verdict.language]
        values = {**_MISSING[verdict.language], **placeholders}
        return Reply(text=_fill(wording.web, values), sms=_fill(wording.sms, values), wording=kind)

    def kind(
        self,
        verdict: Verdict,
        open_now: bool,
        told: Sequence[str] = (),
        earlier: Sequence[str] = (),
    ) -> str:
        """Return which of ``KINDS`` fits the verdict: in full once, then in short.

        The two short forms alternate, so that nobody reads the same twice running.
        """
        sign = self._sign(verdict, earlier)
        if not _read_in_full(sign, told):
            if sign == "urgent":
                return "urgent_open" if open_now else "urgent_closed"
            if sign == "emergency" and not self._emergencies(verdict.rule_ids):
                # Only the learned net found it, which cannot tell a wish to die from a stroke.
                return "emergency_unnamed"
            return sign
        return f"{sign}_again" if told[-1] == f"{sign}_repeat" else f"{sign}_repeat"

    def _sign(self, verdict: Verdict, earlier: Sequence[str]) -> str:
        """What kind of sign it is: the first part of a kind's name."""
        if verdict.tier < Tier.EMERGENCY:
            return "urgent"
        kinds = self._emergencies(verdict.rule_ids)
        if not kinds:
            # The learned net names no rule: its emergencies are of the general kind. But
            # somebody who spoke of dying may have gone on about that, so it says both.
            kinds = {"emergency"} | (self._emergencies(earlier) & {"self_harm"})
        if "self_harm" in kinds:
            return "self_harm" if kinds == {"self_harm"} else "emergency_self_harm"
        # Swallowed cream and any other sign: 911 comes before Poison Control.
        return "poison" if kinds == {"poison"} else "emergency"

    def _emergencies(self, rule_ids: Sequence[str]) -> set[str]:
        kinds = {self._kind_of_rule.get(rule_id, "urgent") for rule_id in rule_ids}
        return kinds & {"emergency", "self_harm", "poison"}


def _read_in_full(sign: str, told: Sequence[str]) -> bool:
    if sign == "urgent":
        # The short form names both numbers, so it is right by day and by night.
        return "urgent_open" in told or "urgent_closed" in told
    if sign == "emergency_self_harm":
        return sign in told or {"emergency", "self_harm"} <= set(told)
    whole = {"emergency_self_harm"} if sign in ("emergency", "self_harm") else set()
    if sign == "emergency":
        whole.add("emergency_unnamed")
    return not whole.isdisjoint(told) or sign in told


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values.get(match.group(1), ""), text).strip()


def load_urgent_replies(path: Path, rules: RuleSet) -> UrgentReplies:
    """Load the wordings and check all that can go wrong with them.

    Raises:
        RuleFileError: A kind, language or form is missing, a wording misses a
            number it must hold, names an unknown placeholder, or does not fit
            two SMS parts in the GSM alphabet.
    """
    file = read_file(path).mapping(required=("status", "owner", "reviewed_on", "replies"))
    wordings: dict[tuple[str, Language], _Wording] = {}
    for kind, node in file["replies"].mapping(required=tuple(KINDS)).items():
        for language, forms in node.mapping(required=LANGUAGES).items():
            parts = forms.mapping(required=("web", "sms"))
            for part in parts.values():
                _check(part, KINDS[kind])
            _check_sms(parts["sms"])
            wording = _Wording(parts["web"].text(), parts["sms"].text())
            wordings[kind, "es" if language == "es" else "en"] = wording
    return UrgentReplies(
        wordings,
        {rule.id: rule.reply for rule in rules.rules if rule.tier >= Tier.URGENT},
        status=file["status"].one_of(("draft", "signed")),
        owner=file["owner"].text(),
        reviewed_on=file["reviewed_on"].day(),
    )


def _check(node: Node, must_say: tuple[str, ...]) -> None:
    text = node.text()
    for name in _PLACEHOLDER.findall(text):
        if name not in _LONGEST:
            raise node.error(f"unknown placeholder {{{name}}}")
    if "{" in _fill(text, _LONGEST) or "}" in _fill(text, _LONGEST):
        raise node.error("a brace is left over")
    for words in must_say:
        if words not in text:
            raise node.error(f"must say {words}")


def _check_sms(node: Node) -> None:
    filled = _fill(node.text(), _LONGEST)
    if not is_gsm7(filled):
        raise node.error("a character is outside the GSM alphabet")
    if part_count(filled) > _MAX_PARTS:
        raise node.error(f"is longer than {_MAX_PARTS} SMS parts once filled")
