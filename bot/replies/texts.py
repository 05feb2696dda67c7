"""What the assistant says besides answers: `data/replies.yml`, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.errors import ContentError
from bot.messages import Button
from bot.replies.placeholders import fill

TALK_TO_A_PERSON = "talk-to-a-person"
SOMETHING_ELSE = "something-else"
ANSWER_PREFIX = "answer:"
"""Button ids. Intake resolves them; the dialogue never sees them."""


@dataclass(frozen=True, slots=True)
class ReplyTexts:
    """Texts by name with the clinic's particulars filled in, and the first choices."""

    texts: Mapping[str, str]
    quick_replies: tuple[Button, ...]

    def __getitem__(self, name: str) -> str:
        return self.texts[name]

    def person_button(self, language: str = "en") -> Button:
        """The way to a human, offered wherever the assistant has nothing."""
        name = "talk_to_a_person_es" if language == "es" else "talk_to_a_person"
        return Button(TALK_TO_A_PERSON, self.texts[name])

    def choice(self, answer_id: str, title: str) -> Button:
        """A button that gives one answer."""
        return Button(f"{ANSWER_PREFIX}{answer_id}", title)


def load_reply_texts(path: Path, placeholders: Mapping[str, str]) -> ReplyTexts:
    """Read and fill the texts.

    Raises:
        ContentError: The file is malformed or uses an unknown placeholder.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict) or "quick_replies" not in raw:
        raise ContentError("must map names to texts and hold quick_replies", path=path)
    quick = tuple(
        Button(f"{ANSWER_PREFIX}{entry['answer']}", entry["title"])
        for entry in raw.pop("quick_replies")
    )
    texts = {name: fill(str(text).strip(), placeholders) for name, text in raw.items()}
    return ReplyTexts(texts, quick)
