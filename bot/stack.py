"""The processes of the product: starting them, waiting until ready, stopping them all."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import httpx

from bot.errors import BotError
from bot.settings import ROOT, Settings

MODEL = ROOT / "models" / "clinic.tar.gz"

PARTS = ("rasa", "web", "actions", "worker")
"""In the order in which they start: from the second on, red flags are answered."""

START_TIMEOUT_S = 240.0
"""Longest start of all parts; Rasa's imports alone take seconds on a slow machine."""
STOP_TIMEOUT_S = 8.0
RESTART_PAUSES_S = (1.0, 2.0, 5.0, 15.0, 30.0)

_PR_SET_PDEATHSIG = 1


class StackError(BotError):
    """The product cannot start, or a part of it did not get ready. The text says why."""


@dataclass(slots=True)
class Part:
    """One process.

    Attributes:
        name: As in messages, logs and the Procfile.
        command: Its command line.
        port: Where it listens, or None.
    """

    name: str
    command: list[str]
    port: int | None = None
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    restart_at: float | None = None


@dataclass(slots=True)
class Stack:
    """All parts with one environment. `with Stack(...)` stops them at the end."""

    settings: Settings
    folder: Path
    environ: Mapping[str, str]
    parts: list[Part] = field(default_factory=list)
    model: Path = MODEL
    # One for all looks, ten a second at start: making a client takes 50 ms of a core.
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=1), repr=False)

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self.stop()

    def start(self) -> None:
        """Check the ports and start Rasa; `wait_until_ready` starts the others.

        Raises:
            StackError: A port is taken, or there is no trained model.
        """
        if not self.model.is_file():
            raise StackError("There is no trained model. Run `make train`.")
        for part in self.parts:
            if part.port is not None and not port_is_free(part.port):
                setting = f"{part.name.upper()}_PORT"
                raise StackError(
                    f"Port {part.port} of the {part.name} is taken by another program. "
                    f"Stop that program, or set {setting} in .env to a free port."
                )
        (self.folder / "log").mkdir(parents=True, exist_ok=True)
        for part in self.parts:
            if part.name == "rasa":
                self._spawn(part)

    def wait_until_ready(self, progress: Callable[[str], None] = lambda _: None) -> None:
        """Start the other parts, one after another, and wait for every part.

        Rasa takes longer to start than all the others together, and on two cores they would
        hold it up if they all started beside it.

        Raises:
            StackError: A part ended, or did not get ready in time; names its log.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        waiting = {part.name: part for part in self.parts}
        while waiting:
            others = [part for name, part in waiting.items() if name != "rasa"]
            if others and others[0].process is None:
                self._spawn(others[0])
            for name, part in list(waiting.items()):
                if part.process is not None and part.process.poll() is not None:
                    raise StackError(f"The {name} ended while starting. See {self.log(name)}.")
                if part.process is not None and self._ready(part):
                    del waiting[name]
                    progress(name)
            if time.monotonic() > deadline:
                raise StackError(
                    f"Not ready after {START_TIMEOUT_S:.0f} seconds: {', '.join(waiting)}. "
                    f"See {self.folder / 'log'}."
                )
            time.sleep(0.1)

    def revive(self) -> list[str]:
        """Start parts again that ended, after a pause that grows; call it regularly.

        Returns:
            Names of the parts that were started again.
        """
        revived = []
        now = time.monotonic()
        for part in self.parts:
            if part.process is None or part.process.poll() is None:
                continue
            if part.restart_at is None:
                pause = RESTART_PAUSES_S[min(part.restarts, len(RESTART_PAUSES_S) - 1)]
                part.restart_at = now + pause
            elif now >= part.restart_at:
                part.restarts += 1
                self._spawn(part)
                revived.append(part.name)
        return revived

    def stop(self) -> None:
        """End every part, kindly first."""
        running = [p.process for p in self.parts if p.process and p.process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def part(self, name: str) -> Part:
        """A part by name."""
        return next(part for part in self.parts if part.name == name)

    def log(self, name: str) -> Path:
        """Where a part's output goes."""
        return self.folder / "log" / f"{name}.log"

    def _spawn(self, part: Part) -> None:
        part.restart_at = None
        with self.log(part.name).open("ab") as log:
            part.process = subprocess.Popen(
                part.command,
                cwd=ROOT,
                env=dict(self.environ),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                # Ctrl-C reaches only us, and we end the parts in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def _ready(self, part: Part) -> bool:
        if part.port is None:
            return True
        path = {"web": "/healthz", "rasa": "/webhooks/clinic/", "actions": "/health"}[part.name]
        host = self.settings.web_host if part.name == "web" else "127.0.0.1"
        host = "127.0.0.1" if host == "0.0.0.0" else host
        try:
            return self._http.get(f"http://{host}:{part.port}{path}").status_code == 200
        except httpx.HTTPError:
            return False


def make_stack(
    settings: Settings,
    folder: Path,
    names: tuple[str, ...] = PARTS,
    model: Path = MODEL,
) -> Stack:
    """Describe the parts of the product.

    Args:
        settings: Ports and addresses.
        folder: Where logs and the generated endpoints file go.
        names: Which parts.
        model: The trained model that Rasa loads.
    """
    python = sys.executable
    folder.mkdir(parents=True, exist_ok=True)
    endpoints = folder / "endpoints.yml"
    template = (ROOT / "endpoints.yml").read_text(encoding="utf-8")
    endpoints.write_text(template.replace(":5055/", f":{settings.actions_port}/"), encoding="utf-8")
    every = {
        "rasa": Part(
            "rasa",
            [
                *(python, "-m", "bot.dialogue.light_rasa", "run", "-i", "127.0.0.1"),
                *("-p", str(settings.rasa_port)),
                *("--model", str(model), "--endpoints", str(endpoints)),
                *("--credentials", "credentials.yml"),
            ],
            settings.rasa_port,
        ),
        "actions": Part(
            "actions",
            [python, "-m", "rasa_sdk", "--actions", "actions", "-p", str(settings.actions_port)],
            settings.actions_port,
        ),
        "web": Part(
            "web",
            [
                *(python, "-m", "uvicorn", "bot.web:app", "--host", settings.web_host),
                *("--port", str(settings.web_port), "--no-access-log", "--no-server-header"),
                *("--forwarded-allow-ips", settings.trusted_proxies),
                # No web sockets here; Rasa's old `websockets` is also too old for uvicorn.
                *("--ws", "none"),
                # Longer than browsers and proxies keep an idle connection, so that it is they who
                # close it: with equal limits a request meets a connection that just went away.
                *("--timeout-keep-alive", "75"),
                *("--timeout-graceful-shutdown", "3", "--log-level", settings.log_level.lower()),
            ],
            settings.web_port,
        ),
        "worker": Part("worker", [python, "-m", "bot.worker"]),
    }
    parts = [every[name] for name in names]
    return Stack(settings, folder, child_environment(settings), parts, model)


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of every part: our settings in full, and what Rasa needs to be quiet."""
    ours = {f.name.upper(): _as_variable(getattr(settings, f.name)) for f in fields(Settings)}
    return {
        **os.environ,
        **ours,
        # The stock action server listens on every address unless told otherwise.
        "SANIC_HOST": "127.0.0.1",
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONWARNINGS": "ignore",
        "PYTHONUNBUFFERED": "1",
        # glibc gives each thread a heap of its own, which never shrinks: tens of megabytes
        # in processes with many threads.
        "MALLOC_ARENA_MAX": "2",
        # One message's vectors are too small to share: with more threads than this, those who
        # wait for one another use twice the processor time.
        "OPENBLAS_NUM_THREADS": "1",
    }


def _as_variable(value: object) -> str:
    """A setting as the environment holds it; `load_settings` reads the same value back."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(int(value) if isinstance(value, float) else value)


def port_is_free(port: int) -> bool:
    """Whether a loopback port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A loopback port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _die_with_parent() -> None:
    """In the child: end when we end, however we end (Linux only; elsewhere no harm)."""
    try:
        ctypes.CDLL("libc.so.6").prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    except OSError:
        return
