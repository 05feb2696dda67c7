"""The action for patients who want a person."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.resources import resources
from actions.turn import hand_over, read_turn, say
from bot.db import utc_now
from bot.messages import Outcome, Reply, Tier


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
        complaint = turn.understood.intent == "complain"
        with shared.database.transaction() as session:
            hand_over(
                session,
                turn,
                Tier.ROUTINE,
                "complaint" if complaint else "asked_for_staff",
                utc_now(),
            )
        text = shared.texts["complaint" if complaint else "staff_requested"]
        say(dispatcher, turn, Outcome.STAFF_REQUESTED, [Reply(text)])
        return []
