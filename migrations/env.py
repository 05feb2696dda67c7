"""Alembic's entry: connects with our settings and compares with our tables."""

from __future__ import annotations

from alembic import context

from bot.content import models as content_models
from bot.conversations import models as conversation_models
from bot.db import Base, UtcDateTime, open_engine
from bot.settings import load_settings

TABLE_MODULES = (content_models, conversation_models)
"""Imported so that their tables are known."""


def render(kind: str, item: object, _context: object) -> str | bool:
    """Write our time type as its plain column type: migrations must not change with code."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


def run() -> None:
    """Migrate the database in `sqlalchemy.url` when a caller set it, else in the settings."""
    url = context.config.get_main_option("sqlalchemy.url") or load_settings().database_url
    engine = open_engine(url)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=render,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


run()
