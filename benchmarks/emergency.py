"""How soon red flags are answered when many patients write one at the same moment.

    python -m benchmarks.emergency [--clients 16] [--messages 480] [--without-rasa]

The product as `make run` starts it, then once more with Rasa stopped. Each emergency comes
from a patient of its own; alone, and amid as many others who ask ordinary questions without
a pause. Beside it, in the same run, a page that needs no work at all shows how busy the
machine is.
"""

from __future__ import annotations

import argparse
import http.client
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from benchmarks import processes
from benchmarks.latency import ordinary_texts, ours
from benchmarks.load import Connection, ProductChat, run_clients
from benchmarks.machine import describe, table, write_results
from bot.app_state import DATA, open_app_state
from bot.conversations import transcript
from bot.db import utc_now
from bot.messages import InboundMessage, Tier
from bot.settings import ROOT, Settings, load_settings
from bot.stack import PARTS
from bot.triage.rules import load_rules

EMERGENCY = "escalated_emergency"
STAGED = 100
"""Messages whose stages are timed, one after another."""


class HealthChat:
    """Asks for the page that only says that the process lives."""

    def __init__(self, url: str) -> None:
        """A client of the web app."""
        self._line = Connection(url)

    def begin(self) -> None:
        """Nothing to begin."""

    def say(self, text: str) -> str:
        """Fetch the page."""
        return str(self._line.call("GET", "/healthz")[0])


def emergencies() -> list[str]:
    """What the rules must see as an emergency, so that no cache answers for the nets."""
    rules = load_rules(DATA / "triage").rules
    grave = [rule for rule in rules if rule.tier is Tier.EMERGENCY]
    return [text for rule in grave for texts in rule.matches.values() for text in texts]


class EmergencyChat(ProductChat):
    """A patient whose chat is open already when it happens."""

    def __init__(self, url: str, cookies: list[str]) -> None:
        """A client that is one patient after the other."""
        super().__init__(url)
        self._cookies = cookies

    def begin(self) -> None:
        """The next patient."""
        self.cookie = self._cookies.pop()


def opened(url: str, chats: int) -> list[str]:
    """Cookies of chats that patients have opened."""
    chat, cookies = ProductChat(url), []
    for _ in range(chats):
        chat.begin()
        cookies.append(chat.cookie)
    return cookies


@contextmanager
def others(url: str, texts: Sequence[str], clients: int) -> Iterator[None]:
    """Patients who ask ordinary questions, each at once after the last answer, until the end."""
    enough = threading.Event()

    def patient(first: int) -> None:
        chat = ProductChat(url)
        for number in range(first, first + 100_000, clients):
            if enough.is_set():
                return
            try:
                if (number - first) // clients % 5 == 0:
                    chat.begin()
                chat.say(texts[number % len(texts)])
            except (OSError, RuntimeError, http.client.HTTPException):
                return  # the server is being stopped, or this patient is held: another is not

    threads = [threading.Thread(target=patient, args=(n,), daemon=True) for n in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    try:
        yield
    finally:
        enough.set()
        for thread in threads:
            thread.join(60)


def measure(url: str, options: argparse.Namespace, web: int) -> dict[str, Any]:
    """A page without work, emergencies alone, and emergencies amid ordinary questions."""
    visits = [[text] for text in emergencies()]
    run_clients([ProductChat(url) for _ in range(4)], visits, 40)  # warm up
    pages = [HealthChat(url) for _ in range(options.clients)]
    found = {"page": run_clients(pages, [["", "", "", ""]], options.messages).figures()}
    found["alone"] = _emergencies(url, visits, options, web)
    with others(url, ordinary_texts(ROOT / "tests/nlu/development.jsonl"), options.clients):
        found["amid"] = _emergencies(url, visits, options, web)
    for name, figures in found.items():
        print(f"  {name}: {figures}", flush=True)
    return found


def _emergencies(
    url: str, visits: Sequence[Sequence[str]], options: argparse.Namespace, web: int
) -> dict[str, Any]:
    cookies = opened(url, options.messages)
    chats = [EmergencyChat(url, cookies) for _ in range(options.clients)]
    before = processes.cpu_s([web])
    measured = run_clients(chats, visits, options.messages)
    spent_ms = (processes.cpu_s([web]) - before) * 1000
    if set(measured.outcomes) != {EMERGENCY}:
        raise RuntimeError(f"not all were taken for emergencies: {measured.outcomes}")
    return {**measured.figures(), "web_cpu_ms": round(spent_ms / options.messages, 1)}


def stages(settings: Settings) -> dict[str, float]:
    """Where the time of an emergency goes, one after another, without the web server."""
    state = open_app_state(settings)
    texts = emergencies()[:STAGED]
    with state.database.transaction() as session:
        patients = [transcript.start_conversation(session, "web", utc_now()).id for _ in texts]
    counts = {"statements": 0, "commits": 0}

    def count(name: str) -> None:
        counts[name] += 1

    event.listen(state.database.engine, "before_cursor_execute", lambda *_: count("statements"))
    event.listen(state.database.engine, "commit", lambda _: count("commits"))
    started = time.perf_counter()
    for patient, text in zip(patients, texts, strict=True):
        state.intake.handle(InboundMessage("web", patient, secrets.token_hex(8), utc_now(), text))
    handled = time.perf_counter() - started
    started = time.perf_counter()
    for text in texts:
        state.screen.verdict(text)
    screened = time.perf_counter() - started
    state.close()
    return {
        "screen_ms": round(screened * 1000 / len(texts), 2),
        "store_and_answer_ms": round((handled - screened) * 1000 / len(texts), 2),
        **{name: round(number / len(texts), 1) for name, number in counts.items()},
    }


def tables(results: dict[str, Any]) -> str:
    """The same figures for reading."""
    rows = [
        [f"{where}, {what}", *(figures[key] for key in ("p50_ms", "p95_ms", "per_second"))]
        for where, found in results["runs"].items()
        for what, figures in found.items()
    ]
    stages = [[name, value] for name, value in results["stages"].items()]
    head = [f"{results['clients']} clients", "p50 ms", "p95 ms", "each second"]
    return table(head, rows) + "\n\n" + table(["one emergency", ""], stages)


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--messages", type=int, default=480)
    parser.add_argument("--without-rasa", action="store_true", help="only that; writes nothing")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": describe(), "clients": options.clients, "runs": {}}
    names = ("actions", "web", "worker") if options.without_rasa else PARTS
    with (
        tempfile.TemporaryDirectory(prefix="clinic-emergency-") as folder,
        ours(load_settings(), Path(folder), names) as (url, stack, _),
    ):
        running = {part.name: part.process for part in stack.parts if part.process}
        web = running["web"].pid
        if rasa := running.get("rasa"):
            print("With Rasa:", flush=True)
            results["runs"]["with Rasa"] = measure(url, options, web)
            rasa.terminate()
            rasa.wait(30)
        print("Rasa stopped:", flush=True)
        results["runs"]["Rasa stopped"] = measure(url, options, web)
        results["stages"] = stages(stack.settings)
    if options.without_rasa:
        print(tables(results))
    else:
        write_results("emergency", results, tables(results))


if __name__ == "__main__":
    main()
