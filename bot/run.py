"""`bot run`: the whole product on one machine, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from bot.content.store import all_published
from bot.conversations.escalations import waiting
from bot.db import Database, utc_now
from bot.members.commands import first_admin_link
from bot.messages import Tier
from bot.notify.state import configured
from bot.settings import ROOT, Settings
from bot.stack import Stack, StackError, make_stack
from bot.staff import load_staff


def run(settings: Settings) -> int:
    """Start every part, print where to go, restart what falls over, stop on Ctrl-C.

    Returns:
        The exit status: 0 after Ctrl-C, 1 when it could not start.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    started = time.monotonic()
    with make_stack(settings, settings.var_folder) as stack:
        print("Starting:", ", ".join(part.name for part in stack.parts), flush=True)
        try:
            stack.start()
            stack.wait_until_ready(lambda name: print(f"  {name} is ready", flush=True))
        except StackError as error:
            print(f"\nIt did not start. {error}", flush=True)
            return 1
        _announce(settings, time.monotonic() - started)
        _watch(stack, stop, Database(settings.database_url))
        print("\nStopping …", flush=True)
    print("Stopped.", flush=True)
    return 0


def _announce(settings: Settings, seconds: float) -> None:
    with Database(settings.database_url).reading() as session:
        answers = all_published(session)
    sample = sum(answer.sample for answer in answers)
    overdue = sum(answer.review_due < utc_now().date() for answer in answers)
    print(f"\nReady after {seconds:.0f} seconds.\n")
    print(f"  Chat page      {settings.public_url}/")
    print(f"  Health         {settings.public_url}/readyz")
    print(f"  API            {settings.public_url}/openapi.json")
    print(f"  Staff console  {settings.public_url}/console/")
    print(f"  Logs           {settings.var_folder / 'log'}")
    print(
        f"\n  {len(answers)} answers are live; {sample} are samples that no clinician has signed."
    )
    told = configured(settings, load_staff(ROOT / "data" / "staff.yml"))
    if told != "ok":
        print(f"  Notifications of staff: {told}.")
        print("  Escalations are announced in this terminal; somebody has to watch it.")
    if overdue:
        print(f"  {overdue} answers are past their review and are not sent.")
    link = first_admin_link(settings)
    if link:
        print("\nNobody has an account yet. Make the first admin here (once, within a day):")
        print(f"  {link}")
    print("\nCtrl-C stops everything.", flush=True)


def _watch(stack: Stack, stop: threading.Event, database: Database) -> None:
    told: dict[int, int] = {}
    while not stop.wait(0.5):
        _tell_of_escalations(database, told)
        for name in stack.revive():
            print(f"  {name} had ended and was started again; see {stack.log(name)}", flush=True)


def _tell_of_escalations(database: Database, told: dict[int, int]) -> None:
    """Print each waiting urgent or emergency escalation once per tier, with a bell.

    No patient words: the tier and the number, and how to read the rest.
    """
    try:
        with database.reading() as session:
            found = [(e.id, e.tier) for e in waiting(session) if e.tier >= Tier.URGENT]
    except SQLAlchemyError:
        return  # the web app says so on /readyz; the next look comes in half a second
    for number, tier in found:
        if told.get(number, 0) < tier:
            told[number] = tier
            print(
                f"\a  {Tier(tier).name}: escalation {number} waits (make escalations)", flush=True
            )
