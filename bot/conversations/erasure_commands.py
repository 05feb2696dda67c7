"""`bot erase-person` and `bot hold`, from the machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bot.audit.log import COMMAND_LINE, Action, AuditLog
from bot.conversations import erasure
from bot.db import Database, utc_now
from bot.dialogue.rasa_events import RasaEvents
from bot.settings import load_settings

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Add this module's commands to the `bot` command."""
    erase = add("erase-person", _erase, "Erase a person's words everywhere, leaving a record")
    erase.add_argument("conversation", nargs="+", help="ids of the person's conversations")
    hold = add("hold", _hold, "Keep a conversation from retention and erasure (legal hold)")
    hold.add_argument("conversation")
    hold.add_argument("--release", action="store_true", help="end the hold")


def _erase(options: argparse.Namespace) -> int:
    settings, now = load_settings(), utc_now()
    database, rasa = Database(settings.database_url), RasaEvents(settings.rasa_database_url)
    log = AuditLog(settings.audit_secret)
    held = False
    for conversation_id in options.conversation:
        done = erasure.erase_conversation(database, rasa, conversation_id, "staff", now)
        with database.transaction() as session:
            details = {"held": not done}
            log.record(
                session,
                Action.PERSON_ERASED,
                COMMAND_LINE,
                now,
                "conversation",
                conversation_id,
                details,
            )
        held = held or not done
        print(f"{conversation_id}: {'erased' if done else 'on hold; erased when it is released'}")
    database.close()
    rasa.close()
    return 1 if held else 0


def _hold(options: argparse.Namespace) -> int:
    settings, now = load_settings(), utc_now()
    database, log = Database(settings.database_url), AuditLog(settings.audit_secret)
    with database.transaction() as session:
        if options.release:
            erasure.release(session, options.conversation)
            action = Action.CONVERSATION_RELEASED
        else:
            erasure.hold(session, options.conversation, COMMAND_LINE.name, now)
            action = Action.CONVERSATION_HELD
        log.record(session, action, COMMAND_LINE, now, "conversation", options.conversation)
    database.close()
    print(f"{options.conversation}: {'released' if options.release else 'on hold'}")
    return 0
