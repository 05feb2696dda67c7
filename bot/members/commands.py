"""Commands of `bot` for accounts and the audit log, for whoever has the machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from bot.audit import heads
from bot.audit.log import COMMAND_LINE, Action, AuditLog
from bot.db import Database, utc_now
from bot.members import accounts
from bot.members.accounts import AccountError
from bot.members.permissions import Role
from bot.migrate import migrate
from bot.settings import Settings, load_settings

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Add this module's commands to the `bot` command."""
    create = add("create-user", _create, "Add a staff account and print its one-time link")
    create.add_argument("name")
    create.add_argument("--email", required=True)
    create.add_argument("--role", required=True, choices=[role.value for role in Role])
    reset = add("reset-user", _reset, "Print a new one-time link for an account")
    reset.add_argument("email")
    reset.add_argument("--authenticator", action="store_true", help="also forget the authenticator")
    audit = add("audit", _audit, "Check the audit log, or print its head for keeping elsewhere")
    audit.add_argument("what", choices=["verify", "head"])
    audit.add_argument("--head", metavar="NUMBER:MAC", help="as `bot audit head` printed it")
    audit.add_argument("--heads", type=Path, metavar="FILE", help="as AUDIT_HEAD_FILE holds them")


def first_admin_link(settings: Settings) -> str | None:
    """A fresh link to make the first admin account, or None when there is an account."""
    database = Database(settings.database_url)
    with database.transaction() as session:
        token = None
        if accounts.none_yet(session):
            token = accounts.make_link(session, None, utc_now())
    database.close()
    return welcome_address(settings, token) if token else None


def welcome_address(settings: Settings, token: str) -> str:
    """Where a one-time link leads."""
    return f"{settings.public_url}/console/welcome/{token}"


def _create(options: argparse.Namespace) -> int:
    settings = load_settings()
    migrate(settings.database_url)
    database, log = Database(settings.database_url), AuditLog(settings.audit_secret)
    role, now = Role(options.role), utc_now()
    with database.transaction() as session:
        member = accounts.add_member(session, options.name, options.email, role, now)
        token = accounts.make_link(session, member.id, now)
        log.record(
            session, Action.STAFF_ADDED, COMMAND_LINE, now, "staff", member.id, {"role": role.value}
        )
    database.close()
    _print_link(member.name, welcome_address(settings, token))
    return 0


def _reset(options: argparse.Namespace) -> int:
    settings = load_settings()
    database, log, now = (
        Database(settings.database_url),
        AuditLog(settings.audit_secret),
        utc_now(),
    )
    with database.transaction() as session:
        member = accounts.find_by_email(session, options.email)
        if member is None:
            raise AccountError("There is no account with this e-mail address.")
        token = accounts.make_link(session, member.id, now)
        log.record(session, Action.LINK_MADE, COMMAND_LINE, now, "staff", member.id)
        if options.authenticator:
            accounts.remove_codes(session, member, now)
            log.record(session, Action.CODES_REMOVED, COMMAND_LINE, now, "staff", member.id)
    database.close()
    _print_link(member.name, welcome_address(settings, token))
    return 0


def _audit(options: argparse.Namespace) -> int:
    settings = load_settings()
    database, log = Database(settings.database_url), AuditLog(settings.audit_secret)
    with database.reading() as session:
        if options.what == "head":
            head = log.head(session)
            print(f"{head.number}:{head.mac}")
            return 0
        anchors = [heads.parse(options.head)] if options.head else []
        anchors += heads.read(options.heads) if options.heads else []
        found = log.verify(session, *anchors)
    database.close()
    if found.problem is not None:
        print(f"The audit log is NOT whole: {found.problem}.")
        return 1
    print(f"The audit log is whole: {found.head.number} rows, head {found.head.mac}.")
    if anchors:
        print(f"Of the heads kept elsewhere all {len(anchors)} are part of it.")
    return 0


def _print_link(name: str, link: str) -> None:
    hours = int(accounts.LINK_LIFETIME.total_seconds() // 3600)
    print(f"One-time link for {name}, good for {hours} hours:\n\n  {link}\n")
