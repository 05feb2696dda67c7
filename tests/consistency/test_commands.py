"""Make targets, `bot` commands and the locked environment are as the docs say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bot.cli import main
from bot.settings import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
EXPLAINED = dict(re.findall(r"^([a-z][a-z-]*):.*## (.+)$", MAKEFILE, re.MULTILINE))
PROMISED = {
    *("run", "test", "train", "chat", "evaluate", "lint", "types", "migrate", "seed", "help"),
    *("install", "format", "validate"),
}
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
READ_BY_PEOPLE = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bot").rglob("*.py"))
    if MAKE.search(" ".join(CODE.findall(path.read_text(encoding="utf-8"))))
)


def make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("file", READ_BY_PEOPLE)
def test_every_make_target_that_people_are_told_of_exists(file: str) -> None:
    code = " ".join(CODE.findall((ROOT / file).read_text(encoding="utf-8")))
    assert set(MAKE.findall(code)) <= TARGETS


def test_every_target_is_explained_and_not_taken_for_a_file() -> None:
    assert set(EXPLAINED) == TARGETS
    # What make itself holds for phony; the Makefile computes the list.
    listed = re.search(r"^\.PHONY: (.+)$", make("-pn", "help"), re.MULTILINE)
    assert listed is not None
    assert set(listed[1].split()) == TARGETS


def test_the_promised_targets_exist() -> None:
    assert PROMISED <= TARGETS


def test_help_lists_every_target_with_its_explanation_by_group() -> None:
    shown = make("help")
    for target, explanation in EXPLAINED.items():
        assert re.search(rf"^  {target} +{re.escape(explanation)}$", shown, re.MULTILINE), target
    for group in re.findall(r"^##@ (.+)$", MAKEFILE, re.MULTILINE):
        assert re.search(rf"^ ?{group}$", shown, re.MULTILINE), group


def test_make_alone_shows_the_help() -> None:
    assert make() == make("help")


def test_commands_of_make_run_without_telemetry() -> None:
    probe = "probe: ; @echo $$RASA_TELEMETRY_ENABLED $$SANIC_HOST"
    assert make(f"--eval={probe}", "probe").split() == ["false", "127.0.0.1"]


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"^\t.*\(BIN\)/bot ([a-z-]+)", MAKEFILE, re.M)))
)
def test_a_bot_command_that_make_runs_exists(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert command in capsys.readouterr().out


LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_host_and_hashes_every_package(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"https?:|--index-url|--extra-index-url|--find-links|@ file:", text)
    packages = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE))
    assert len(packages) > 50
    assert [p.split()[0] for p in packages if p.strip() and "--hash=sha256:" not in p] == []


def test_the_development_lock_holds_the_products_versions() -> None:
    pinned = re.compile(r"^([a-z0-9-]+(?:\[[a-z,-]+\])?)==(\S+)", re.MULTILINE)
    product, dev = (
        dict(pinned.findall((ROOT / "requirements" / name).read_text(encoding="utf-8")))
        for name in ("product.lock", "dev.lock")
    )
    assert product
    assert {n: v for n, v in product.items() if dev.get(n) != v} == {}
