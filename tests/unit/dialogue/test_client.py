from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.dialogue.client import DialogueClient, parse_messages, reply_record
from bot.errors import DialogueUnavailable
from bot.messages import AnswerRef, Button, Outcome, Reply, Tier
from tests.rasa_fake import FakeRasa, fake_rasa, nowhere

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


@pytest.fixture
def rasa() -> Iterator[FakeRasa]:
    with fake_rasa([MESSAGE]) as started:
        yield started


def client(rasa: FakeRasa, timeout_s: float = 5.0) -> DialogueClient:
    return DialogueClient(rasa.url, "secret", timeout_s)


def test_a_message_carries_secret_sender_and_context(rasa: FakeRasa) -> None:
    result = client(rasa).send("c1", "¿duele? 😀", message_id=7, context={"recent": ["before"]})
    ((path, headers, body),) = rasa.seen
    assert path == "/webhooks/clinic/webhook"
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == "application/json"
    assert body == {
        "sender": "c1",
        "message": "¿duele? 😀",
        "metadata": {"message_id": 7, "recent": ["before"]},
    }
    assert result.outcome is Outcome.ANSWERED
    assert result.tier is Tier.NONE
    assert result.replies == (REPLY,)


def test_one_connection_carries_one_message_after_another(rasa: FakeRasa) -> None:
    asking = client(rasa)
    for number in range(5):
        asking.send("c1", "hello", message_id=number, context={})
    assert len(rasa.seen) == 5
    assert rasa.connections == 1


@pytest.mark.parametrize("status", [302, 401, 500, 503])
def test_any_status_but_200_means_unavailable(rasa: FakeRasa, status: int) -> None:
    rasa.status = status
    with pytest.raises(DialogueUnavailable) as caught:
        client(rasa).send("c1", "x", message_id=1, context={})
    assert caught.value.status_code == status
    assert len(rasa.seen) == 1, "it is not sent again"


def test_a_refused_connection_means_unavailable() -> None:
    with pytest.raises(DialogueUnavailable, match="NewConnectionError"):
        DialogueClient(nowhere(), "secret", 1.0).send("c1", "x", message_id=1, context={})


def test_no_answer_in_time_means_unavailable_and_nothing_is_sent_again(rasa: FakeRasa) -> None:
    rasa.hangs = True
    with pytest.raises(DialogueUnavailable, match="ReadTimeoutError"):
        client(rasa, 0.1).send("c1", "x", message_id=1, context={})
    assert len(rasa.seen) == 1
    with pytest.raises(DialogueUnavailable, match="ReadTimeoutError"):
        client(rasa, 0.1).parse("x")


@pytest.mark.parametrize("said", ["<html>", "", "[1]", '"x"'])
def test_what_is_no_answer_means_unavailable(rasa: FakeRasa, said: str) -> None:
    rasa.body = said.encode()
    with pytest.raises(DialogueUnavailable):
        client(rasa).send("c1", "x", message_id=1, context={})


def test_a_trial_is_given_what_rasa_makes_of_it(rasa: FakeRasa) -> None:
    rasa.body = b'{"intent": "ask_pain"}'
    assert client(rasa).parse("hello") == {"intent": "ask_pain"}
    assert rasa.seen[0][0::2] == ("/webhooks/clinic/parse", {"message": "hello"})
    rasa.status = 500
    with pytest.raises(DialogueUnavailable) as caught:
        client(rasa).parse("hello")
    assert caught.value.status_code == 500


@pytest.mark.parametrize("messages", [[], [{"text": "only words"}], [{"custom": {"other": 1}}]])
def test_no_outcome_means_that_the_action_server_did_not_run(
    messages: list[dict[str, object]],
) -> None:
    with pytest.raises(DialogueUnavailable):
        parse_messages(messages)


def test_it_is_ready_only_while_rasa_says_so(rasa: FakeRasa) -> None:
    assert client(rasa).ready()
    rasa.status = 503
    assert not client(rasa).ready()
    assert not DialogueClient(nowhere(), "secret", 1.0).ready()
