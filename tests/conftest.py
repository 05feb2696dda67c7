"""What tests share: databases, the app's parts, and the real product."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from bot.db import Database
from bot.migrate import migrate
from bot.settings import ROOT, SECRETS, load_settings
from bot.stack import free_port
from bot.triage.learned import load_tier_model
from bot.triage.screen import Screen, load_screen
from tests import builders

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """An empty database on a real PostgreSQL, dropped at the end.

    Without a server the test is skipped with the reason, except in CI, where it fails.
    """
    name = f"clinic_test_{secrets.token_hex(4)}"
    admin = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
    except sa.exc.OperationalError as error:
        reason = f"no PostgreSQL at TEST_POSTGRES_URL ({type(error.orig).__name__})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    url = sa.engine.make_url(POSTGRES).set(database=name)
    yield url.render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def screen() -> Screen:
    """The real screen, with every net, loaded once."""
    settings = load_settings(builders.SECRET_SETTINGS)
    return load_screen(ROOT / "data" / "triage", load_tier_model(settings.encoder_path))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database: each test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        url = builders.settings(tmp_path).database_url
        migrate(url)
        database = Database(url)
    else:
        url = request.getfixturevalue("postgres_url")
        migrate(url)
        database = Database(url)
        _empty(database)
    yield database
    database.close()


def _empty(database: Database) -> None:
    tables = [t for t in sa.inspect(database.engine).get_table_names() if t != "alembic_version"]
    with database.transaction() as session:
        # The audit log refuses to be emptied; a superuser may set its triggers aside.
        session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        session.execute(sa.text(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"))


@dataclass(slots=True)
class Product:
    """The real product, started as `make run` starts it, with a database of its own."""

    process: subprocess.Popen[bytes]
    url: str
    folder: Path
    output: Path
    database: Database
    clinic_port: int
    """Where a test may serve a page of the clinic: the only other origin that is allowed."""

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def log_folder(self) -> Path:
        return self.folder / "log"

    @contextmanager
    def chat(self) -> Iterator[httpx.Client]:
        """A new patient: a browser-like client with a session."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            assert client.post("/api/chat/session").status_code == 201
            yield client

    def processes(self, word: str) -> list[int]:
        """Process ids of the product's parts whose command line holds ``word``."""
        found = subprocess.run(
            ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
        )
        return [
            int(line.split()[0])
            for line in found.stdout.splitlines()
            if word in line and line.split()[1] == str(self.process.pid)
        ]


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product as patients meet it. Generous limits: a test is many patients at once."""
    folder = tmp_path_factory.mktemp("product")
    environ, url = product_environment(folder)
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"],
            cwd=ROOT,
            env=environ,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    wait_for_line(output, "Ctrl-C stops everything", process)
    database = Database(environ["DATABASE_URL"])
    clinic_port = int(environ["ALLOWED_ORIGINS"].rsplit(":", 1)[1])
    yield Product(process, url, folder, output, database, clinic_port)
    database.close()
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def product_environment(folder: Path) -> tuple[dict[str, str], str]:
    """Settings of a product on free ports; also the address of its web page."""
    # All products of a run have nearly the same content: only the first embeds it.
    vectors = folder.parent / "vectors"
    vectors.mkdir(exist_ok=True)
    (folder / "vectors").symlink_to(vectors)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = {
        **os.environ,
        **{name: secrets.token_urlsafe(36) for name in SECRETS},
        "DATABASE_URL": f"sqlite:///{folder}/clinic.db",
        "RASA_DATABASE_URL": f"sqlite:///{folder}/rasa.db",
        "WEB_PORT": str(port),
        "RASA_PORT": str(free_port()),
        "ACTIONS_PORT": str(free_port()),
        "PUBLIC_URL": url,
        "ALLOWED_ORIGINS": f"http://www.clinic.example:{free_port()}",
        "VAR_FOLDER": str(folder),
        "MESSAGES_PER_MINUTE": "1000",
        "MESSAGES_PER_MINUTE_PER_ADDRESS": "10000",
        "SESSIONS_PER_HOUR_PER_ADDRESS": "10000",
        # A developer's own .env must not make tests tell the clinic's staff.
        "SMTP_URL": "",
        "WEBHOOK_URL": "",
        "PYTHONWARNINGS": "ignore",
    }
    return environ, url


def wait_for_line(output: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a started program says something.

    Raises:
        AssertionError: It ended first, or four minutes passed; shows what it said.
    """
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        said = output.read_text(encoding="utf-8")
        if words in said:
            return
        assert process.poll() is None, f"ended with {process.returncode}:\n{said}"
        time.sleep(0.2)
    raise AssertionError(f"did not say {words!r} in time:\n{output.read_text()}")
