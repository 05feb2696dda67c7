"""`rasa test core`, as a Rasa developer types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bot.settings import ROOT
from tests import builders


def test_the_test_stories_lead_to_the_actions_that_they_name(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "rasa", "test", "core", "--no-plot"),
            *("--stories", "tests/test_stories.yml", "--model", "models/clinic.tar.gz"),
            *("--out", str(tmp_path), "--fail-on-prediction-errors"),
        ],
        cwd=ROOT,
        env={
            **{**os.environ, **builders.SECRET_SETTINGS, "VAR_FOLDER": str(tmp_path)},
            # Without tables: which action follows does not hang on the content.
            "DATABASE_URL": f"sqlite:///{tmp_path}/clinic.db",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Correct:          6 / 6" in done.stderr
