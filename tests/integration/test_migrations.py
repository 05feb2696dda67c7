from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.audit import models as audit_models
from bot.content import models as content_models
from bot.conversations import models as conversation_models
from bot.conversations.models import Escalation
from bot.db import Base, Database
from bot.members import models as member_models
from bot.migrate import alembic_config, migrate
from bot.review import models as review_models
from bot.sms import models as sms_models
from bot.switches import models as switch_models
from tests.builders import NOON

NOON_STORED = NOON.replace(tzinfo=None).isoformat(" ") + ".000000"

TABLES = (
    *(content_models, conversation_models, audit_models, member_models, review_models),
    *(sms_models, switch_models),
)


def known(name: str | None, _kind: str, _parents: object) -> bool:
    """The index for words is not a model: SQLite keeps it in tables of its own."""
    return not (name or "").startswith(("message_search", "ix_message_search"))


def test_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": known}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    migrate(database.url)


def test_an_escalation_from_before_its_clocks_is_kept_and_will_be_told(
    database: Database,
) -> None:
    config = alembic_config(database.url)
    command.downgrade(config, "0001")
    with database.transaction() as session:
        session.execute(
            sa.text(
                "INSERT INTO conversations (id, channel, created_at, last_message_at, owner) "
                "VALUES ('c1', 'web', :at, :at, 'bot')"
            ),
            {"at": NOON_STORED},
        )
        for number, status in ((1, "resolved"), (2, "open")):
            session.execute(
                sa.text(
                    "INSERT INTO escalations (id, conversation_id, tier, status, reason, "
                    "rule_ids, opened_at) VALUES (:id, 'c1', 2, :status, 'red_flag', '[]', :at)"
                ),
                {"id": number, "status": status, "at": NOON_STORED},
            )
        session.execute(
            sa.text(
                "INSERT INTO messages (id, public_id, conversation_id, sender, text, at, tier, "
                "attempts) VALUES (1, 'm1', 'c1', 'patient', 'x', :at, 2, 0)"
            ),
            {"at": NOON_STORED},
        )
        session.execute(
            sa.text("INSERT INTO escalation_messages VALUES (2, 1, 2, :at)"), {"at": NOON_STORED}
        )
    migrate(database.url)
    with database.reading() as session:
        old, waiting = session.query(Escalation).order_by(Escalation.id).all()
    assert (old.outcome, old.notify_at) == ("other", None)
    assert waiting.clock_from == waiting.opened_at == waiting.notify_at == NOON
    assert waiting.version == 1
    with pytest.raises(sa.exc.IntegrityError), database.transaction() as session:
        session.execute(sa.update(Escalation).where(Escalation.id == 1).values(status="open"))
