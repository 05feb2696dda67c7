"""The action for patients who want a person."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.answer import answers_better, respond
from actions.resources import resources
from actions.turn import details_offer, hand_over, read_turn, say
from bot.db import utc_now
from bot.messages import Outcome, Tier

DOUBTFUL = 0.4
"""Below this probability a clear answer goes before handing over."""


class ActionContactStaff(Action):
    """Hands the conversation to staff and says how to reach the clinic meanwhile."""

    def name(self) -> str:
        """As in `domain.yml`."""
        return "action_contact_staff"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by Rasa for `request_human` and `complain`."""
        shared = resources()
        turn = read_turn(tracker, shared.answers_by_entity)
        if turn.understood.confidence < DOUBTFUL and answers_better(turn, shared):
            respond(dispatcher, turn, shared)
            return []
        complaint = turn.understood.intent == "complain"
        with shared.database.transaction() as session:
            hand_over(
                session,
                turn,
                Tier.ROUTINE,
                "complaint" if complaint else "asked_for_staff",
                utc_now(),
            )
        name = "complaint" if complaint else "staff_requested"
        # A button carries no words to read the language from; intake says it.
        told = (tracker.latest_message.get("metadata") or {}).get("language", turn.language)
        if told == "es":
            name = "staff_requested_es"
        reply = shared.texts.reply(name, details_offer(turn, shared.texts, told))
        say(dispatcher, turn, Outcome.STAFF_REQUESTED, [reply])
        return []
