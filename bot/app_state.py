"""What the web app and the worker open at start and share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.audit.log import AuditLog
from bot.channels.limits import RateLimits
from bot.channels.live import LiveUpdates
from bot.clinic import Clinic, load_clinic
from bot.content.collisions import PhrasingCheck
from bot.content.files import load_topics
from bot.conversations.intake import Intake
from bot.conversations.set_aside import SetAside
from bot.db import Database, utc_now
from bot.dialogue.client import DialogueClient
from bot.dialogue.rasa_events import RasaEvents
from bot.nlu.answer_index import Encoder
from bot.nlu.encoder import shared_encoder
from bot.nlu.vector_file import kept_vectors
from bot.private_data import PrivateData
from bot.replies.canned import CannedReply, load_canned_replies
from bot.replies.texts import ReplyTexts, load_reply_texts
from bot.settings import ROOT, Settings
from bot.sms.line import SmsLine, open_sms_line
from bot.sms.provider import Provider
from bot.staff import StaffPlan, load_staff
from bot.switches.store import Switches
from bot.triage.learned import load_tier_model
from bot.triage.screen import Screen, load_screen
from bot.triage.urgent_replies import UrgentReplies, load_urgent_replies

DATA = ROOT / "data"


@dataclass(slots=True)
class AppState:
    """One per process; `close` when it ends."""

    settings: Settings
    database: Database
    dialogue: DialogueClient
    rasa_events: RasaEvents
    screen: Screen
    clinic: Clinic
    staff: StaffPlan
    texts: ReplyTexts
    urgent: UrgentReplies
    intake: Intake
    aside: SetAside
    limits: RateLimits
    live: LiveUpdates
    private: PrivateData
    audit: AuditLog
    switches: Switches
    canned: Sequence[CannedReply]
    phrasings: PhrasingCheck
    sms: SmsLine | None
    clock: Callable[[], datetime]
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def cookie_name(self) -> str:
        """`__Host-` binds the cookie to this very host; browsers ask for HTTPS with it."""
        return "__Host-clinic_chat" if self.settings.secure_cookies else "clinic_chat"

    def close(self) -> None:
        """End event streams and close connections."""
        self.closing.set()
        if self.sms is not None:
            self.sms.close()
        self.dialogue.close()
        self.database.close()
        self.rasa_events.close()


def open_app_state(
    settings: Settings,
    clock: Callable[[], datetime] = utc_now,
    dialogue: DialogueClient | None = None,
    screen: Screen | None = None,
    sms_provider: Provider | None = None,
    encoder: Encoder | None = None,
) -> AppState:
    """Read the files and prepare the connections.

    Args:
        clock: For tests, what stands in for the present.
        dialogue: For tests, a client with another transport.
        screen: For tests, one that was loaded before; loading takes a second.
        sms_provider: For tests, one with another transport.
        encoder: For tests, one that is quick; it compares phrasings only.

    Raises:
        ContentError: A file of `data/` (clinic, staff, replies) cannot be used.
        RuleFileError: A triage file is invalid; the product must not run without it.
    """
    clinic = load_clinic(DATA / "clinic.yml")
    staff = load_staff(DATA / "staff.yml")
    texts = load_reply_texts(DATA / "replies.yml", clinic.placeholders())
    screen = screen or load_screen(DATA / "triage", load_tier_model(settings.encoder_path))
    urgent = load_urgent_replies(DATA / "triage" / "urgent_replies.yml", screen.rules)
    topics = load_topics(DATA / "topics.yml")
    database = Database(settings.database_url)
    switches = Switches()
    client = dialogue or DialogueClient(
        settings.rasa_url, settings.rasa_secret, settings.dialogue_timeout_s
    )
    private = PrivateData(settings.data_keys, settings.lookup_secret)
    aside = SetAside(settings.var_folder / "set-aside", private)
    aside.prepare()
    intake = Intake(
        database, screen, client, clinic, texts, urgent, topics, clock, aside, switches.silences
    )
    return AppState(
        settings=settings,
        database=database,
        dialogue=client,
        rasa_events=RasaEvents(settings.rasa_database_url),
        screen=screen,
        clinic=clinic,
        staff=staff,
        texts=texts,
        urgent=urgent,
        intake=intake,
        aside=aside,
        limits=RateLimits(settings),
        live=LiveUpdates(database),
        private=private,
        sms=open_sms_line(
            settings, database, private, screen, intake, clinic, texts, clock, sms_provider
        ),
        audit=AuditLog(settings.audit_secret),
        switches=switches,
        phrasings=PhrasingCheck(
            database,
            lambda: encoder or shared_encoder(settings.encoder_path),
            None if encoder else kept_vectors(settings),
        ),
        canned=load_canned_replies(DATA / "canned_replies.yml", clinic.placeholders()),
        clock=clock,
    )
