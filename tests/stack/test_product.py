"""The real product, started as `make run` starts it: faults, logs, start and stop."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from bot.content.store import retire, save_version
from bot.conversations.models import Escalation, Message
from bot.db import utc_now
from bot.settings import ROOT
from tests import builders
from tests.conftest import Product, product_environment, wait_for_line

pytestmark = pytest.mark.stack

EMERGENCY = "help my throat is closing and i cant breathe"


def ask(chat: httpx.Client, text: str) -> dict[str, object]:
    response = chat.post(
        "/api/chat/messages", json={"client_message_id": uuid.uuid4().hex, "text": text}
    )
    assert response.status_code == 200, response.text
    body: dict[str, object] = response.json()
    return body


def wait_until_answered(product: Product, message_id: object, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with product.database.reading() as session:
            outcome = session.scalar(select(Message.outcome).where(Message.public_id == message_id))
        if outcome not in (None, "queued"):
            return str(outcome)
        time.sleep(0.5)
    raise AssertionError("the message was not answered in time")


def test_a_patient_asks_and_gets_the_clinics_answer(product: Product) -> None:
    with product.chat() as chat:
        body = ask(chat, "how long do i have to wait before wearing makeup")
        assert body["outcome"] == "answered"
        answer = body["replies"][0]["answer"]  # type: ignore[index]
        assert answer["id"] == "aftercare-makeup"
        assert answer["version"] == 1


def test_an_emergency_is_announced_where_the_product_was_started(product: Product) -> None:
    with product.chat() as chat:
        assert ask(chat, EMERGENCY)["outcome"] == "escalated_emergency"
    deadline = time.monotonic() + 10
    while "EMERGENCY: escalation" not in product.output.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_everything_reports_ready(product: Product) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        report = httpx.get(f"{product.url}/readyz").json()
        # Tests set up neither mail server nor webhook, and that must not pass in silence.
        told = report["parts"].pop("notifications")
        if set(report["parts"].values()) == {"ok"}:
            break
        time.sleep(0.5)
    assert report == {"ready": True, "parts": dict.fromkeys(report["parts"], "ok")}
    assert told.startswith("off: nobody is told")
    assert f"Notifications of staff: {told}" in product.output.read_text()


def test_rasa_is_served_without_tensorflow(product: Product) -> None:
    (rasa,) = product.processes("rasa run")
    mapped = Path(f"/proc/{rasa}/maps").read_text(encoding="utf-8")
    assert "onnxruntime" in mapped
    assert "tensorflow" not in mapped


def test_rasa_answers_nobody_but_the_web_app(product: Product) -> None:
    ports = re.findall(r"-p (\d+)", " ".join(_command_lines(product)))
    for port in ports:
        for path in ("/webhooks/clinic/webhook", "/webhooks/rest/webhook", "/model"):
            try:
                response = httpx.post(f"http://127.0.0.1:{port}{path}", json={"sender": "x"})
            except httpx.HTTPError:
                continue
            # Rasa answers 500 to paths it does not know; nothing may be accepted.
            assert response.is_error, (port, path)
    (rasa,) = [
        p for line in _command_lines(product) for p in re.findall(r"rasa run.* -p (\d+)", line)
    ]
    forged = httpx.post(
        f"http://127.0.0.1:{rasa}/webhooks/clinic/webhook",
        json={"sender": "x", "message": "/request_human", "metadata": {}},
        headers={"Authorization": "Bearer guessed"},
    )
    assert forged.status_code == 401


def test_killing_rasa_in_mid_conversation_loses_nothing(product: Product) -> None:
    with product.chat() as chat, product.chat() as other:
        assert ask(chat, "what is microneedling")["outcome"] == "answered"
        (rasa,) = product.processes("rasa run")
        os.kill(rasa, signal.SIGKILL)

        started = time.perf_counter()
        emergency = ask(other, EMERGENCY)
        seconds = time.perf_counter() - started
        assert emergency["outcome"] == "escalated_emergency"
        assert seconds < 1.0
        with product.database.reading() as session:
            assert session.scalars(select(Escalation).where(Escalation.tier == 3)).all(), (
                "an escalation is recorded"
            )

        queued = ask(chat, "how much does one session cost")
        assert queued["outcome"] == "queued"
        assert "saved" in queued["replies"][0]["text"]  # type: ignore[index]
        assert wait_until_answered(product, queued["message_id"], 90) == "answered"
        history = chat.get("/api/chat/messages").json()["messages"]
        assert [m["answer"]["id"] for m in history if m["answer"]][-1].startswith("cost-")


def test_with_the_action_server_stopped_red_flags_are_answered_and_questions_kept(
    product: Product,
) -> None:
    (actions,) = product.processes("rasa_sdk")
    os.kill(actions, signal.SIGSTOP)
    try:
        with product.chat() as chat:
            started = time.perf_counter()
            assert ask(chat, EMERGENCY)["outcome"] == "escalated_emergency"
            assert time.perf_counter() - started < 1.0
    finally:
        os.kill(actions, signal.SIGCONT)
    os.kill(actions, signal.SIGKILL)
    with product.chat() as chat:
        queued = ask(chat, "is sunscreen okay afterwards")
        assert queued["outcome"] in ("queued", "answered")
        assert wait_until_answered(product, queued["message_id"], 90) == "answered"


@pytest.mark.parametrize("words", ["does it hurt {}", "i cant breathe {}", "{} /restart", "{}"])
def test_no_patient_words_reach_any_log(product: Product, words: str) -> None:
    marker = f"marker{uuid.uuid4().hex}"
    with product.chat() as chat:
        ask(chat, words.format(marker))
        chat.post("/api/chat/messages", json={"client_message_id": "bad", "text": [marker]})
        chat.post("/api/chat/messages", content=b'{"text": "' + marker.encode())
    time.sleep(1.5)
    for path in [*product.log_folder.iterdir(), product.output]:
        assert marker not in path.read_text(encoding="utf-8", errors="replace"), path.name


def test_no_telemetry_is_sent(product: Product) -> None:
    for pid in product.processes("rasa"):
        environ = Path(f"/proc/{pid}/environ").read_bytes().decode()
        assert "RASA_TELEMETRY_ENABLED=false" in environ


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    environ, _ = product_environment(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environ["WEB_PORT"])))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "bot", "run"],
            cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"Port {environ['WEB_PORT']} of the web is taken" in done.stdout
    assert "WEB_PORT" in done.stdout


def test_a_placeholder_secret_is_refused_with_the_remedy(tmp_path: Path) -> None:
    environ, _ = product_environment(tmp_path)
    environ["RASA_SECRET"] = "change-me"
    done = subprocess.run(
        [sys.executable, "-m", "bot", "run"],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "make env" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    environ, _ = product_environment(tmp_path)
    output = tmp_path / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"], cwd=ROOT, env=environ, stdout=file,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
    wait_for_line(output, "Ctrl-C stops everything", process)
    ready = re.search(r"Ready after (\d+) seconds", output.read_text())
    assert ready
    assert int(ready.group(1)) < 120
    children = _children(process.pid)
    assert len(children) == 4
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert "Stopped." in output.read_text()
    for pid in children:
        assert not Path(f"/proc/{pid}").exists()


def _children(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()[1:]]
    return [int(pid) for pid, ppid in rows if ppid == str(parent)]


def _command_lines(product: Product) -> list[str]:
    return [
        Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        for pid in _children(product.process.pid)
    ]


def test_published_edited_and_retired_answers_reach_patients_within_five_seconds(
    product: Product,
) -> None:
    question = "is there a piano in your waiting room"
    draft = builders.draft(
        "waiting-room-piano",
        topic="booking_contact_hours",
        title="Piano in the waiting room",
        body="There is a piano in our waiting room. Please play softly.",
        sms="There is a piano in our waiting room.",
        phrasings=(question, "can i play the piano while i wait", "do you have a piano"),
    )

    def save(body: str, status: str = "published") -> None:
        with product.database.transaction() as session:
            save_version(session, replace(draft, body=body, status=status), "test", utc_now())

    def told_within_five_seconds(wanted: str, there: bool) -> None:
        deadline = time.monotonic() + 5
        while True:
            with product.chat() as chat:
                body = ask(chat, question)
            texts = [reply["text"] for reply in body["replies"]]  # type: ignore[attr-defined]
            if any(wanted in text for text in texts) is there:
                return
            assert time.monotonic() < deadline, texts

    with product.chat() as chat:
        assert ask(chat, question)["outcome"] != "answered"
    save(draft.body)
    told_within_five_seconds("play softly", True)
    save("Our piano is for everybody.")
    told_within_five_seconds("for everybody", True)
    with product.database.transaction() as session:
        retire(session, draft.id)
    told_within_five_seconds("for everybody", False)
