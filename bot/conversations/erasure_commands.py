"""`bot erase-person` and `bot hold`, from the machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bot.audit.log import COMMAND_LINE, Action, AuditLog
from bot.conversations import contacts, erasure
from bot.db import Database, utc_now
from bot.dialogue.rasa_events import RasaEvents
from bot.errors import InvalidInbound
from bot.private_data import PrivateData
from bot.settings import load_settings

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Add this module's commands to the `bot` command."""
    erase = add("erase-person", _erase, "Erase a person's words everywhere, leaving a record")
    erase.add_argument("conversation", nargs="*", help="ids of the person's conversations")
    erase.add_argument("--phone", help="everything that is kept of this telephone number")
    hold = add("hold", _hold, "Keep a conversation from retention and erasure (legal hold)")
    hold.add_argument("conversation")
    hold.add_argument("--release", action="store_true", help="end the hold")


def _erase(options: argparse.Namespace) -> int:
    settings, now = load_settings(), utc_now()
    database, rasa = Database(settings.database_url), RasaEvents(settings.rasa_database_url)
    log = AuditLog(settings.audit_secret)
    held, wanted = False, list(options.conversation)
    if options.phone:
        private = PrivateData(settings.data_keys, settings.lookup_secret)
        with database.reading() as session:
            found = erasure.conversations_of(session, private, contacts.read_phone(options.phone))
        wanted += [conversation.id for conversation in found if conversation.id not in wanted]
    if not wanted:
        database.close()
        if not options.phone:
            raise InvalidInbound("Name conversations, or a number with --phone.")
        print("Nothing is kept of this number but, where it opted in or out, its consent.")
        return 0
    for conversation_id in wanted:
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
