"""Trying a message asks the real model and leaves nothing behind."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.evaluate import private_product
from bot.settings import load_settings
from tests import builders

pytestmark = pytest.mark.stack


def test_a_tried_message_is_understood_as_a_patients_and_leaves_no_trace() -> None:
    with private_product(load_settings(builders.SECRET_SETTINGS)) as state:
        found = state.dialogue.parse("does it hurt")
        assert found["intent"] == "ask_pain"
        assert found["choice"] == "answer"
        assert found["answer_ids"] == ["does-it-hurt"]
        assert found["answers"][0][0] == "does-it-hurt"
        assert found["ranking"][0][0] == "ask_pain"
        nothing = state.dialogue.parse("what is the weather like in tokyo")
        assert nothing["choice"] == "nothing"
        engine = sa.create_engine(state.settings.rasa_database_url)
        if "events" in sa.inspect(engine).get_table_names():
            with engine.connect() as connection:
                assert connection.scalar(sa.text("SELECT count(*) FROM events")) == 0
        engine.dispose()
