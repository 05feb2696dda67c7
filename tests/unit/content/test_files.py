from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bot.content.files import AnswerDraft, dump_answers, load_answers, load_topics
from bot.errors import ContentError

ANSWER = """\
  - id: aftercare-makeup
    title: Makeup after treatment
    referral: none
    source: [D6]
    related: []
    body: |
      First paragraph.

      Second paragraph.
    sms: Short text
    phrasings:
      - when can i wear makeup
"""
DEFAULTS = """\
defaults:
  owner: Medical lead
  approved_by: Sample sign-off
  approved_on: 2026-11-02
  review_due: 2027-11-01
  status: published
  sample: true
"""


def write(folder: Path, topic: str, answers: str, defaults: str = DEFAULTS) -> Path:
    path = folder / f"{topic}.yml"
    path.write_text(f"topic: {topic}\n{defaults}answers:\n{answers}", encoding="utf-8")
    return path


def test_defaults_fill_what_an_answer_leaves_out(tmp_path: Path) -> None:
    write(tmp_path, "aftercare", ANSWER)
    (draft,) = load_answers(tmp_path)
    assert draft.owner == "Medical lead"
    assert draft.approved_on == date(2026, 11, 2)
    assert draft.body == "First paragraph.\n\nSecond paragraph."
    assert draft.phrasings == ("when can i wear makeup",)


def test_an_answer_may_overrule_a_default(tmp_path: Path) -> None:
    write(tmp_path, "aftercare", ANSWER + "    status: draft\n    approved_by: null\n")
    (draft,) = load_answers(tmp_path)
    assert (draft.status, draft.approved_by) == ("draft", None)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("    title: Makeup", "    titel: Makeup", "unknown key 'titel'"),
        ("    sms: Short text\n", "", "'sms' is missing"),
        ("referral: none", "referral: maybe", "'maybe', not one of none, offer, open"),
        ("- when can i wear makeup", "- no", "must be text, not False"),
        ("- when can i wear makeup", "- ask: this", "must be text"),
        ("sms: Short text", 'sms: " "', "sms is blank"),
        ("source: [D6]", "source: D6", "source must be a list"),
        ("related: []", "related: []\n    review_due: soon", "must be a date"),
        ("related: []", "related: []\n    sample: maybe", "sample must be true or false"),
        ("id: aftercare-makeup", "id: After_Care", "lower-case words joined by -"),
        ("related: []", "related: []\n    related: []", "'related' stands twice"),
    ],
)
def test_a_mistake_is_refused_with_file_and_reason(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in ANSWER
    write(tmp_path, "aftercare", ANSWER.replace(old, new, 1))
    with pytest.raises(ContentError, match=r"aftercare\.yml") as caught:
        load_answers(tmp_path)
    assert complaint in str(caught.value)


def test_the_error_carries_the_answer_id(tmp_path: Path) -> None:
    write(tmp_path, "aftercare", ANSWER.replace("referral: none", "referral: later"))
    with pytest.raises(ContentError) as caught:
        load_answers(tmp_path)
    assert caught.value.answer_id == "aftercare-makeup"


@pytest.mark.parametrize(
    ("defaults", "complaint"),
    [
        (DEFAULTS.replace("owner:", "owners:"), "unknown key 'owners'"),
        (DEFAULTS.replace("  sample: true\n", ""), "'sample' is missing"),
        ("defaults: [a]\n", "must be a mapping"),
    ],
)
def test_bad_defaults_are_refused(tmp_path: Path, defaults: str, complaint: str) -> None:
    write(tmp_path, "aftercare", ANSWER, defaults)
    with pytest.raises(ContentError, match=complaint):
        load_answers(tmp_path)


def test_an_id_used_in_two_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "aftercare", ANSWER)
    write(tmp_path, "preparation", ANSWER)
    with pytest.raises(ContentError, match=r"already used in aftercare\.yml"):
        load_answers(tmp_path)


def test_a_file_named_for_another_topic_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "aftercare", ANSWER).rename(tmp_path / "cost.yml")
    with pytest.raises(ContentError, match="named for its topic"):
        load_answers(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="not a folder"):
        load_answers(tmp_path / "absent")


def test_broken_yaml_is_refused_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "cost.yml").write_text("topic: [", encoding="utf-8")
    with pytest.raises(ContentError, match=r"cost\.yml"):
        load_answers(tmp_path)


def test_written_answers_read_back_the_same(
    tmp_path: Path, make_draft: Callable[..., AnswerDraft]
) -> None:
    drafts = [
        make_draft(),
        make_draft(
            id="aftercare-sun",
            title="Sun: hats & shade",
            body="- one # not a comment\n- two: with colon\n\nLast {phone}",
            sms="Line one\nLine two",
            phrasings=("yes?", "'quoted' question", "null", "- dash", "está bien el sol ☀"),
            related=("aftercare-makeup",),
            status="draft",
            approved_by=None,
            approved_on=None,
            sample=False,
        ),
        make_draft(id="cost-overview", topic="cost", owner="Clinic manager"),
    ]
    dump_answers(drafts, tmp_path)
    assert load_answers(tmp_path) == drafts


def test_writing_twice_changes_nothing(
    tmp_path: Path, make_draft: Callable[..., AnswerDraft]
) -> None:
    dump_answers([make_draft(), make_draft(id="aftercare-sun")], tmp_path)
    first = (tmp_path / "aftercare.yml").read_text(encoding="utf-8")
    dump_answers(load_answers(tmp_path), tmp_path)
    assert (tmp_path / "aftercare.yml").read_text(encoding="utf-8") == first


def test_written_answers_are_laid_out_for_people(
    tmp_path: Path, make_draft: Callable[..., AnswerDraft]
) -> None:
    dump_answers([make_draft(status="draft"), make_draft(id="a-b"), make_draft(id="c")], tmp_path)
    text = (tmp_path / "aftercare.yml").read_text(encoding="utf-8")
    assert text.startswith("topic: aftercare\ndefaults:\n  owner: Medical lead\n")
    assert "    source: [D6]\n" in text
    assert "    body: |\n      Most people leave" in text
    assert text.count("status: ") == 2, "only the default, and the answer that differs"


def test_topics_take_one_intent_or_a_list(tmp_path: Path) -> None:
    path = tmp_path / "topics.yml"
    path.write_text(
        textwrap.dedent("""\
        cost: ask_cost
        booking_contact_hours: [ask_booking, ask_hours]
        """),
        encoding="utf-8",
    )
    assert load_topics(path) == {
        "cost": ("ask_cost",),
        "booking_contact_hours": ("ask_booking", "ask_hours"),
    }


@pytest.mark.parametrize("value", ["[]", "3", "{a: b}"])
def test_a_topic_without_an_intent_is_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "topics.yml"
    path.write_text(f"cost: {value}\n", encoding="utf-8")
    with pytest.raises(ContentError):
        load_topics(path)
