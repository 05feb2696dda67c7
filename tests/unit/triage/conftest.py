"""The shipped rules, loaded once: every test here reads the same data a clinic runs on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.triage.cues import CUE_LISTS
from bot.triage.rule_file import ROWS
from bot.triage.screen import Screen, load_screen
from bot.triage.urgent_replies import UrgentReplies, load_urgent_replies

DATA = Path(__file__).resolve().parents[3] / "data" / "triage"


@pytest.fixture(scope="session")
def triage_data() -> Path:
    return DATA


@pytest.fixture(scope="session")
def screen() -> Screen:
    return load_screen(DATA)


@pytest.fixture(scope="session")
def urgent_replies(screen: Screen) -> UrgentReplies:
    return load_urgent_replies(DATA / "urgent_replies.yml", screen.rules)


def _rule(row: str) -> dict[str, Any]:
    phrases = [f"{row} {word}" for word in ("one", "two", "three", "four")]
    return {
        "id": f"{row}-sign",
        "row": row,
        "tier": {"E": "emergency", "U": "urgent", "S": "routine"}[row[0]],
        "title": "A sign",
        "owner": "Medical lead",
        "reviewed_on": date(2026, 11, 2),
        "languages": ["en", "es"],
        "patterns": [f"{row} one/two/three/four"],
        "matches": {"en": phrases, "es": phrases},
        "ignores": {"en": ["one", "two"], "es": ["three", "four"]},
    }


@pytest.fixture
def rule_folder(tmp_path: Path) -> Path:
    """The smallest rule files that load, to be broken by a test."""
    contents = {
        "red_flags.yml": {"red_flags": [_rule(row) for row in ROWS]},
        "word_lists.yml": {
            "signs": {"fever": {"en": ["fever"], "signals": ["fever-temperature"]}},
            "helpers": {"very": {"en": ["very"]}},
        },
        "context.yml": {
            **{name: {"both": [f"cue {number}"]} for number, name in enumerate(CUE_LISTS)},
            "idioms": {"en": ["to die for", {"phrase": "hay fever", "hides": ["fever"]}]},
        },
    }
    for name, content in contents.items():
        text = yaml.safe_dump(content, allow_unicode=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "ordinary_words.txt").write_text("# words\nnever\n", encoding="utf-8")
    return tmp_path
