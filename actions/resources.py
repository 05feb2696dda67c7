"""What actions share, opened at first use: the action server imports every module here
at start, and one that fails then would stop them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bot.clinic import Clinic, load_clinic
from bot.content.files import load_topics
from bot.db import Database
from bot.nlu.choice_weights import CHOICE_FILE, ChoiceWeights, load_choice_weights
from bot.nlu.course import CourseDays, load_course
from bot.nlu.spacy_pipeline import read_answers_by_entity
from bot.private_data import PrivateData
from bot.replies.spanish import SpanishReplies, load_spanish_replies
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
    weights: ChoiceWeights
    course: tuple[CourseDays, ...]
    spanish: SpanishReplies
    private_data: PrivateData


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
        weights=load_choice_weights(settings.encoder_path.parent / CHOICE_FILE),
        course=load_course(DATA / "course.yml"),
        spanish=load_spanish_replies(DATA / "spanish.yml", clinic.placeholders()),
        private_data=PrivateData(settings.data_keys, settings.lookup_secret),
    )
