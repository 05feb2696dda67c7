"""The SMS line with a real database, the real triage, and Twilio behind httpx."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from bot.app_state import AppState, open_app_state
from bot.conversations.models import Conversation, Escalation, Message
from bot.db import Database
from bot.sms.line import SmsLine
from bot.sms.models import SmsConsent, SmsNumber, SmsOutbound
from bot.sms.provider import InboundText
from bot.sms.twilio import Twilio
from bot.triage.screen import Screen
from tests import builders
from tests.fakes import FakeClock, FakeDialogue
from tests.twilio_fake import ACCOUNT, OLD_TOKEN, OURS, TOKEN, FakeTwilio

PHONE = "+19165550123"
TWILIO = {
    "sms_provider": "twilio", "sms_from": OURS, "twilio_account_sid": ACCOUNT,
    "twilio_auth_token": TOKEN, "twilio_auth_token_old": OLD_TOKEN,
}  # fmt: skip


def make_provider(transport: httpx.BaseTransport, answers_keywords: bool = True) -> Twilio:
    return Twilio(
        ACCOUNT, (TOKEN, OLD_TOKEN), sender=OURS, api_url="https://api.twilio.test",
        public_url="https://sms.clinic.example", answers_keywords=answers_keywords,
        transport=transport,
    )  # fmt: skip


@dataclass
class Clinic:
    """The product on one side, patients' phones on the other; the test moves the clock."""

    state: AppState
    twilio: FakeTwilio
    dialogue: FakeDialogue
    clock: FakeClock

    @property
    def line(self) -> SmsLine:
        assert self.state.sms is not None
        return self.state.sms

    def text(self, body: str, number: str = PHONE, **more: Any) -> str:
        """A patient texts; the product has stored it when this returns."""
        sid = more.pop("sid", f"SM{secrets.token_hex(16)}")
        over_limit = more.pop("over_limit", False)
        self.line.receive(InboundText(sid, number, body, **more), over_limit=over_limit)
        return str(sid)

    def settle(self) -> None:
        """Work until nothing is due."""
        for _ in range(500):
            if not self.line.work_once():
                return
        raise AssertionError("it never comes to an end")

    def ask(self, body: str, number: str = PHONE, **more: Any) -> str:
        """A patient texts and reads the newest answer."""
        before = len(self.read(number))
        self.text(body, number, **more)
        self.settle()
        got = self.read(number)[before:]
        assert len(got) <= 1, "one message a turn"
        self.clock.advance(seconds=1)
        return got[0] if got else ""

    def read(self, number: str = PHONE) -> list[str]:
        return self.twilio.bodies(number)

    def rows(self, table: type[Any]) -> list[Any]:
        with self.state.database.reading() as session:
            return list(session.scalars(select(table).order_by(*table.__mapper__.primary_key)))

    def outcomes(self) -> list[str | None]:
        return [m.outcome for m in self.rows(Message) if m.sender == "patient"]

    def statuses(self) -> list[str]:
        return [row.status for row in self.rows(SmsOutbound)]

    def conversation_id(self) -> str:
        return str(self.rows(SmsNumber)[0].conversation_id)

    def escalations(self) -> list[tuple[int, str]]:
        return [(e.tier, e.reason) for e in self.rows(Escalation)]

    def ledger(self) -> list[tuple[str, str, str]]:
        return [
            (c.kind, c.source, self.state.private.decrypt(c.words)) for c in self.rows(SmsConsent)
        ]

    def hand_to_staff(self) -> None:
        with self.state.database.transaction() as session:
            session.get_one(Conversation, self.conversation_id()).owner = "staff"


@pytest.fixture
def clinic(request: pytest.FixtureRequest, database: Database, rules_alone: Screen,
           tmp_path: Path) -> Iterator[Clinic]:  # fmt: skip
    """``@pytest.mark.parametrize("clinic", [False], indirect=True)``: keywords are ours."""
    clock, dialogue = FakeClock(builders.NOON), FakeDialogue()
    twilio = FakeTwilio(clock=clock)
    provider = make_provider(
        httpx.MockTransport(twilio), answers_keywords=getattr(request, "param", True)
    )
    settings = builders.settings(tmp_path, database_url=database.url, **TWILIO)
    state = open_app_state(settings, clock, dialogue, rules_alone, provider)  # type: ignore[arg-type]
    yield Clinic(state, twilio, dialogue, clock)
    state.close()
