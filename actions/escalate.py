"""The third net: Rasa understood a message as a symptom that triage let pass."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import respond
from actions.resources import resources
from actions.turn import Turn, details_offer, hand_over, read_turn, say
from bot.conversations.transcript import NETS_DISAGREE, wordings_said
from bot.db import utc_now
from bot.messages import Language, Outcome, Tier, Verdict


class ActionEscalate(Action):
    """Opens the escalation first, then says the approved wording."""

    def name(self) -> str:
        """As in `domain.yml`."""
        return "action_escalate"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by Rasa for `report_emergency` and `report_symptom`."""
        shared = resources()
        turn = read_turn(tracker, shared.answers_by_entity)
        if harmless(turn):
            respond(dispatcher, turn, shared)
            return []
        tier = max(tier_of(turn.understood.intent, turn.alarm), turn.tier)
        now = utc_now()
        with shared.database.transaction() as session:
            # Below urgent for the other nets, a report of a symptom for this one.
            doubt = NETS_DISAGREE if turn.tier < Tier.URGENT else None
            escalation = hand_over(session, turn, tier, "symptom", now, review_reason=doubt)
            told = wordings_said(session, escalation)
        if tier is Tier.ROUTINE:
            offer = details_offer(turn, shared.texts, turn.language)
            reply = shared.texts.reply("concern", offer, turn.language)
            say(dispatcher, turn, Outcome.ESCALATED_ROUTINE, [reply], tier)
            return []
        language: Language = "es" if turn.language == "es" else "en"
        reply = shared.urgent.for_verdict(
            Verdict(tier=tier, nets=("rasa",), rule_ids=turn.rule_ids, language=language),
            shared.clinic.placeholders_at(now, language),
            open_now=shared.clinic.is_open(now),
            told=told,
            earlier=escalation.rule_ids,
        )
        say(dispatcher, turn, Outcome(f"escalated_{tier.name.lower()}"), [reply], tier)
        return []


SYMPTOM_INTENTS = frozenset({"report_emergency", "report_symptom"})
ALARM = 0.5
"""Least probability of an alarm, by the learned net, for Rasa's word to count in full."""
QUIET = 0.1
"""Below this probability of an alarm the learned net hears nothing at all."""
DOUBTFUL = 0.5
"""Below this probability an intent alone hands nobody over."""


def harmless(turn: Turn) -> bool:
    """Whether nothing but a doubtful intent speaks of a symptom ("treatment", one word)."""
    return (
        turn.tier is Tier.NONE
        and turn.alarm is not None
        and turn.alarm < QUIET
        and turn.understood.confidence < DOUBTFUL
    )


def tier_of(intent: str, alarm: float | None) -> Tier:
    """The tier that a symptom intent raises where the other nets stayed below urgent.

    Args:
        intent: ``report_emergency`` or ``report_symptom``.
        alarm: How likely the learned net holds an urgent or emergency message; None when
            it is not at work, and then the intent alone decides.

    Returns:
        The intent's own tier if the learned net half agrees, else ROUTINE: staff follow up
        on a symptom in any case (dark marks, milia, redness past a week).
    """
    if alarm is not None and alarm < ALARM:
        return Tier.ROUTINE
    return Tier.EMERGENCY if intent == "report_emergency" else Tier.URGENT
