"""What the assistant says besides answers: `data/replies.yml`, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.errors import ContentError
from bot.messages import Button, Reply
from bot.replies.placeholders import fill

TALK_TO_A_PERSON = "talk-to-a-person"
SOMETHING_ELSE = "something-else"
LEAVE_DETAILS = "leave-details"
NO_THANKS = "no-thanks"
SKIP = "skip"
ANSWER_PREFIX = "answer:"
"""Button ids. Intake resolves them; the dialogue never sees them."""

STAFF_NAME = "staff_name"
"""The one placeholder that is filled when a text is said, not when it is loaded."""


@dataclass(frozen=True, slots=True)
class ReplyTexts:
    """Texts by name with the clinic's particulars filled in, and the first choices."""

    texts: Mapping[str, str]
    quick_replies: tuple[Button, ...]

    def __getitem__(self, name: str) -> str:
        return self.texts[name]

    def with_name(self, name: str, staff: str) -> str:
        """A text with the name of the member of staff that it speaks of."""
        return self.texts[name].replace(f"{{{STAFF_NAME}}}", staff)

    def in_language(self, name: str, language: str) -> str:
        """A text in the patient's language where it exists in it, else in English."""
        return self.texts.get(f"{name}_{language}", self.texts[name])

    def reply(self, name: str, buttons: Sequence[Button] = (), language: str = "en") -> Reply:
        """A text as a reply, with its own form for SMS where it has one (``NAME_sms``)."""
        if f"{name}_{language}" in self.texts:
            name = f"{name}_{language}"
        return Reply(self.texts[name], sms=self.texts.get(f"{name}_sms"), buttons=tuple(buttons))

    def person_button(self, language: str = "en") -> Button:
        """The way to a human, offered wherever the assistant has nothing."""
        name = "talk_to_a_person_es" if language == "es" else "talk_to_a_person"
        return Button(TALK_TO_A_PERSON, self.texts[name])

    def details_buttons(self, language: str = "en") -> tuple[Button, ...]:
        """The offer to leave contact details, and the way to decline it."""
        return (
            Button(LEAVE_DETAILS, self.in_language("leave_details", language)),
            Button(NO_THANKS, self.in_language("no_thanks", language)),
        )

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
    texts = {name: _filled(str(text).strip(), placeholders) for name, text in raw.items()}
    return ReplyTexts(texts, quick)


def _filled(text: str, placeholders: Mapping[str, str]) -> str:
    """Fill all but the staff's name, around which the text is filled piece by piece."""
    later = f"{{{STAFF_NAME}}}"
    return later.join(fill(piece, placeholders) for piece in text.split(later))
