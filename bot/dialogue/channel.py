"""Rasa's side of the line to the web app: a channel that only we can use.

Lacking in the stock REST channel: it trusts anyone, answers 200 when handling failed,
and logs the patient's text when it does.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from sanic import Blueprint, response
from sanic.request import Request
from sanic.response import HTTPResponse

from bot.dialogue.action_schema import check_action_schema_once
from bot.dialogue.trial import outlook
from bot.settings import load_settings

logger = logging.getLogger(__name__)


class ClinicInput(InputChannel):
    """POST `/webhooks/clinic/webhook` with the shared secret as bearer token."""

    @classmethod
    def name(cls) -> str:
        """Part of the URL."""
        return "clinic"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> InputChannel:
        """Built by Rasa when `credentials.yml` names this class; the secret is a setting."""
        check_action_schema_once()
        return cls(load_settings().rasa_secret)

    def __init__(self, secret: str) -> None:
        """Keep the secret that each request must show."""
        self._expected = f"Bearer {secret}"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes of the channel."""
        routes = Blueprint("clinic_webhook", "clinic_webhook")

        @routes.route("/", methods=["GET"])
        async def health(request: Request) -> HTTPResponse:
            # Rasa goes on running when its model cannot load; it is not ready then.
            agent = getattr(request.app.ctx, "agent", None)
            ready = agent is not None and agent.is_ready()
            return response.json({"ready": ready}, status=200 if ready else 503)

        @routes.route("/webhook", methods=["POST"])
        async def receive(request: Request) -> HTTPResponse:
            shown = request.headers.get("Authorization", "")
            if not hmac.compare_digest(shown.encode(), self._expected.encode()):
                return response.json({"error": "unauthorized"}, status=401)
            body = request.json
            collected = CollectingOutputChannel()
            message = UserMessage(
                body["message"],
                collected,
                body["sender"],
                input_channel=self.name(),
                metadata=body["metadata"],
            )
            try:
                await on_new_message(message)
            except Exception as error:
                # The exception's text may quote the patient; its type does not.
                logger.error("handling failed: %s", type(error).__name__)
                return response.json({"error": "handling failed"}, status=500)
            return response.json(collected.messages)

        @routes.route("/parse", methods=["POST"])
        async def parse(request: Request) -> HTTPResponse:
            # For staff who try a message: no conversation, no tracker, no trace.
            shown = request.headers.get("Authorization", "")
            if not hmac.compare_digest(shown.encode(), self._expected.encode()):
                return response.json({"error": "unauthorized"}, status=401)
            try:
                understood = await request.app.ctx.agent.parse_message(request.json["message"])
                return response.json(outlook(understood))
            except Exception as error:
                logger.error("parsing failed: %s", type(error).__name__)
                return response.json({"error": "parsing failed"}, status=500)

        return routes
