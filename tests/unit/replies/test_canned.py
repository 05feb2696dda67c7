from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ContentError
from bot.replies.canned import gap, load_canned_replies
from bot.replies.segments import is_gsm7
from bot.settings import ROOT
from tests.builders import clinic

SHIPPED = ROOT / "data" / "canned_replies.yml"


def test_every_shipped_reply_can_be_begun_by_anybody() -> None:
    placeholders = clinic().placeholders()
    replies = load_canned_replies(SHIPPED, placeholders)
    assert len(replies) >= 5
    for reply in replies:
        words = reply.written_by("Maya", placeholders)
        assert "{" not in words
        assert reply.id.startswith("es-") or is_gsm7(words), reply.id


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Could you come at [time]?", "[time]"),
        ("Is [number of the patient] right?", "[number of the patient]"),
        ("See you at 4.", None),
        ("[1] is a footnote", None),
        ("array[0]", None),
    ],
)
def test_a_gap_left_open_is_found(text: str, found: str | None) -> None:
    assert gap(text) == found


@pytest.mark.parametrize(
    "body",
    [
        "- {id: a, title: A, text: 'Call {fone}'}",
        "- {id: a, title: A}",
        "- {id: a, title: A, text: x, note: y}",
        "- {id: a, title: A, text: x}\n- {id: a, title: B, text: y}",
        "just words",
    ],
)
def test_a_file_that_could_mislead_is_refused(tmp_path: Path, body: str) -> None:
    file = tmp_path / "canned.yml"
    file.write_text(body, encoding="utf-8")
    with pytest.raises(ContentError):
        load_canned_replies(file, clinic().placeholders())
