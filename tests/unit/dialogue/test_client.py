from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from bot.dialogue.client import DialogueClient, parse_messages, reply_record
from bot.errors import DialogueUnavailable
from bot.messages import AnswerRef, Button, Outcome, Reply, Tier

REPLY = Reply("Text", "Sms", (Button("answer:a", "A"),), AnswerRef("a", "Title", 3, "2026-11-02"))
MESSAGE = {
    "text": "Text",
    "custom": {
        "outcome": "answered",
        "tier": "none",
        "replies": [reply_record(REPLY)],
        "understood": {"intent": "ask_pain"},
    },
}


def client(handler: Callable[[httpx.Request], httpx.Response]) -> DialogueClient:
    return DialogueClient("http://rasa", "secret", 1.0, httpx.MockTransport(handler))


def test_a_message_carries_secret_sender_and_context() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=[MESSAGE])

    result = client(handler).send("c1", "hello", message_id=7, context={"recent": ["before"]})
    assert seen[0].headers["Authorization"] == "Bearer secret"
    body = json.loads(seen[0].content)
    assert body == {
        "sender": "c1",
        "message": "hello",
        "metadata": {"message_id": 7, "recent": ["before"]},
    }
    assert result.outcome is Outcome.ANSWERED
    assert result.tier is Tier.NONE
    assert result.replies == (REPLY,)


@pytest.mark.parametrize("status", [401, 500, 503])
def test_any_status_but_200_means_unavailable(status: int) -> None:
    with pytest.raises(DialogueUnavailable) as caught:
        client(lambda _: httpx.Response(status)).send("c1", "x", message_id=1, context={})
    assert caught.value.status_code == status


def test_a_refused_connection_means_unavailable() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(DialogueUnavailable, match="ConnectError"):
        client(handler).send("c1", "x", message_id=1, context={})


@pytest.mark.parametrize("messages", [[], [{"text": "only words"}], [{"custom": {"other": 1}}]])
def test_no_outcome_means_that_the_action_server_did_not_run(
    messages: list[dict[str, object]],
) -> None:
    with pytest.raises(DialogueUnavailable):
        parse_messages(messages)


def test_ready_is_false_when_nothing_listens() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    assert not client(handler).ready()
