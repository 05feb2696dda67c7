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
from dataclasses import replace
from pathlib import Path

from dotenv import dotenv_values

from bot import cli_casework
from bot.clinic import load_clinic
from bot.content.files import dump_answers, load_answers, load_topics, read_answer_file
from bot.content.lint import lint
from bot.content.store import export, seed
from bot.conversations import erasure_commands
from bot.db import Database, utc_now
from bot.errors import AnswerNotFound, BotError
from bot.members import commands as member_commands
from bot.migrate import migrate
from bot.private_data import PrivateData
from bot.replies.segments import part_count
from bot.review import commands as review_commands
from bot.settings import PLACEHOLDER, ROOT, SECRETS, load_settings
from bot.switches import commands as switch_commands

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
    add("build-vectors", _build_vectors, "Embed data/answers/, so that no start needs to")
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
    evaluate.add_argument(
        "--noise", type=float, default=0.0, metavar="SHARE", help="mistype this share of letters"
    )
    rules = add("evaluate-rules", _evaluate_rules, "What the red-flag rules catch alone")
    rules.add_argument("files", type=Path, nargs="*", default=[DATA / "triage" / "examples"])
    rules.add_argument("--half", choices=("seen", "unseen"), help="only these situations")
    rules.add_argument("--misses", action="store_true", help="also list what they miss")
    collide = add(
        "phrasing-check", _phrasing_check, "Name phrasings that collide with other answers"
    )
    collide.add_argument("file", type=Path, nargs="?", help="YAML answers, as in data/answers/")
    collide.add_argument("--answer", metavar="ID", help="an answer of the content store")
    safety = add("evaluate-safety", _evaluate_safety, "Each safety net by itself, and together")
    safety.add_argument("file", type=Path, nargs="?", default=ROOT / "tests/nlu/safety.jsonl")
    safety.add_argument(
        "--list", action="store_true", help="show misses and false alarms in words (no blind set)"
    )
    add("chat", _chat, "Talk to the assistant in the terminal")
    cli_casework.add_commands(add)
    sms = add("sms", _sms, "Text messages: play a patient's phone, or opt a number out")
    sms.add_argument("what", choices=("send", "opt-out"))
    sms.add_argument("number", help="in international form: +19165550123")
    sms.add_argument("text", nargs="*", help="send: what the patient writes")
    sms.add_argument("--photo", action="store_true", help="send: with a photo")
    add("rotate-keys", _rotate_keys, "Write encrypted data again under the newest DATA_KEYS")
    purge = add("purge", _purge, "Erase the words of conversations past RETENTION_DAYS")
    purge.add_argument("--dry-run", action="store_true", help="only count")
    member_commands.add_commands(add)
    switch_commands.add_commands(add)
    erasure_commands.add_commands(add)
    review_commands.add_commands(add)
    return parser


def _env(_: argparse.Namespace) -> int:
    target = ROOT / ".env"
    if target.exists():
        _add_missing_secrets(target)
        return 0
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    filled = re.sub(re.escape(PLACEHOLDER), lambda _: secrets.token_urlsafe(36), text)
    # Created unreadable to others from its first byte.
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(filled)
    print("Created .env with generated secrets.")
    return 0


def _add_missing_secrets(target: Path) -> None:
    """A newer version may need a secret that an older .env does not have."""
    known = dotenv_values(target)
    missing = [name for name in SECRETS if name not in known]
    if missing:
        with target.open("a", encoding="utf-8") as file:
            file.writelines(f"\n{name}={secrets.token_urlsafe(36)}\n" for name in missing)
        print(f"Added to .env: {', '.join(missing)}.")


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


def _build_vectors(_: argparse.Namespace) -> int:
    from bot.nlu.answer_index import embedded, texts_of
    from bot.nlu.encoder import SentenceEncoder
    from bot.nlu.vector_file import VectorFile

    path = load_settings().encoder_path
    kept = VectorFile(ROOT / "models", path)
    texts = [text for answer in load_answers(DATA / "answers") for text in texts_of(answer)]
    kept.write(embedded(texts, SentenceEncoder(path, threads=2), kept.read()))
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
    from bot.evaluation_noise import noisy
    from bot.evaluation_report import judge, render

    lines = read_lines(options.file)
    if options.noise:
        lines = [replace(line, text=noisy(line.text, options.noise, line.id)) for line in lines]
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


def _evaluate_rules(options: argparse.Namespace) -> int:
    from bot.evaluate_rules import judge, read_examples, render
    from bot.triage.rules import load_rules

    examples = [
        example for example in read_examples(options.files) if options.half in (None, example.half)
    ]
    print(render(judge(load_rules(DATA / "triage"), examples), misses=options.misses))
    return 0


def _phrasing_check(options: argparse.Namespace) -> int:
    from bot.content.collisions import PhrasingIndex, check
    from bot.content.store import all_published
    from bot.nlu.encoder import SentenceEncoder

    if (options.file is None) == (options.answer is None):
        raise BotError("name either a file or --answer ID")
    settings = load_settings()
    database = Database(settings.database_url)
    with database.reading() as session:
        live = all_published(session)
    database.close()
    index = PhrasingIndex(live, SentenceEncoder(settings.encoder_path))
    if options.file is not None:
        drafts = [(d.id, d.phrasings) for d in read_answer_file(options.file)]
    else:
        drafts = [(a.id, a.phrasings) for a in live if a.id == options.answer]
        if not drafts:
            raise AnswerNotFound(options.answer)
    found = [c for answer_id, texts in drafts for c in check(answer_id, texts, index)]
    for c in found:
        print(f"{c.answer_id}: {c.phrasing!r} is {c.likeness:.0%} like {c.other_id}: {c.other!r}")
    print(f"{sum(len(texts) for _, texts in drafts)} phrasings, {len(found)} collisions.")
    return 1 if found else 0


def _evaluate_safety(options: argparse.Namespace) -> int:
    from bot.evaluate_safety import read_cases, run_nets
    from bot.safety_report import render

    lines, cases = zip(*read_cases(options.file), strict=True)
    print(f"{len(lines)} lines; loading the nets and starting Rasa …", file=sys.stderr)
    print(render(cases, run_nets(load_settings(), lines), words=options.list))
    return 0


def _chat(_: argparse.Namespace) -> int:
    from bot.chat import chat

    return chat(load_settings())


def _sms(options: argparse.Namespace) -> int:
    from bot.sms import commands

    settings = load_settings()
    if options.what == "opt-out":
        commands.opt_out(settings, options.number)
        print("The number has opted out and gets no more text messages.")
        return 0
    texts = commands.send(settings, options.number, " ".join(options.text), int(options.photo))
    for text in texts:
        print(f"{text}\n  [{part_count(text)} SMS]")
    if not texts:
        print("No answer: the number has opted out, or staff answer this conversation.")
    return 0


def _rotate_keys(_: argparse.Namespace) -> int:
    from bot.key_rotation import rotate_keys

    settings = load_settings()
    database = Database(settings.database_url)
    count = rotate_keys(database, PrivateData(settings.data_keys, settings.lookup_secret))
    database.close()
    print(f"{count} values are encrypted with the newest key.")
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
