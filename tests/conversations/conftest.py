"""The trained model behind the real intake, with a private Rasa and action server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app_state import AppState
from bot.evaluate import private_product
from tests import builders


@pytest.fixture(scope="session")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppState]:
    folder: Path = tmp_path_factory.mktemp("assistant")
    with private_product(builders.settings(folder)) as state:
        yield state
