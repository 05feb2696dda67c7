"""The `bot` commands by which staff work escalations and conversations in the terminal."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable

from sqlalchemy.orm import Session

from bot.clinic import load_clinic
from bot.conversations import contacts, escalations, handover
from bot.conversations.escalation_states import OUTCOMES
from bot.conversations.listing import describe
from bot.conversations.models import Escalation
from bot.db import Database, utc_now
from bot.errors import NotifyError
from bot.messages import Tier
from bot.notify.ladder import media_for
from bot.notify.notification import Notification
from bot.notify.senders import senders_of
from bot.notify.state import NOBODY
from bot.private_data import PrivateData
from bot.replies.texts import ReplyTexts, load_reply_texts
from bot.settings import ROOT, load_settings
from bot.staff import load_staff

DATA = ROOT / "data"

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]

TIERS = {tier.name.lower(): tier for tier in (Tier.ROUTINE, Tier.URGENT, Tier.EMERGENCY)}


def add_commands(add: Add) -> None:
    """Make them known to the parser."""
    listing = add("escalations", _list, "List what waits for staff, most urgent first")
    listing.add_argument("--all", action="store_true", help="resolved ones too")
    listing.add_argument("--words", action="store_true", help="show what patients wrote and left")
    listing.add_argument("--log", action="store_true", help="show what happened to each")
    _escalation(add, "acknowledge", _acknowledge, "Note that you have seen an escalation")
    assign = _escalation(add, "assign", _assign, "Say whose an escalation is")
    assign.add_argument("--to", required=True, help="a name, or - for nobody")
    note = _escalation(add, "note", _note, "Add an internal note; patients never see it")
    note.add_argument("text")
    tier = _escalation(add, "tier", _tier, "Raise or lower an escalation's tier")
    tier.add_argument("tier", choices=TIERS)
    tier.add_argument("--reason", required=True)
    resolve = _escalation(
        add, "resolve", _resolve, "Close an escalation; the assistant answers again"
    )
    resolve.add_argument("--outcome", required=True, choices=OUTCOMES)
    resolve.add_argument("--note", default="", help="what was done; needed with 'other'")
    reopen = _escalation(add, "reopen", _reopen, "Take a resolved escalation up again")
    reopen.add_argument("--reason", required=True)
    take = _conversation(add, "take-over", _take_over, "Answer a conversation yourself")
    take.add_argument("--from", dest="taking_from", metavar="NAME", help="who has it now")
    _conversation(add, "give-back", _give_back, "Let the assistant answer a conversation again")
    reply = _conversation(add, "reply", _reply, "Say something to the patient")
    reply.add_argument("text")
    add("notify-test", _notify_test, "Send every contact of data/staff.yml a test notice, now")


def _escalation(add: Add, name: str, run: Command, text: str) -> argparse.ArgumentParser:
    parser = add(name, run, text)
    parser.add_argument("id", type=int, help="the escalation's number")
    parser.add_argument("--by", required=True, help="your name")
    return parser


def _conversation(add: Add, name: str, run: Command, text: str) -> argparse.ArgumentParser:
    parser = add(name, run, text)
    parser.add_argument("id", help="the conversation's id, or its escalation's number")
    parser.add_argument("--by", required=True, help="your name, as patients read it")
    return parser


def _list(options: argparse.Namespace) -> int:
    settings = load_settings()
    database = Database(settings.database_url)
    private_data = PrivateData(settings.data_keys, settings.lookup_secret)
    clinic = load_clinic(DATA / "clinic.yml")
    plan = load_staff(DATA / "staff.yml")
    with database.reading() as session:
        found = escalations.waiting(session, include_resolved=options.all)
        for escalation in found:
            left = contacts.find(session, private_data, escalation.id) if options.words else None
            print(
                describe(
                    session,
                    escalation,
                    clinic,
                    plan,
                    utc_now(),
                    words=options.words,
                    contact=contacts.in_words(left) if left else "",
                    log=options.log,
                )
            )
    print(f"{len(found)} escalations.")
    return 0


def _acknowledge(options: argparse.Namespace) -> int:
    with _database().transaction() as session:
        done = escalations.acknowledge(session, options.id, options.by, utc_now())
        print(f"{_name(done)} was acknowledged by {done.acknowledged_by}.")
    return 0


def _assign(options: argparse.Namespace) -> int:
    to = None if options.to == "-" else options.to
    with _database().transaction() as session:
        done = escalations.assign(session, options.id, to, options.by, utc_now())
        print(f"{_name(done)} is {'with ' + done.assigned_to if done.assigned_to else 'free'}.")
    return 0


def _note(options: argparse.Namespace) -> int:
    with _database().transaction() as session:
        done = escalations.note(session, options.id, options.by, options.text, utc_now())
        print(f"{_name(done)}: noted.")
    return 0


def _tier(options: argparse.Namespace) -> int:
    tier = TIERS[options.tier]
    with _database().transaction() as session:
        done = escalations.change_tier(
            session, options.id, tier, options.by, options.reason, utc_now()
        )
        print(f"{_name(done)} is {done.status}.")
    return 0


def _resolve(options: argparse.Namespace) -> int:
    with _database().transaction() as session:
        done = escalations.resolve(
            session, options.id, options.by, options.outcome, options.note, utc_now()
        )
        print(f"{_name(done)} was resolved by {done.resolved_by}: {done.outcome}.")
    return 0


def _reopen(options: argparse.Namespace) -> int:
    with _database().transaction() as session:
        done = escalations.reopen(session, options.id, options.by, options.reason, utc_now())
        print(f"{_name(done)} is open again.")
    return 0


def _take_over(options: argparse.Namespace) -> int:
    with _database().transaction() as session:
        done = handover.take_over(
            session,
            _conversation_id(options.id, session),
            options.by,
            utc_now(),
            texts=_texts(),
            taking_from=options.taking_from,
        )
        print(f"{done.assigned_to} answers conversation {done.conversation_id} now. {_name(done)}.")
    return 0


def _give_back(options: argparse.Namespace) -> int:
    with _database().transaction() as session:
        conversation_id = _conversation_id(options.id, session)
        left = handover.give_back(session, conversation_id, options.by, utc_now(), texts=_texts())
        print(f"The assistant answers conversation {conversation_id} again.")
        if left is not None:
            print(f"{_name(left)} is still to be resolved.")
    return 0


def _reply(options: argparse.Namespace) -> int:
    with _database().transaction() as session:
        conversation_id = _conversation_id(options.id, session)
        handover.say(session, conversation_id, options.by, options.text, utc_now())
        print("Said.")
    return 0


def _notify_test(_: argparse.Namespace) -> int:
    settings = load_settings()
    senders = senders_of(settings)
    plan, clinic = load_staff(DATA / "staff.yml"), load_clinic(DATA / "clinic.yml")
    if not senders:
        print(NOBODY)
        return 1
    failed = 0
    for contact in plan.contacts.values():
        for medium in media_for(contact, senders):
            try:
                senders[medium].send(
                    Notification(
                        key=f"test-{secrets.token_hex(4)}",
                        contact=contact,
                        escalation_id=0,
                        tier=Tier.NONE,
                        step=0,
                        waiting_since=utc_now().astimezone(clinic.time_zone),
                        link=settings.public_url,
                    )
                )
                print(f"  {contact.name} by {medium}: sent")
            except NotifyError as error:
                failed += 1
                print(f"  {contact.name} by {medium}: NOT sent: {error.detail}")
    return 1 if failed else 0


def _database() -> Database:
    return Database(load_settings().database_url)


def _texts() -> ReplyTexts:
    placeholders = load_clinic(DATA / "clinic.yml").placeholders()
    return load_reply_texts(DATA / "replies.yml", placeholders)


def _conversation_id(given: str, session: Session) -> str:
    """The conversation's id; an escalation's number stands for its conversation."""
    if not given.isdecimal():
        return given
    return escalations.find(session, int(given)).conversation_id


def _name(escalation: Escalation) -> str:
    return f"Escalation {escalation.id} ({Tier(escalation.tier).name})"
