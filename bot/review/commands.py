"""Commands of `bot` around transcripts."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bot.clinic import load_clinic
from bot.content.files import load_topics
from bot.db import Database, utc_now
from bot.errors import InvalidInbound
from bot.migrate import migrate
from bot.review import compare, demo, figures, learning
from bot.settings import ROOT, load_settings
from bot.triage.rules import load_rules

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]


def add_commands(add: Add) -> None:
    """Add this module's commands to the `bot` command."""
    made_up = add("demo-data", _demo, "Fill a database without conversations with made-up ones")
    made_up.add_argument("--conversations", type=int, default=1000)
    reviews = add("export-reviews", _reviews, "Write reviewed messages as training and test lines")
    reviews.add_argument("--dry-run", action="store_true", help="only count")
    models = add("compare-models", _compare, "Run two models on every set; refuse the less safe")
    models.add_argument("old", type=Path)
    models.add_argument("new", type=Path)
    one = add("conversation-test", _conversation, "Print a conversation as a conversation test")
    one.add_argument("id")
    one.add_argument("--name", default="from a conversation")


def fill_demo(database: Database, count: int) -> float:
    """Write made-up conversations, with a line of progress; gives the seconds it took."""
    began = time.monotonic()
    data = ROOT / "data"
    flags = [
        (rule.tier, rule.id, language, phrase)
        for rule in load_rules(data / "triage").rules
        for language, phrases in rule.matches.items()
        for phrase in phrases
    ]
    for done in demo.fill(database, count, utc_now(), load_topics(data / "topics.yml"), flags):
        print(f"\r{done} of {count} conversations", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    figures.keep_days(database, load_clinic(data / "clinic.yml").time_zone, utc_now())
    return time.monotonic() - began


def _demo(options: argparse.Namespace) -> int:
    settings = load_settings()
    migrate(settings.database_url)
    database = Database(settings.database_url)
    try:
        seconds = fill_demo(database, options.conversations)
    finally:
        database.close()
    print(f"{options.conversations} made-up conversations in {seconds:.0f} s.")
    return 0


def _reviews(options: argparse.Namespace) -> int:
    database = Database(load_settings().database_url)
    folder, sets = ROOT / "data" / "nlu", ROOT / "tests" / "nlu"
    topics = load_topics(ROOT / "data" / "topics.yml")
    with database.reading() as session:
        found = learning.harvest(session, topics, learning.known_texts(folder, sets))
    database.close()
    if not options.dry_run:
        write_harvest(found, folder / "reviewed", sets / "reviewed.jsonl")
    print(
        f"{len(found.train)} examples to train, {len(found.test)} to test; left out: "
        f"{found.known} known already, {found.personal} that may name somebody."
    )
    return 0


def write_harvest(found: learning.Harvest, folder: Path, test_set: Path) -> None:
    """A new file of training data each time, and more lines of the test set."""
    if found.train:
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.glob("*.yml"))) + 1
        path = folder / f"reviewed_{number:03}.yml"
        path.write_text(learning.training_yaml(found.train), encoding="utf-8")
    if found.test:
        with test_set.open("a", encoding="utf-8") as file:
            file.write(learning.test_lines(found.test))


def _compare(options: argparse.Namespace) -> int:
    from bot.evaluate import private_product, read_lines, run_lines
    from bot.evaluation_report import judge

    for path in (options.old, options.new):
        if not path.is_file():
            raise InvalidInbound(f"there is no model {path}")
    sets = sorted((ROOT / "tests" / "nlu").glob("*.jsonl"))
    reports = []
    for path in (options.old, options.new):
        print(f"{path}: starting Rasa and the action server …", file=sys.stderr, flush=True)
        with private_product(load_settings(), path.resolve()) as state:
            found = {}
            for file in sets:
                lines = read_lines(file)
                print(f"  {file.name}, {len(lines)} lines …", file=sys.stderr, flush=True)
                found[file.name] = judge([x.labels for x in lines], run_lines(state, lines))
            reports.append(found)
    worse = False
    for file in sets:
        old, new = (report[file.name] for report in reports)
        print("\n".join(compare.table(file.name, old, new)))
        for reason in compare.less_safe(old, new):
            worse = True
            print(f"  refused: {reason}")
    print(
        "The new model is less safe: keep the old one." if worse else "The new model may be used."
    )
    return 1 if worse else 0


def _conversation(options: argparse.Namespace) -> int:
    database = Database(load_settings().database_url)
    with database.reading() as session:
        print(learning.conversation_test(session, options.id, options.name), end="")
    database.close()
    return 0
