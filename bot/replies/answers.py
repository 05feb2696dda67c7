"""A published answer as a reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bot.messages import AnswerRef, Button, Reply
from bot.replies.placeholders import fill

if TYPE_CHECKING:  # replies stand without the database
    from bot.content.store import PublishedAnswer


def answer_reply(
    answer: PublishedAnswer, placeholders: Mapping[str, str], buttons: Sequence[Button] = ()
) -> Reply:
    """Fill in the clinic's particulars and name the version that is shown."""
    return Reply(
        text=fill(answer.body, placeholders).strip(),
        sms=fill(answer.sms, placeholders).strip(),
        buttons=tuple(buttons),
        answer=AnswerRef(
            id=answer.id,
            title=answer.title,
            version=answer.version,
            reviewed_on=answer.approved_on.isoformat() if answer.approved_on else None,
        ),
    )
