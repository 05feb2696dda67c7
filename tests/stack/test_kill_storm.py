"""Parts of the product are killed at random while patients write: nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from bot.conversations.models import Escalation, EscalationMessage, Message, Notice
from bot.db import Database
from bot.messages import Tier
from bot.settings import ROOT
from tests.conftest import Product, product_environment, wait_for_line
from tests.notice_receivers import Hook, MailServer, mail_server, webhook_address

pytestmark = pytest.mark.stack

SEED = 20261122
CONVERSATIONS = 100
MESSAGES_EACH = 5
RED_FLAGS = 50
CLIENTS = 8
KILLS = 12
PARTS = ("uvicorn", "rasa run", "rasa_sdk", "bot.worker")
"""Words of the command lines of the web app, Rasa, the action server and the worker."""

QUESTIONS = (
    "how long do i have to wait before wearing makeup",
    "what is microneedling",
    "how much does one session cost",
    "is sunscreen okay afterwards",
    "does it hurt",
)
EMERGENCIES = (
    "help my throat is closing and i cant breathe",
    "my lips and tongue are swelling and i can't breathe",
    "no puedo respirar y se me cierra la garganta",
)


@dataclass(slots=True)
class Sent:
    """One message as its patient knows it."""

    client_id: str
    text: str
    red_flag: bool
    tries: int = 0
    answers: list[dict[str, object]] = field(default_factory=list)


def insist(call: Callable[[], httpx.Response], sent: Sent | None = None) -> httpx.Response:
    """As the widget does: the same again, until the web app has taken it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if sent is not None:
                sent.tries += 1
            response = call()
            if response.status_code < 300:
                return response
            assert response.status_code >= 500, response.text
        except httpx.TransportError:
            pass
        time.sleep(0.4)
    raise AssertionError("the web app did not come back in time")


def converse(url: str, messages: list[Sent]) -> None:
    with httpx.Client(base_url=url, timeout=30) as chat:
        insist(lambda: chat.post("/api/chat/session"))
        for sent in messages:
            body = {"client_message_id": sent.client_id, "text": sent.text}
            post = lambda body=body: chat.post("/api/chat/messages", json=body)  # noqa: E731
            sent.answers.append(insist(post, sent).json())


def script(chance: random.Random) -> list[list[Sent]]:
    """Every conversation's messages; the first fifty end in a red flag."""
    conversations = []
    for number in range(CONVERSATIONS):
        messages = [
            Sent(f"storm-{number:03}-{place}", chance.choice(QUESTIONS), False)
            for place in range(MESSAGES_EACH)
        ]
        if number < RED_FLAGS:
            last = messages[-1]
            last.text, last.red_flag = chance.choice(EMERGENCIES), True
        conversations.append(messages)
    chance.shuffle(conversations)
    return conversations


def storm(product: Product, chance: random.Random, over: threading.Event) -> list[str]:
    """Kill a part every few seconds, each at least twice; what was killed, in order."""
    plan = [*PARTS, *PARTS, *chance.choices(PARTS, k=KILLS - 2 * len(PARTS))]
    chance.shuffle(plan)
    killed: list[str] = []
    for word in plan:
        if over.wait(chance.uniform(1.0, 4.0)):
            break
        for pid in product.processes(word):
            os.kill(pid, signal.SIGKILL)
            killed.append(word)
    return killed


@contextmanager
def told_product(folder: Path, mail: MailServer, hook: Hook) -> Iterator[Product]:
    """The product with somebody to tell."""
    environ, url = product_environment(folder)
    environ |= {"SMTP_URL": mail.url, "WEBHOOK_URL": hook.url, "WEBHOOK_SECRET": "s" * 40}
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"], cwd=ROOT, env=environ, stdout=file,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
    database = Database(environ["DATABASE_URL"])
    try:
        wait_for_line(output, "Ctrl-C stops everything", process)
        yield Product(process, url, folder, output, database, 0)
    finally:
        database.close()
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait_until(done: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(1.0)


def test_nothing_is_lost_or_doubled_while_parts_are_killed(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    conversations = script(chance)
    sent = {message.client_id: message for messages in conversations for message in messages}
    assert len(sent) == 500
    assert sum(message.red_flag for message in sent.values()) == RED_FLAGS
    over = threading.Event()
    with mail_server() as mail, webhook_address() as hook:
        with told_product(tmp_path, mail, hook) as product:
            with ThreadPoolExecutor(CLIENTS + 1) as pool:
                killing = pool.submit(storm, product, chance, over)
                talks = [pool.submit(converse, product.url, each) for each in conversations]
                for talk in talks:
                    talk.result()
                over.set()
                killed = killing.result()
            assert set(killed) == set(PARTS), "the storm met every part"
            assert any(message.tries > 1 for message in sent.values()), "and patients felt it"
            settle(product.database)
            check(product.database, sent)
        check_told(mail, hook)


def settle(database: Database) -> None:
    """Wait for the worker to answer what was left and to tell staff."""

    def answered() -> bool:
        with database.reading() as session:
            open_ones = session.scalar(
                select(func.count())
                .select_from(Message)
                .where(Message.sender == "patient")
                .where(Message.outcome.is_(None) | (Message.outcome == "queued"))
            )
        return open_ones == 0

    def told() -> bool:
        with database.reading() as session:
            notified = set(
                session.scalars(select(Notice.escalation_id).where(Notice.status == "sent"))
            )
            return notified >= set(session.scalars(select(Escalation.id)))

    wait_until(answered, 240, "a message was left without an answer")
    wait_until(told, 60, "an escalation was not notified")


def check(database: Database, sent: dict[str, Sent]) -> None:
    with database.reading() as session:
        stored = list(session.scalars(select(Message).order_by(Message.id)))
        escalations = list(session.scalars(select(Escalation)))
        links = list(session.scalars(select(EscalationMessage)))
    patients = [m for m in stored if m.sender == "patient"]
    assert Counter(m.client_message_id for m in patients) == Counter(list(sent)), "each once"
    assert {m.client_message_id: m.text for m in patients} == {
        message.client_id: message.text for message in sent.values()
    }
    replies: dict[int | None, list[str]] = {}
    for message in stored:
        if message.sender == "assistant":
            replies.setdefault(message.in_reply_to, []).append(message.text)
    for message in patients:
        said = replies.get(message.id, [])
        assert said, f"{message.client_message_id} has no reply"
        assert len(set(said)) == len(said), f"{message.client_message_id} was answered twice"
    flagged = [m for m in patients if sent[m.client_message_id or ""].red_flag]
    assert len(flagged) == RED_FLAGS
    by_conversation = Counter(e.conversation_id for e in escalations if e.tier >= Tier.URGENT)
    linked = Counter(link.message_id for link in links)
    for message in flagged:
        assert message.outcome == "escalated_emergency"
        assert by_conversation[message.conversation_id] == 1
        assert linked[message.id] == 1
        assert len(replies[message.id]) == 1
        (answer,) = sent[message.client_message_id or ""].answers
        assert answer["outcome"] == "escalated_emergency", "the patient read it at once"
    assert sum(by_conversation.values()) == RED_FLAGS, "and no other"


def check_told(mail: MailServer, hook: Hook) -> None:
    """What arrived, not what we believe to have sent."""
    first = re.compile(r"EMERGENCY: escalation (\d+) waits")
    subjects = "\n".join(mail.subjects)
    assert len(set(first.findall(subjects))) == RED_FLAGS
    posts = "\n".join(str(body) for body in hook.bodies)
    assert len(set(first.findall(posts))) == RED_FLAGS
