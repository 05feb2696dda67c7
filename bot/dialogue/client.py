"""The only caller of Rasa: one message out, what was understood and said back in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urllib3 import BaseHTTPResponse, Timeout, connection_from_url
from urllib3.exceptions import HTTPError

from bot.errors import DialogueUnavailable
from bot.messages import AnswerRef, Button, Outcome, Reply, Tier


@dataclass(frozen=True, slots=True)
class DialogueResult:
    """What the dialogue made of one message.

    Attributes:
        tier: A tier that the third net (Rasa's intents) raised, or NONE.
        understood: Intent, confidence, ranking, entities and answer candidates, as
            kept with the message for reviewers.
    """

    outcome: Outcome
    tier: Tier
    replies: tuple[Reply, ...]
    understood: Mapping[str, Any]


CONNECTIONS = 64
"""Kept open at most: as many as messages are worked on at once."""


class DialogueClient:
    """HTTP to Rasa's `clinic` channel. With `urllib3`, at half of what `httpx` costs."""

    def __init__(self, base_url: str, secret: str, timeout_s: float) -> None:
        """Prepare a pooled client.

        Args:
            base_url: Where Rasa listens, without a path.
            secret: Shared with the channel; Rasa refuses everybody else.
            timeout_s: Longest wait for one message, once connected.
        """
        self._pool = connection_from_url(
            base_url,
            maxsize=CONNECTIONS,
            headers={"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
            timeout=Timeout(connect=1.0, read=timeout_s),
            # A message that Rasa may have begun to handle is not sent twice.
            retries=False,
        )

    def send(
        self, conversation_id: str, text: str, *, message_id: int, context: Mapping[str, Any]
    ) -> DialogueResult:
        """Let Rasa handle one message.

        Args:
            text: Patient words, or a command that intake made from a button. A leading
                slash in patient words must have been disarmed before (see intake).
            message_id: Our stored message, so that actions can add to it.
            context: ``recent`` patient turns, the turn ``before`` that a follow-up
                question may lean on, and ``today`` at the clinic; see intake.

        Raises:
            DialogueUnavailable: Rasa or its action server is down, slow or confused.
        """
        body = {
            "sender": conversation_id,
            "message": text,
            "metadata": {"message_id": message_id, **context},
        }
        try:
            response = self._post("/webhooks/clinic/webhook", body)
        except HTTPError as error:
            raise DialogueUnavailable(type(error).__name__) from error
        if response.status != 200:
            raise DialogueUnavailable("unexpected status", status_code=response.status)
        try:
            return parse_messages(response.json())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DialogueUnavailable(f"malformed answer: {type(error).__name__}") from error

    def parse(self, text: str) -> Mapping[str, Any]:
        """What Rasa would make of a message, as `bot.dialogue.trial` words it; no trace stays.

        Raises:
            DialogueUnavailable: Rasa is down, slow or confused.
        """
        try:
            response = self._post("/webhooks/clinic/parse", {"message": text})
            found: Mapping[str, Any] = response.json()
        except (HTTPError, ValueError) as error:
            raise DialogueUnavailable(type(error).__name__) from error
        if response.status != 200:
            raise DialogueUnavailable("unexpected status", status_code=response.status)
        return found

    def ready(self) -> bool:
        """Whether Rasa answers and has a model loaded."""
        try:
            response = self._pool.request("GET", "/webhooks/clinic/", timeout=1.0)
        except HTTPError:
            return False
        return response.status == 200

    def close(self) -> None:
        """Close pooled connections."""
        self._pool.close()

    def _post(self, path: str, body: Mapping[str, Any]) -> BaseHTTPResponse:
        return self._pool.urlopen("POST", path, body=json.dumps(body), redirect=False)


def parse_messages(messages: Sequence[Mapping[str, Any]]) -> DialogueResult:
    """Turn the channel's JSON into a result.

    Raises:
        DialogueUnavailable: No message carries an outcome: the action server did not
            run, so nothing was decided.
    """
    for message in messages:
        custom = message.get("custom")
        if custom and "outcome" in custom:
            return DialogueResult(
                outcome=Outcome(custom["outcome"]),
                tier=Tier[custom["tier"].upper()],
                replies=tuple(_reply(item) for item in custom["replies"]),
                understood=custom["understood"],
            )
    raise DialogueUnavailable("no action answered")


def _reply(item: Mapping[str, Any]) -> Reply:
    answer = item.get("answer")
    return Reply(
        text=item["text"],
        sms=item.get("sms"),
        buttons=tuple(Button(b["id"], b["title"]) for b in item.get("buttons", ())),
        answer=AnswerRef(**answer) if answer else None,
        wording=item.get("wording"),
    )


def reply_record(reply: Reply) -> dict[str, Any]:
    """A reply as the action puts it into the channel's JSON; `parse_messages` reads it."""
    answer = reply.answer
    return {
        "text": reply.text,
        "sms": reply.sms,
        "wording": reply.wording,
        "buttons": [{"id": b.id, "title": b.title} for b in reply.buttons],
        "answer": None
        if answer is None
        else {
            "id": answer.id,
            "title": answer.title,
            "version": answer.version,
            "reviewed_on": answer.reviewed_on,
        },
    }
