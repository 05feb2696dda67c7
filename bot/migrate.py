"""Bring a database to the newest tables."""

from __future__ import annotations

from alembic import command
from alembic.config import Config

from bot.settings import ROOT


def migrate(database_url: str) -> None:
    """Apply every migration that is still missing. Repeating it changes nothing."""
    command.upgrade(alembic_config(database_url), "head")


def alembic_config(database_url: str) -> Config:
    """Alembic's configuration for one database."""
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("sqlalchemy.url", database_url.replace("%", "%%"))
    return config
