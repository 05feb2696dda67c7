"""The action for greetings, thanks and the like."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.resources import resources
from actions.turn import read_turn, say
from bot.messages import Outcome, Reply

SHOWS_QUICK_REPLIES = frozenset({"greet", "chitchat", "affirm"})


class ActionSmallTalk(Action):
    """Says the text of `data/replies.yml` that carries the intent's name."""

    def name(self) -> str:
        """As in `domain.yml`."""
        return "action_small_talk"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by Rasa for small-talk intents."""
        shared = resources()
        turn = read_turn(tracker, shared.answers_by_entity)
        intent = turn.understood.intent
        buttons = shared.texts.quick_replies if intent in SHOWS_QUICK_REPLIES else ()
        if intent == "bot_challenge":
            buttons = (shared.texts.person_button(),)
        say(dispatcher, turn, Outcome.SMALLTALK, [Reply(shared.texts[intent], buttons=buttons)])
        return []
