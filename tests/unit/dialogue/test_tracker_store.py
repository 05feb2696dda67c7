from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import ROOT, SECRETS

CHECK = """
import sqlalchemy as sa
from bot.dialogue.tracker_store import ClinicTrackerStore
store = ClinicTrackerStore()
with store.session_scope() as session:
    print(session.execute(sa.text("PRAGMA journal_mode")).scalar())
    print(session.execute(sa.text("PRAGMA synchronous")).scalar())
"""


@pytest.mark.timeout(200)
def test_a_turn_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    environ = {
        **os.environ,
        **dict.fromkeys(SECRETS, "secret-of-this-test-" + "s" * 40),
        "RASA_DATABASE_URL": f"sqlite:///{tmp_path}/rasa.db",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-2:] == ["wal", "1"]
