"""Imports point one way, and importing opens nothing."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bot.settings import ROOT

PURE = ["bot/messages.py", "bot/triage", "bot/replies"]
"""What a message's values, triage and replies are made of: no web, database or Rasa."""
NOT_IN_PURE = {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "rasa", "rasa_sdk"}
NOT_PRODUCT = {"bot.models.finetune", "bot.__main__"}
"""A script with an environment of its own, and the command itself."""

OPENERS = {
    *("Database", "open_engine", "create_engine", "sessionmaker", "connect", "load_settings"),
    *("open_app_state", "resources", "DialogueClient", "RasaEvents", "Client", "SentenceEncoder"),
    *("load_screen", "load_answers", "load_clinic", "open", "read_text", "read_bytes", "Popen"),
}
"""Calls that read files or open connections."""

WATCH = """
import importlib, json, sys
opened = []
def watch(event, args):
    if event in ("sqlite3.connect", "socket.connect", "socket.getaddrinfo"):
        opened.append(f"{event} {args[-1]!r}")
sys.addaudithook(watch)
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps({"opened": opened, "loaded": sorted(sys.modules)}))
"""


def modules(*folders: str) -> list[str]:
    found = []
    for folder in folders:
        path = ROOT / folder
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return [name for name in found if name not in NOT_PRODUCT]


def tree_of(name: str) -> ast.Module:
    path = ROOT / (name.replace(".", "/") + ".py")
    path = path if path.is_file() else path.with_suffix("") / "__init__.py"
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_by(name: str) -> Iterator[str]:
    """Full names that a module imports anywhere, in functions and for types too."""
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def import_in_fresh_process(names: list[str], folder: Path) -> dict[str, list[str]]:
    """Import modules with settings that nothing could be opened with; see what happens."""
    environ = {
        **os.environ,
        "DATABASE_URL": "sqlite:////proc/nowhere/clinic.db",
        "RASA_DATABASE_URL": "sqlite:////proc/nowhere/rasa.db",
        "RASA_SECRET": "change-me",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [sys.executable, "-c", WATCH, json.dumps(names)],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.mark.parametrize("name", modules(*PURE))
def test_values_triage_and_replies_import_no_web_database_or_rasa(
    name: str,
) -> None:
    roots = {found.split(".")[0] for found in imported_by(name)}
    assert roots & NOT_IN_PURE == set()


def test_loading_values_triage_and_replies_loads_no_web_database_or_rasa(tmp_path: Path) -> None:
    loaded = import_in_fresh_process(modules(*PURE), tmp_path)["loaded"]
    assert {name.split(".")[0] for name in loaded} & NOT_IN_PURE == set()


@pytest.mark.parametrize("name", modules("bot"))
def test_the_core_never_imports_actions(name: str) -> None:
    assert [found for found in imported_by(name) if found.split(".")[0] == "actions"] == []


def test_stores_and_dialogue_do_not_import_the_channels() -> None:
    inner = modules("bot/content", "bot/conversations", "bot/dialogue", "bot/nlu")
    inner += modules("bot/members", "bot/audit")
    wrong = [
        (name, found)
        for name in inner
        for found in imported_by(name)
        if found.startswith(("bot.channels", "bot.web", "bot.app_state", "fastapi", "starlette"))
    ]
    assert wrong == []


def needs_rasa(name: str) -> bool:
    """Whether it takes Rasa, and so TensorFlow and many seconds, to import a module."""
    return any(found.split(".")[0] == "rasa" for found in imported_by(name))


def test_importing_opens_no_database_and_no_connection(tmp_path: Path) -> None:
    names = [name for name in modules("bot", "actions") if not needs_rasa(name)]
    report = import_in_fresh_process(names, tmp_path)
    assert {"bot.web", "bot.worker", "actions.answer"} <= set(report["loaded"])
    assert report["opened"] == []
    assert list(tmp_path.iterdir()) == []


def called_at_import(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Names of functions that a module calls outside of any function."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            outside: list[ast.AST] = [*getattr(node, "decorator_list", []), *node.args.defaults]
            yield from called_at_import(outside)
            continue
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", ""))
        yield from called_at_import(list(ast.iter_child_nodes(node)))


@pytest.mark.parametrize("name", modules("bot", "actions"))
def test_a_module_opens_nothing_outside_its_functions(name: str) -> None:
    assert set(called_at_import(tree_of(name).body)) & OPENERS == set()
