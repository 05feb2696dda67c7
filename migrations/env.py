"""Alembic's entry: connects with our settings and compares with our tables."""

from __future__ import annotations

from alembic import context

from bot.audit import models as audit_models
from bot.content import models as content_models
from bot.conversations import models as conversation_models
from bot.db import Base, UtcDateTime, open_engine
from bot.members import models as member_models
from bot.review import models as review_models
from bot.settings import load_settings
from bot.sms import models as sms_models
from bot.switches import models as switch_models

TABLE_MODULES = (
    *(content_models, conversation_models, audit_models, member_models, review_models),
    *(sms_models, switch_models),
)
"""Imported so that their tables are known."""


def render(kind: str, item: object, _context: object) -> str | bool:
    """Write our time type as its plain column type: migrations must not change with code."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False


def known(name: str | None, _kind: str, _parents: object) -> bool:
    """Leave out the index for words, which SQLite keeps in tables of its own."""
    return not (name or "").startswith(("message_search", "ix_message_search"))


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
            include_name=known,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


run()
