"""What actions share, opened at first use: the action server imports every module here
at start, and one that fails then would stop them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bot.clinic import Clinic, load_clinic
from bot.content.files import load_topics
from bot.db import Database
from bot.nlu.spacy_pipeline import read_answers_by_entity
from bot.replies.texts import ReplyTexts, load_reply_texts
from bot.settings import ROOT, load_settings
from bot.triage.rules import load_rules
from bot.triage.urgent_replies import UrgentReplies, load_urgent_replies

DATA = ROOT / "data"


@dataclass(frozen=True, slots=True)
class Resources:
    """One per process."""

    database: Database
    clinic: Clinic
    texts: ReplyTexts
    urgent: UrgentReplies
    topic_intents: dict[str, tuple[str, ...]]
    answers_by_entity: dict[str, str]


@lru_cache(maxsize=1)
def resources() -> Resources:
    """Open the database and read the files, once."""
    settings = load_settings()
    clinic = load_clinic(DATA / "clinic.yml")
    return Resources(
        database=Database(settings.database_url),
        clinic=clinic,
        texts=load_reply_texts(DATA / "replies.yml", clinic.placeholders()),
        urgent=load_urgent_replies(
            DATA / "triage" / "urgent_replies.yml", load_rules(DATA / "triage")
        ),
        topic_intents=load_topics(DATA / "topics.yml"),
        answers_by_entity=read_answers_by_entity(DATA / "entities.yml"),
    )
