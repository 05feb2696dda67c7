from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.errors import ContentError
from bot.messages import Tier
from bot.settings import ROOT
from bot.staff import load_staff
from tests.builders import NOON, clinic, staff


def test_the_shipped_file_says_that_it_is_a_sample() -> None:
    assert staff().sample
    assert all(c.email.endswith("@clinic.example") for c in staff().contacts.values())


def test_an_emergency_reminds_after_two_minutes_and_then_goes_to_the_next_contact() -> None:
    steps = staff().of(Tier.EMERGENCY).ladder
    assert [step.after for step in steps] == [timedelta(minutes=m) for m in (0, 2, 4)]
    assert steps[1].open == steps[0].open
    assert set(steps[2].open) - set(steps[0].open)


def test_an_urgent_one_reminds_after_fifteen_minutes_of_working_hours() -> None:
    plan = staff().of(Tier.URGENT)
    assert not plan.always
    assert plan.ladder[1].after == timedelta(minutes=15)


def test_the_last_step_is_repeated_so_often_and_no_oftener() -> None:
    plan = staff().of(Tier.EMERGENCY)
    assert plan.step(2) == plan.ladder[2]
    again, last = plan.step(3), plan.step(14)
    assert again is not None
    assert last is not None
    assert again.after == timedelta(minutes=9)
    assert again.open == plan.ladder[2].open
    assert last.after == timedelta(minutes=4 + 12 * 5)
    assert plan.step(15) is None


def test_a_tier_says_by_which_clock_its_minutes_pass() -> None:
    evening = NOON + timedelta(hours=6)  # 18:00, closed
    quarter = timedelta(minutes=15)
    assert staff().of(Tier.EMERGENCY).due(evening, quarter, clinic()) == evening + quarter
    assert staff().of(Tier.URGENT).due(evening, quarter, clinic()) == (
        evening + timedelta(hours=15, minutes=15)
    )


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("sample"), "'sample' is missing"),
        (lambda d: d.update(sample="no"), "true or false"),
        (lambda d: d.update(fax={}), "unknown key 'fax'"),
        (lambda d: d.pop("missed"), "'missed' is missing"),
        (lambda d: d.update(missed=[]), "at least one"),
        (lambda d: d.update(missed=["boss"]), "must name contacts"),
        (lambda d: d["tiers"].pop("urgent"), "'urgent' is missing"),
        (lambda d: d["tiers"].update(later={}), "unknown key 'later'"),
        (lambda d: d["contacts"]["nurse"].update(pager="1"), "unknown key 'pager'"),
        (lambda d: d["contacts"]["nurse"].pop("email"), "'email' is missing"),
        (lambda d: d["contacts"]["nurse"].update(email="nurse"), "not an e-mail address"),
        (lambda d: d["contacts"]["nurse"].update(email="a@b.c\nBcc: x@y.z"), "not an e-mail"),
        (lambda d: d["contacts"]["nurse"].update(webhook="yes"), "true or false"),
        (lambda d: d["tiers"]["urgent"].update(clock="slow"), "always or working"),
        (lambda d: d["tiers"]["urgent"]["targets"].pop("reply"), "'reply' is missing"),
        (lambda d: d["tiers"]["urgent"]["targets"].update(reply=0), "from 1"),
        (lambda d: d["tiers"]["urgent"]["targets"].update(reply=True), "whole number"),
        (lambda d: d["tiers"]["urgent"].update(ladder=[]), "list of steps"),
        (lambda d: d["tiers"]["urgent"]["ladder"][0].update(open=[]), "tell nobody"),
        (lambda d: d["tiers"]["urgent"]["ladder"][0].pop("closed"), "tell nobody"),
        (lambda d: d["tiers"]["emergency"]["ladder"][1].pop("closed"), "tell nobody"),
        (lambda d: d["tiers"]["urgent"]["ladder"][0].update(open=["boss"]), "no contact 'boss'"),
        (lambda d: d["tiers"]["urgent"]["ladder"][0].update(after=1), "at once"),
        (lambda d: d["tiers"]["urgent"]["ladder"][1].update(after=0), "later than the one"),
        (lambda d: d["tiers"]["urgent"]["repeat"].update(times=1000), "from 0 to 50"),
        (lambda d: d["tiers"]["urgent"]["repeat"].pop("every"), "'every' is missing"),
    ],
)
def test_a_file_with_a_fault_is_refused(tmp_path: Path, change: Change, words: str) -> None:
    data = yaml.safe_load((ROOT / "data" / "staff.yml").read_text(encoding="utf-8"))
    change(data)
    path = tmp_path / "staff.yml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(ContentError) as refused:
        load_staff(path)
    assert words in refused.value.detail
    assert refused.value.path == path


def test_a_tier_without_repeat_is_told_once_per_step(tmp_path: Path) -> None:
    assert staff().of(Tier.ROUTINE).step(1) is None
    assert staff().of(Tier.NONE) == staff().of(Tier.ROUTINE)
