"""The `bot` command: what the developer, the clinic manager and cron type."""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bot.clinic import load_clinic
from bot.content.files import dump_answers, load_answers, load_topics
from bot.content.lint import lint
from bot.content.store import export, seed
from bot.conversations import escalations
from bot.db import Database, utc_now
from bot.errors import BotError
from bot.messages import Tier
from bot.migrate import migrate
from bot.settings import PLACEHOLDER, ROOT, load_settings

DATA = ROOT / "data"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status says whether it worked."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except BotError as error:
        print(f"bot: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bot", description="The clinic assistant.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=run)
        return sub

    add("env", _env, "Create .env with generated secrets, if there is none")
    add("run", _run, "Start every part and print where to go")
    add("migrate", _migrate, "Bring the database to the newest tables")
    add("seed", _seed, "Bring data/answers/ into the content store")
    add("build-spacy", _build_spacy, "Build the spaCy pipeline from data/entities.yml")
    lint_parser = add("lint-content", _lint, "Check data/answers/ against the clinic's rules")
    lint_parser.add_argument("--folder", type=Path, default=DATA / "answers")
    export_parser = add("export-answers", _export, "Write the published answers as YAML")
    export_parser.add_argument("folder", type=Path)
    import_parser = add("import-answers", _import, "Seed from another folder of YAML answers")
    import_parser.add_argument("folder", type=Path)
    evaluate = add("evaluate", _evaluate, "Run labelled messages through the product")
    evaluate.add_argument("file", type=Path)
    evaluate.add_argument("--json", type=Path, metavar="OUT", help="write one result per line")
    evaluate.add_argument("--wrong", action="store_true", help="also list wrong answers")
    add("chat", _chat, "Talk to the assistant in the terminal")
    listing = add("escalations", _escalations, "List what waits for staff, most urgent first")
    listing.add_argument("--all", action="store_true", help="resolved ones too")
    listing.add_argument("--words", action="store_true", help="show what patients wrote")
    resolve = add("resolve", _resolve, "Close an escalation; the assistant answers again")
    resolve.add_argument("id", type=int)
    resolve.add_argument("--by", required=True, help="who resolved it")
    resolve.add_argument("--outcome", required=True, help="what was done, in a few words")
    purge = add("purge", _purge, "Erase the words of conversations past RETENTION_DAYS")
    purge.add_argument("--dry-run", action="store_true", help="only count")
    return parser


def _env(_: argparse.Namespace) -> int:
    target = ROOT / ".env"
    if target.exists():
        return 0
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    filled = re.sub(re.escape(PLACEHOLDER), lambda _: secrets.token_urlsafe(36), text)
    # Created unreadable to others from its first byte.
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(filled)
    print("Created .env with generated secrets.")
    return 0


def _run(_: argparse.Namespace) -> int:
    from bot.run import run

    settings = load_settings()
    migrate(settings.database_url)
    _report_seed(settings.database_url, DATA / "answers")
    return run(settings)


def _migrate(_: argparse.Namespace) -> int:
    migrate(load_settings().database_url)
    return 0


def _seed(_: argparse.Namespace) -> int:
    settings = load_settings()
    migrate(settings.database_url)
    return _report_seed(settings.database_url, DATA / "answers")


def _import(options: argparse.Namespace) -> int:
    settings = load_settings()
    migrate(settings.database_url)
    return _report_seed(settings.database_url, options.folder)


def _report_seed(database_url: str, folder: Path) -> int:
    database = Database(database_url)
    with database.transaction() as session:
        report = seed(session, load_answers(folder), utc_now())
    database.close()
    print(
        f"Answers: {len(report.added)} added, {len(report.updated)} updated, "
        f"{len(report.kept)} left as staff edited them."
    )
    return 0


def _build_spacy(_: argparse.Namespace) -> int:
    from bot.nlu.spacy_pipeline import build_pipeline

    target = ROOT / "models" / "spacy"
    target.parent.mkdir(exist_ok=True)
    build_pipeline(DATA / "entities.yml").to_disk(target)
    return 0


def _lint(options: argparse.Namespace) -> int:
    clinic = load_clinic(DATA / "clinic.yml")
    drafts = load_answers(options.folder)
    problems = lint(drafts, load_topics(DATA / "topics.yml"), clinic, clinic.local_date(utc_now()))
    for problem in problems:
        print(f"{problem.answer_id}: {problem.rule}: {problem.detail}")
    print(f"{len(drafts)} answers, {len(problems)} problems.")
    return 1 if problems else 0


def _export(options: argparse.Namespace) -> int:
    database = Database(load_settings().database_url)
    with database.reading() as session:
        drafts = export(session)
    options.folder.mkdir(parents=True, exist_ok=True)
    dump_answers(drafts, options.folder)
    print(f"{len(drafts)} answers written to {options.folder}.")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from bot.evaluate import private_product, read_lines, run_lines
    from bot.evaluation_report import judge, render

    lines = read_lines(options.file)
    print(f"{len(lines)} lines; starting Rasa and the action server …", file=sys.stderr)
    with private_product(load_settings()) as state:
        started = time.monotonic()
        results = run_lines(state, lines)
        seconds = time.monotonic() - started
    if options.json:
        rows = "".join(json.dumps(result, ensure_ascii=False) + "\n" for result in results)
        options.json.write_text(rows, encoding="utf-8")
    report = judge([line.labels for line in lines], results)
    print(render(report, show_wrong=options.wrong))
    print(f"{len(lines)} lines in {seconds:.0f} s")
    return 0


def _chat(_: argparse.Namespace) -> int:
    from bot.chat import chat

    return chat(load_settings())


def _escalations(options: argparse.Namespace) -> int:
    from bot.conversations.listing import describe

    database = Database(load_settings().database_url)
    clinic = load_clinic(DATA / "clinic.yml")
    with database.reading() as session:
        found = escalations.waiting(session, include_resolved=options.all)
        for escalation in found:
            print(describe(session, escalation, clinic.time_zone, utc_now(), options.words))
    print(f"{len(found)} escalations.")
    return 0


def _resolve(options: argparse.Namespace) -> int:
    database = Database(load_settings().database_url)
    with database.transaction() as session:
        done = escalations.resolve(session, options.id, options.by, options.outcome, utc_now())
        print(f"Escalation {done.id} ({Tier(done.tier).name}) resolved by {options.by}.")
    return 0


def _purge(options: argparse.Namespace) -> int:
    from bot.app_state import open_app_state
    from bot.worker import purge

    state = open_app_state(load_settings())
    count = purge(state, dry_run=options.dry_run)
    state.close()
    print(f"{count} conversations {'would be' if options.dry_run else 'were'} erased.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
