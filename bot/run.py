"""`bot run`: the whole product on one machine, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time

from bot.content.store import all_published
from bot.db import Database, utc_now
from bot.settings import Settings
from bot.stack import Stack, StackError, make_stack


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
        _watch(stack, stop)
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
    print("  Escalations    make escalations")
    print(f"  Logs           {settings.var_folder / 'log'}")
    print(
        f"\n  {len(answers)} answers are live; {sample} are samples that no clinician has signed."
    )
    if overdue:
        print(f"  {overdue} answers are past their review and are not sent.")
    print("\nCtrl-C stops everything.", flush=True)


def _watch(stack: Stack, stop: threading.Event) -> None:
    while not stop.wait(0.5):
        for name in stack.revive():
            print(f"  {name} had ended and was started again; see {stack.log(name)}", flush=True)
