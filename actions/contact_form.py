"""The contact form: asks where staff can call back, takes no for an answer."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import yaml
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher
from sqlalchemy import func, select

from actions.answer import ActionAnswer
from actions.contact import ActionContactStaff
from actions.escalate import SYMPTOM_INTENTS, ActionEscalate, harmless
from actions.fallback import ActionFallback
from actions.resources import Resources, resources
from actions.small_talk import ActionSmallTalk
from actions.turn import Turn, hand_over, read_turn, say
from bot.conversations import contacts
from bot.conversations.contacts import ContactDetails
from bot.conversations.escalations import unresolved
from bot.conversations.models import Message
from bot.db import utc_now
from bot.errors import InvalidInbound
from bot.messages import Button, Outcome, Reply, Tier
from bot.replies.texts import NO_THANKS, SKIP
from bot.settings import ROOT

NAME, REACH, TIME = ASKED = ("contact_name", "contact_reach", "contact_time")
PROBLEM, END, ASKED_AT = OWN = ("contact_problem", "contact_end", "contact_asked_at")
"""Slots: what is asked for holds ``given`` or ``skipped``, never the words themselves.
``contact_asked_at`` holds the message we asked at and the language of the form: a name or a
number is in none.
"""
GIVEN, SKIPPED, STOPPED, OTHER = "given", "skipped", "stopped", "other"

_SKIP: Final = re.compile(
    r"\W*(skip( (it|this|that))?|pass|next( one)?|(i'?d )?(rather|prefer) not( to)?( say)?"
    r"|omitir|saltar|paso|prefiero no( decir(lo)?)?)\W*",
    re.IGNORECASE,
)
_STOP: Final = re.compile(
    r"\W*(no|nope|stop|cancel|quit|never ?mind|forget (it|about it)|alto|basta|cancelar)"
    r"\W*|.*\b(no,? thank(s| you)|stop asking|don'?t (ask|want to)|leave me alone|no,? gracias"
    r"|dej[ae]n? de preguntar|ya no pregunte|no quiero)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_QUESTION: Final = re.compile(
    r".*[?¿].*|\W*(what|how|why|where|which|can|could|should|is|are|does?|will"
    r"|qu[eé]|c[oó]mo|cu[aá]nto|d[oó]nde|puedo|por qu[eé])\b.*",
    re.IGNORECASE | re.DOTALL,
)


class ValidateContactForm(Action):
    """Takes each answer of the patient, or ends the form."""

    def name(self) -> str:
        """As Rasa expects it for `contact_form`."""
        return "validate_contact_form"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by Rasa when the form starts and after every message while it is active."""
        shared = resources()
        turn = read_turn(tracker, shared.answers_by_entity)
        asked = tracker.get_slot("requested_slot")
        if asked is None:
            return [SlotSet(ASKED_AT, [turn.message_id, _language_of_message(tracker)])]
        here = SlotSet(ASKED_AT, [turn.message_id, language(tracker)])
        if _interrupted(turn, (tracker.get_slot(ASKED_AT) or [None])[0], shared):
            return _end(OTHER)
        if _STOP.fullmatch(turn.text):
            return _end(STOPPED)
        if _SKIP.fullmatch(turn.text):
            return [here, SlotSet(asked, SKIPPED), SlotSet(PROBLEM, None)]
        reach = _reach(turn.text)
        if reach is not None:
            _save(turn, reach, shared)
            return [here, SlotSet(REACH, GIVEN), SlotSet(PROBLEM, None)]
        if _asks_something_else(turn, asked):
            return _end(OTHER)
        try:
            _save(turn, _read(asked, turn.text), shared)
        except InvalidInbound:
            again = tracker.get_slot(PROBLEM) == asked
            # Asked twice in vain: the next question, rather than a third time.
            return [here, SlotSet(asked, SKIPPED if again else None), SlotSet(PROBLEM, asked)]
        return [here, SlotSet(asked, GIVEN), SlotSet(PROBLEM, None)]


class _Ask(Action):
    """One question of the form, with the ways out."""

    slot = ""

    def name(self) -> str:
        """As Rasa expects it for the slot."""
        return f"action_ask_{self.slot}"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by the form."""
        shared = resources()
        turn = read_turn(tracker, shared.answers_by_entity)
        again = "_again" if tracker.get_slot(PROBLEM) == self.slot else ""
        text = shared.texts.in_language(f"{self.slot}{again}", language(tracker))
        buttons = tuple(
            Button(button_id, shared.texts.in_language(name, language(tracker)))
            for button_id, name in ((SKIP, "skip"), (NO_THANKS, "no_thanks"))
        )
        say(dispatcher, turn, Outcome.STAFF_REQUESTED, [Reply(text, buttons=buttons)])
        return []


class ActionAskContactName(_Ask):
    """Asks for the name, and says what the details are for."""

    slot = NAME


class ActionAskContactReach(_Ask):
    """Asks for a telephone number or an e-mail address."""

    slot = REACH


class ActionAskContactTime(_Ask):
    """Asks when to call."""

    slot = TIME


class ActionContactDone(Action):
    """Ends the form: thanks, or goes on with what the patient wrote instead."""

    def name(self) -> str:
        """As in `domain.yml`."""
        return "action_contact_done"

    def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Called by the rule that follows the form."""
        shared = resources()
        turn = read_turn(tracker, shared.answers_by_entity)
        cleared = [SlotSet(name, None) for name in (*ASKED, *OWN)]
        if tracker.get_slot(END) == OTHER:
            return [*_instead(turn).run(dispatcher, tracker, domain), *cleared]
        given = any(tracker.get_slot(name) == GIVEN for name in (NAME, REACH, TIME))
        text = shared.texts.in_language(
            "contact_saved" if given else "contact_stopped", language(tracker)
        )
        say(dispatcher, turn, Outcome.STAFF_REQUESTED, [Reply(text)])
        return cleared


def language(tracker: Tracker) -> str:
    """The language in which the form was begun."""
    return str((tracker.get_slot(ASKED_AT) or [None, "en"])[1])


def _language_of_message(tracker: Tracker) -> str:
    """What intake took it to be."""
    metadata = tracker.latest_message.get("metadata") or {}
    return str(metadata.get("language", "en"))


def _end(why: str) -> list[dict[str, Any]]:
    return [SlotSet("requested_slot", None), SlotSet(END, why)]


def _interrupted(turn: Turn, asked_at: int | None, shared: Resources) -> bool:
    """Whether the message before this one was not the one we asked at.

    A red flag, or a talk with staff, never reaches Rasa: after it the patient must not be
    asked on as if nothing had happened, and their next words are no name.
    """
    if turn.message_id is None or turn.understood.intent == "leave_details":
        return False
    with shared.database.reading() as session:
        before = session.scalar(
            select(func.max(Message.id)).where(
                Message.conversation_id == turn.conversation_id,
                Message.sender == "patient",
                Message.id < turn.message_id,
            )
        )
    return before != asked_at


def _asks_something_else(turn: Turn, asked: str) -> bool:
    if turn.tier >= Tier.URGENT:
        return True
    if turn.understood.intent in SYMPTOM_INTENTS and not harmless(turn):
        return True  # the third net: a sign is no name
    if asked == TIME:  # "can you call after five" is an answer
        return "?" in turn.text and "call" not in turn.text.lower()
    return _QUESTION.fullmatch(turn.text) is not None


def _reach(words: str) -> ContactDetails | None:
    try:
        return contacts.read_reach(words)
    except InvalidInbound:
        return None


def _read(asked: str, words: str) -> ContactDetails:
    if asked == NAME:
        return ContactDetails(name=contacts.read_name(words))
    if asked == TIME:
        return ContactDetails(best_time=contacts.read_best_time(words))
    return contacts.read_reach(words)


def _save(turn: Turn, details: ContactDetails, shared: Resources) -> None:
    now = utc_now()
    with shared.database.transaction() as session:
        escalation = unresolved(session, turn.conversation_id) or hand_over(
            session, turn, Tier.ROUTINE, "asked_for_staff", now
        )
        contacts.save(session, shared.private_data, escalation.id, details, now)


@lru_cache(maxsize=1)
def _rules() -> dict[str, str]:
    """Intent to the action that its rule picks, as in `data/rules/`."""
    found = {}
    for path in sorted((ROOT / "data" / "rules").glob("*.yml")):
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
            first, second, *_ = rule["steps"]
            if "intent" in first and "action" in second:
                found[first["intent"]] = second["action"]
    return found


def _instead(turn: Turn) -> Action:
    """What the patient would have got without the form."""
    known = (ActionAnswer(), ActionEscalate(), ActionContactStaff(), ActionSmallTalk())
    by_name: dict[str, Action] = {action.name(): action for action in known}
    return by_name.get(_rules().get(turn.understood.intent, ""), ActionFallback())
