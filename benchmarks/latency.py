"""How fast a whole message is answered, beside Rasa's default pipeline, in one run.

    python -m benchmarks.latency [--messages 400] [--rounds 2] [--work FOLDER] [--only-ours]

Ours is the product as `make run` starts it: web app, triage, Rasa, action server,
database, worker. The other is Rasa's default pipeline trained on the same phrasings
behind its own REST channel, with one fixed response per intent and its conversations
in memory. Both run at the same time and take turns, so that a busy machine hits both.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from benchmarks import processes, rasa_default
from benchmarks.load import (
    Chat,
    Measured,
    ProductChat,
    RasaChat,
    cycle,
    merge,
    run_clients,
)
from benchmarks.machine import describe, table, write_results
from benchmarks.metrics import percentile
from bot.content.files import load_answers
from bot.content.store import seed
from bot.db import Database, utc_now
from bot.migrate import migrate
from bot.settings import ROOT, Settings, load_settings
from bot.stack import PARTS, Stack, free_port, make_stack

CLIENTS = (1, 8, 16, 32)
TURNS = (1, 10, 100, 500, 1000)
AROUND = 5
"""Turns before and after a reported one whose median is taken (the first stands alone)."""
ORDINARY = frozenset({"answer", "answer+staff", "none", "out_of_scope"})
VISIT = 5
"""Messages of one patient before the next one comes."""
SHORT_CUTS = frozenset({"escalated_urgent", "escalated_emergency", "queued"})
"""Outcomes of messages that did not go the whole way through Rasa."""


def ordinary_texts(path: Path) -> list[str]:
    """Messages of the development set that should go the whole way: no red flags."""
    lines = [json.loads(raw) for raw in path.read_text(encoding="utf-8").splitlines()]
    return [
        line["text"] for line in lines if line["expected"] in ORDINARY and not line.get("context")
    ]


def visits_through_rasa(url: str, texts: Sequence[str], enough: int) -> list[list[str]]:
    """Visits of a few messages each, all of which our triage lets pass; at most ``enough``.

    A false alarm, of one message or of several together, is answered without Rasa, and
    so faster than the other system could.
    """
    chat, kept = ProductChat(url), []
    for start in range(0, len(texts) - VISIT + 1, VISIT):
        chat.begin()
        visit = list(texts[start : start + VISIT])
        if not any(chat.say(text) in SHORT_CUTS for text in visit):
            kept.append(visit)
        if len(kept) == enough:
            break
    return kept


def calm_texts(url: str, visits: Sequence[Sequence[str]]) -> list[str]:
    """A few messages that can follow one another for ever without an alarm."""
    texts = [text for visit in visits[:5] for text in visit]
    chat = ProductChat(url)
    while True:
        chat.begin()
        alarming = next((t for t in [*texts, *texts[:4]] if chat.say(t) in SHORT_CUTS), None)
        if alarming is None:
            return texts
        texts.remove(alarming)


# --- starting both ---------------------------------------------------------------------


@contextmanager
def ours(
    settings: Settings, folder: Path, names: tuple[str, ...] = PARTS
) -> Iterator[tuple[str, Stack, dict[str, float]]]:
    """The product on free ports with an empty, seeded database; also its start-up times."""
    own = replace(
        settings,
        database_url=f"sqlite:///{folder}/clinic.db",
        rasa_database_url=f"sqlite:///{folder}/rasa.db",
        rasa_secret=secrets.token_urlsafe(36),
        web_port=free_port(),
        rasa_port=free_port(),
        actions_port=free_port(),
        var_folder=folder,
        dialogue_timeout_s=60.0,
        messages_per_minute=1_000_000,
        messages_per_minute_per_address=1_000_000,
        sessions_per_hour_per_address=1_000_000,
    )
    own = replace(own, public_url=f"http://127.0.0.1:{own.web_port}")
    migrate(own.database_url)
    database = Database(own.database_url)
    with database.transaction() as session:
        seed(session, load_answers(ROOT / "data" / "answers"), utc_now())
    database.close()
    with make_stack(own, folder, names) as stack:
        times: dict[str, float] = {}
        started = time.perf_counter()
        stack.start()
        stack.wait_until_ready(lambda name: times.update({name: time.perf_counter() - started}))
        yield own.public_url, stack, times


@contextmanager
def default_rasa(project: Path) -> Iterator[tuple[str, int, float]]:
    """Rasa with its default pipeline; also its process id and start-up time."""
    port = free_port()
    command = [sys.executable, "-m", "rasa", "run", "-i", "127.0.0.1", "-p", str(port)]
    command += ["--enable-api", "--model", "models/model.tar.gz", "--credentials"]
    command += ["credentials.yml", "--endpoints", "endpoints.yml"]
    with (project / "rasa.log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=project,
            env={**os.environ, **rasa_default.QUIET},
            stdout=log,
            stderr=log,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for_model(url, process)
            yield url, process.pid, time.perf_counter() - started
        finally:
            process.terminate()
            process.wait(30)


def _wait_for_model(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(3000):
        if process.poll() is not None:
            raise RuntimeError("Rasa ended while starting; see rasa.log in the work folder")
        try:
            # 409 until a model is loaded.
            if httpx.get(f"{url}/status", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError("Rasa was not ready within minutes")


# --- measuring -------------------------------------------------------------------------


def throughput(
    makers: dict[str, Callable[[], Chat]],
    visits: Sequence[Sequence[str]],
    messages: int,
    rounds: int,
) -> dict[str, dict[str, Any]]:
    """Latency and rate of each system at each number of clients, taking turns."""
    found: dict[str, dict[str, Any]] = {name: {} for name in makers}
    for make in makers.values():
        run_clients([make() for _ in range(4)], visits, 40)  # warm up
    for clients in CLIENTS:
        parts: dict[str, list[Measured]] = {name: [] for name in makers}
        for _ in range(rounds):
            for name, make in makers.items():
                chats = [make() for _ in range(clients)]
                parts[name].append(run_clients(chats, visits, messages))
        for name in makers:
            found[name][str(clients)] = merge(parts[name]).figures()
            print(f"  {name}, {clients} clients: {found[name][str(clients)]}", flush=True)
    return found


def turn_costs_ours(url: str, texts: Sequence[str]) -> dict[str, float]:
    """One conversation of a thousand messages; the time of some of its turns."""
    chat = ProductChat(url)
    chat.begin()
    spent: list[float] = []
    for _, text in zip(range(TURNS[-1] + AROUND), cycle(texts), strict=False):
        started = time.perf_counter()
        outcome = chat.say(text)
        spent.append((time.perf_counter() - started) * 1000)
        if outcome in SHORT_CUTS:
            raise RuntimeError(f"the conversation left Rasa: {outcome}")
    return {str(turn): _around(spent, turn) for turn in TURNS}


def turn_costs_rasa(url: str, texts: Sequence[str]) -> dict[str, float]:
    """The same for default Rasa; earlier turns are put in at once by its own API.

    They are the events of real turns, repeated. Sending a thousand would take most of
    an hour and store the same.
    """
    chat = RasaChat(url)
    chat.begin()
    said = cycle(texts)
    spent = []
    for _ in range(10 + AROUND):
        started = time.perf_counter()
        chat.say(next(said))
        spent.append((time.perf_counter() - started) * 1000)
    costs = {"1": _around(spent, 1), "10": _around(spent, 10)}
    events = chat.events()
    start = next(i for i, event in enumerate(events) if event["event"] == "user")
    per_turn = (len(events) - start) / len(spent)
    for turn in TURNS[2:]:
        before = round((turn - AROUND - 1) * per_turn)
        block = events[start:]
        filled = events[:start] + (block * (before // len(block) + 1))[:before]
        chat.fill(filled)
        spent = []
        for _ in range(2 * AROUND + 1):
            started = time.perf_counter()
            chat.say(next(said))
            spent.append((time.perf_counter() - started) * 1000)
        costs[str(turn)] = round(percentile(spent, 0.5), 2)
    return costs


def _around(spent: Sequence[float], turn: int) -> float:
    if turn == 1:
        return round(spent[0], 2)
    return round(percentile(spent[turn - 1 - AROUND : turn + AROUND], 0.5), 2)


def memory(roots: dict[str, int]) -> dict[str, Any]:
    """Resident memory of each part with its children, in MiB."""
    parts = {
        name: round(sum(processes.resident_mb(p) for p in processes.family([pid])), 1)
        for name, pid in roots.items()
    }
    everyone = processes.family(roots.values())
    return {
        "parts_mb": parts,
        "resident_mb": round(sum(parts.values()), 1),
        "proportional_mb": round(sum(processes.proportional_mb(p) for p in everyone), 1),
    }


def _cpu(pid: int) -> float:
    return round(processes.cpu_s(processes.family([pid])), 1)


def train_ours(folder: Path) -> float:
    """`make train` from nothing, model written elsewhere; seconds."""
    command = [sys.executable, "-m", "rasa", "train", "--force", "--config", "config.yml"]
    command += ["--domain", "domain.yml", "--data", "data/nlu", "data/rules", "--out"]
    started = time.perf_counter()
    subprocess.run(
        [*command, str(folder)],
        cwd=ROOT,
        env={**os.environ, **rasa_default.QUIET},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


def _timed(work: Callable[[], float]) -> dict[str, float]:
    """Wall-clock seconds of a training, and processor seconds, which a busy machine
    changes less.
    """
    before = os.times()
    seconds = work()
    after = os.times()
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return {"seconds": round(seconds, 1), "cpu_seconds": round(used, 1)}


# --- all of it -------------------------------------------------------------------------


def main() -> None:
    """Measure both and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=400, help="per number of clients and round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--work", type=Path, default=ROOT / "var/benchmarks/latency")
    parser.add_argument(
        "--default-epochs",
        type=int,
        help="train Rasa's default for less than its 100 epochs: it answers as fast,\n"
        "and its training time is marked as not comparable",
    )
    parser.add_argument(
        "--keep-models", action="store_true", help="do not train default Rasa again"
    )
    parser.add_argument(
        "--only-ours", action="store_true", help="while working on it; writes nothing"
    )
    parser.add_argument("--skip-turns", action="store_true", help="with --only-ours: no long talk")
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": describe()}
    project = options.work / "rasa_default"
    training = options.work / "training.json"
    trained: dict[str, Any] = {}
    if options.keep_models and training.is_file():
        trained = json.loads(training.read_text(encoding="utf-8"))
    elif not options.only_ours:
        options.work.mkdir(parents=True, exist_ok=True)
        examples = rasa_default.read_examples(ROOT / "data/nlu")
        config = rasa_default.default_config(options.default_epochs)
        rasa_default.write_project(project, config, examples)
        trained["ours"] = _timed(lambda: train_ours(options.work / "ours"))
        print(f"trained ours: {trained['ours']}", flush=True)
        trained["rasa_default"] = _timed(lambda: rasa_default.train(project))
        print(f"trained Rasa's default: {trained['rasa_default']}", flush=True)
        if options.default_epochs is not None:
            trained["rasa_default"]["epochs"] = options.default_epochs
        training.write_text(json.dumps(trained), encoding="utf-8")
    texts = ordinary_texts(ROOT / "tests/nlu/development.jsonl")
    systems: dict[str, dict[str, Any]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="clinic-latency-") as folder,
        ours(load_settings(), Path(folder)) as (url, stack, starts),
    ):
        roots = {part.name: part.process.pid for part in stack.parts if part.process}
        systems["ours"] = {
            "start_s": {n: round(s, 1) for n, s in starts.items()},
            "start_cpu_s": {n: _cpu(pid) for n, pid in roots.items()},
        }
        visits = visits_through_rasa(url, texts, max(20, options.messages // VISIT))
        calm = calm_texts(url, visits)
        makers: dict[str, Callable[[], Chat]] = {"ours": lambda: ProductChat(url)}
        if options.only_ours:
            _one(systems, makers, visits, options, roots, url)
            print(json.dumps(systems, indent=1))
            return
        with default_rasa(project) as (other_url, pid, start_s):
            systems["rasa_default"] = {
                "start_s": {"rasa": round(start_s, 1)},
                "start_cpu_s": {"rasa": _cpu(pid)},
            }
            makers["rasa_default"] = lambda: RasaChat(other_url)
            for name, found in throughput(makers, visits, options.messages, options.rounds).items():
                systems[name]["clients"] = found
            systems["ours"]["memory"] = memory(roots)
            systems["rasa_default"]["memory"] = memory({"rasa": pid})
            systems["ours"]["turn_ms"] = turn_costs_ours(url, calm)
            systems["rasa_default"]["turn_ms"] = turn_costs_rasa(other_url, calm)
    for name, times in trained.items():
        systems[name]["training"] = times
    results |= {
        "messages_per_round": options.messages,
        "rounds": options.rounds,
        "visits": len(visits),
        "systems": systems,
        "verdict": verdict(systems),
    }
    write_results("latency", results, tables(results))


def _one(
    systems: dict[str, Any],
    makers: dict[str, Callable[[], Chat]],
    visits: Sequence[Sequence[str]],
    options: argparse.Namespace,
    roots: dict[str, int],
    url: str,
) -> None:
    before = {name: processes.cpu_s(processes.family([pid])) for name, pid in roots.items()}
    found = throughput(makers, visits, options.messages, options.rounds)["ours"]
    sent = sum(part["messages"] for part in found.values())
    systems["ours"]["clients"] = found
    systems["ours"]["cpu_ms_per_message"] = {
        name: round((processes.cpu_s(processes.family([pid])) - before[name]) * 1000 / sent, 2)
        for name, pid in roots.items()
    }
    systems["ours"]["memory"] = memory(roots)
    if not options.skip_turns:
        systems["ours"]["turn_ms"] = turn_costs_ours(url, calm_texts(url, visits))


def verdict(systems: dict[str, Any]) -> dict[str, Any]:
    """The comparisons that were promised, each with its bound."""
    mine, other = systems["ours"], systems["rasa_default"]
    checks = {
        "p50_share_of_default": (
            mine["clients"]["1"]["p50_ms"] / other["clients"]["1"]["p50_ms"],
            "<=",
            0.5,
        ),
        "rate_at_16_clients_times_default": (
            mine["clients"]["16"]["per_second"] / other["clients"]["16"]["per_second"],
            ">=",
            4.0,
        ),
        "turn_1000_over_turn_10": (mine["turn_ms"]["1000"] / mine["turn_ms"]["10"], "<=", 1.3),
        "training_s": (mine["training"]["seconds"], "<=", 60.0),
        "resident_gb": (mine["memory"]["resident_mb"] / 1024, "<=", 1.5),
        "rasa_ready_s": (mine["start_s"]["rasa"], "<=", 15.0),
    }
    return {
        name: {
            "value": round(value, 3),
            "bound": f"{sign} {bound:g}",
            "met": value <= bound if sign == "<=" else value >= bound,
        }
        for name, (value, sign, bound) in checks.items()
    }


def tables(results: dict[str, Any]) -> str:
    """The same figures for reading."""
    systems = results["systems"]
    names = list(systems)
    rows = [
        [f"{clients} clients, {label}", *(systems[n]["clients"][str(clients)][key] for n in names)]
        for clients in CLIENTS
        for key, label in (
            ("p50_ms", "p50 ms"),
            ("p95_ms", "p95 ms"),
            ("per_second", "messages/s"),
        )
    ]
    rows += [[f"turn {t}, ms", *(systems[n]["turn_ms"][str(t)] for n in names)] for t in TURNS]
    rows += [
        ["Rasa ready after, s", *(systems[n]["start_s"]["rasa"] for n in names)],
        ["Rasa's start, CPU s", *(systems[n]["start_cpu_s"]["rasa"] for n in names)],
        ["all ready after, s", *(max(systems[n]["start_s"].values()) for n in names)],
        ["resident memory, MiB", *(systems[n]["memory"]["resident_mb"] for n in names)],
        ["proportional memory, MiB", *(systems[n]["memory"]["proportional_mb"] for n in names)],
        ["training, s", *(systems[n]["training"]["seconds"] for n in names)],
        ["training, CPU s", *(systems[n]["training"]["cpu_seconds"] for n in names)],
    ]
    checks = [
        [name, check["value"], check["bound"], "met" if check["met"] else "MISSED"]
        for name, check in results["verdict"].items()
    ]
    return table(["", *names], rows) + "\n\n" + table(["compared", "value", "bound", ""], checks)


if __name__ == "__main__":
    main()
