"""`bot switch`: what is off, and turning it off and on, from the machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bot.audit.log import COMMAND_LINE, AuditLog
from bot.db import Database, utc_now
from bot.settings import load_settings
from bot.switches import store

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Add this module's command to the `bot` command."""
    switch = add("switch", _switch, "Turn the bot, a channel or an answer off or on; or list")
    switch.add_argument("name", nargs="?", help="bot, channel:web, channel:sms or answer:ID")
    switch.add_argument("to", nargs="?", choices=["off", "on"])


def _switch(options: argparse.Namespace) -> int:
    settings = load_settings()
    database, log = Database(settings.database_url), AuditLog(settings.audit_secret)
    with database.transaction() as session:
        if options.name and options.to is None:
            raise store.SwitchError("Say off or on after the name.")
        if options.name:
            store.turn(session, log, options.name, options.to == "off", COMMAND_LINE, utc_now())
        off = store.switches_off(session)
    for row in off:
        print(f"{row.name} is off since {row.off_since.isoformat(timespec='minutes')}")
    print("Everything else is on." if off else "Everything is on.")
    database.close()
    return 0
