"""The content store on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.content.files import dump_answers, load_answers
from bot.content.store import (
    all_published,
    export,
    published,
    retire,
    revision,
    save_version,
    seed,
    shown_version,
)
from bot.db import Database
from bot.errors import AnswerExpired, AnswerNotFound
from bot.settings import ROOT
from tests.builders import NOON, draft

TODAY = date(2026, 11, 23)


def test_seeding_adds_every_answer_and_repeating_it_changes_nothing(database: Database) -> None:
    drafts = load_answers(ROOT / "data" / "answers")
    with database.transaction() as session:
        assert len(seed(session, drafts, NOON).added) == len(drafts)
        before = revision(session)
    with database.transaction() as session:
        again = seed(session, drafts, NOON + timedelta(days=1))
        assert (again.added, again.updated, again.kept) == ((), (), ())
        assert revision(session) == before


def test_a_changed_file_becomes_a_new_version_and_the_old_one_stays(database: Database) -> None:
    with database.transaction() as session:
        seed(session, [draft(body="First. Call {phone}.")], NOON)
    with database.transaction() as session:
        report = seed(session, [draft(body="Second. Call {phone}.")], NOON)
        assert report.updated == ("aftercare-makeup",)
        live = published(session, "aftercare-makeup", TODAY)
        assert (live.version, live.body) == (2, "Second. Call {phone}.")
        assert shown_version(session, "aftercare-makeup", 1).body == "First. Call {phone}."


def test_seeding_never_overwrites_what_staff_wrote(database: Database) -> None:
    with database.transaction() as session:
        seed(session, [draft()], NOON)
        save_version(session, draft(body="By staff."), "dana", NOON)
    with database.transaction() as session:
        report = seed(session, [draft(body="By the files.")], NOON)
        assert report.kept == ("aftercare-makeup",)
        assert published(session, "aftercare-makeup", TODAY).body == "By staff."


def test_a_staff_draft_leaves_the_published_wording_alone(database: Database) -> None:
    with database.transaction() as session:
        seed(session, [draft()], NOON)
        version = save_version(session, draft(body="Not yet.", status="draft"), "dana", NOON)
        assert version == 2
        assert published(session, "aftercare-makeup", TODAY).version == 1


def test_a_retired_answer_is_not_found_but_its_wording_can_still_be_shown(
    database: Database,
) -> None:
    with database.transaction() as session:
        seed(session, [draft()], NOON)
        retire(session, "aftercare-makeup")
        with pytest.raises(AnswerNotFound):
            published(session, "aftercare-makeup", TODAY)
        assert shown_version(session, "aftercare-makeup", 1).title == "Makeup after treatment"


def test_an_overdue_answer_is_refused_from_the_day_after_its_review(database: Database) -> None:
    with database.transaction() as session:
        seed(session, [draft(review_due=TODAY)], NOON)
        assert published(session, "aftercare-makeup", TODAY).id == "aftercare-makeup"
        with pytest.raises(AnswerExpired) as caught:
            published(session, "aftercare-makeup", TODAY + timedelta(days=1))
        assert caught.value.review_due == TODAY


def test_every_change_raises_the_revision(database: Database) -> None:
    with database.transaction() as session:
        assert revision(session) == 0
        seed(session, [draft()], NOON)
        first = revision(session)
        save_version(session, draft(body="New."), "dana", NOON)
        second = revision(session)
        retire(session, "aftercare-makeup")
        assert first < second < revision(session)


def test_unknown_answers_and_versions_are_named(database: Database) -> None:
    with database.reading() as session:
        with pytest.raises(AnswerNotFound) as caught:
            published(session, "nothing", TODAY)
        assert caught.value.answer_id == "nothing"
        with pytest.raises(AnswerNotFound):
            shown_version(session, "nothing", 1)


def test_export_gives_back_what_was_seeded(database: Database, tmp_path: Path) -> None:
    drafts = [draft(), draft("aftercare-sun", phrasings=("sun after needling",), title="Sun")]
    with database.transaction() as session:
        seed(session, drafts, NOON)
    with database.reading() as session:
        dump_answers(export(session), tmp_path)
    assert sorted(load_answers(tmp_path), key=lambda d: d.id) == drafts


def test_a_topic_moved_in_the_files_moves_in_the_store(database: Database) -> None:
    with database.transaction() as session:
        seed(session, [draft()], NOON)
        seed(session, [replace(draft(), topic="other")], NOON)
        assert [a.topic for a in all_published(session)] == ["other"]
