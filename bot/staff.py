"""Whom of the clinic to tell, and how soon to act, as ``data/staff.yml`` states it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

from bot.clinic import Clinic
from bot.content.strict_yaml import check_keys, read_mapping, text, text_keys, texts
from bot.errors import ContentError
from bot.messages import Tier

TIERS: Final[Mapping[str, Tier]] = {
    "emergency": Tier.EMERGENCY,
    "urgent": Tier.URGENT,
    "routine": Tier.ROUTINE,
}
MAX_MINUTES: Final = 60 * 24 * 14
MAX_REPEATS: Final = 50
_ADDRESS: Final = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody, or a desk, that can be told.

    Attributes:
        webhook: Whether the team channel gets a line for this contact besides the e-mail.
    """

    id: str
    name: str
    email: str
    webhook: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to tell ``after`` so long without acknowledgement; contact ids."""

    after: timedelta
    open: tuple[str, ...]
    closed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TierPlan:
    """What a tier asks of staff.

    Attributes:
        always: Whether minutes pass day and night, not only in working hours.
        acknowledge: Time in which somebody should have seen it.
        reply: Time in which a person should have spoken with the patient.
        resolve: Time in which it should be done.
        ladder: Steps of notification, at least one, by rising time.
        repeat_every: Time between repetitions of the last step.
        repeat_times: How often it is repeated; 0: never.
    """

    always: bool
    acknowledge: timedelta
    reply: timedelta
    resolve: timedelta
    ladder: tuple[Step, ...]
    repeat_every: timedelta
    repeat_times: int

    def step(self, number: int) -> Step | None:
        """The step of this number, counted from 0; None past the end of the ladder."""
        if number < len(self.ladder):
            return self.ladder[number]
        again = number - len(self.ladder) + 1
        if again > self.repeat_times:
            return None
        last = self.ladder[-1]
        return Step(last.after + again * self.repeat_every, last.open, last.closed)

    def due(self, start: datetime, after: timedelta, clinic: Clinic) -> datetime:
        """When ``after`` has passed since ``start`` by this tier's clock; in UTC."""
        return start + after if self.always else clinic.after_working_time(start, after)


@dataclass(frozen=True, slots=True)
class StaffPlan:
    """The whole file. ``sample`` is true while the values are those shipped.

    ``missed`` are the contacts who are told when a review finds a missed escalation.
    """

    sample: bool
    contacts: Mapping[str, Contact]
    tiers: Mapping[Tier, TierPlan]
    missed: tuple[str, ...]

    def of(self, tier: int) -> TierPlan:
        """The plan of a tier; NONE, which no escalation has, counts as ROUTINE."""
        return self.tiers[Tier(max(tier, Tier.ROUTINE))]


def load_staff(path: Path) -> StaffPlan:
    """Read the staff file.

    Raises:
        ContentError: A key is unknown or missing, a contact is not known, or a value
            makes no sense. The message names file and place.
    """
    raw = read_mapping(path)
    check_keys(raw, required=("sample", "contacts", "tiers", "missed"), path=path)
    if not isinstance(raw["sample"], bool):
        raise ContentError("sample must be true or false", path=path)
    contacts = {
        name: _contact(name, value, path)
        for name, value in text_keys(raw["contacts"], "contacts", path=path).items()
    }
    tiers = text_keys(raw["tiers"], "tiers", path=path)
    check_keys(tiers, required=tuple(TIERS), path=path)
    plans = {TIERS[name]: _tier(name, tiers[name], contacts, path) for name in TIERS}
    missed = texts(raw["missed"], "missed", path=path)
    if not missed or set(missed) - set(contacts):
        raise ContentError("missed must name contacts, at least one", path=path)
    return StaffPlan(raw["sample"], contacts, plans, missed)


def _contact(name: str, value: object, path: Path) -> Contact:
    what = f"contacts.{name}"
    keys = text_keys(value, what, path=path)
    check_keys(keys, required=("name", "email"), optional=("webhook",), path=path)
    email = text(keys["email"], f"{what}.email", path=path)
    if not _ADDRESS.fullmatch(email):
        raise ContentError(f"{what}.email: {email!r} is not an e-mail address", path=path)
    webhook = keys.get("webhook", False)
    if not isinstance(webhook, bool):
        raise ContentError(f"{what}.webhook must be true or false", path=path)
    if len(name) > 64:
        raise ContentError(f"{what}: an id has at most 64 characters", path=path)
    return Contact(name, text(keys["name"], f"{what}.name", path=path), email, webhook)


def _tier(name: str, value: object, contacts: Mapping[str, Contact], path: Path) -> TierPlan:
    what = f"tiers.{name}"
    keys = text_keys(value, what, path=path)
    check_keys(keys, required=("clock", "targets", "ladder"), optional=("repeat",), path=path)
    if keys["clock"] not in ("always", "working"):
        raise ContentError(f"{what}.clock must be always or working", path=path)
    targets = text_keys(keys["targets"], f"{what}.targets", path=path)
    check_keys(targets, required=("acknowledge", "reply", "resolve"), path=path)
    repeat = text_keys(keys.get("repeat", {"every": 1, "times": 0}), f"{what}.repeat", path=path)
    check_keys(repeat, required=("every", "times"), path=path)
    return TierPlan(
        always=keys["clock"] == "always",
        ladder=_ladder(TIERS[name], keys["ladder"], f"{what}.ladder", contacts, path),
        repeat_every=_minutes(repeat["every"], f"{what}.repeat.every", path, low=1),
        repeat_times=_number(repeat["times"], f"{what}.repeat.times", path, 0, MAX_REPEATS),
        **{key: _minutes(targets[key], f"{what}.targets.{key}", path, low=1) for key in targets},
    )


def _ladder(
    tier: Tier, value: object, what: str, contacts: Mapping[str, Contact], path: Path
) -> tuple[Step, ...]:
    if not isinstance(value, list) or not value:
        raise ContentError(f"{what} must be a list of steps", path=path)
    steps = []
    for number, item in enumerate(value, start=1):
        where = f"{what} step {number}"
        keys = text_keys(item, where, path=path)
        check_keys(keys, required=("after", "open"), optional=("closed",), path=path)
        told = {
            hours: texts(keys.get(hours, []), f"{where}.{hours}", path=path)
            for hours in ("open", "closed")
        }
        for unknown in {*told["open"], *told["closed"]} - set(contacts):
            raise ContentError(f"{where}: there is no contact {unknown!r}", path=path)
        # A red flag must reach somebody at night too; an emergency at every step.
        needs_closed = tier is Tier.EMERGENCY or (tier is Tier.URGENT and number == 1)
        if not told["open"] or (needs_closed and not told["closed"]):
            raise ContentError(f"{where} would tell nobody", path=path)
        steps.append(Step(_minutes(keys["after"], f"{where}.after", path, low=0), **told))
    if steps[0].after:
        raise ContentError(f"{what}: the first step must be at once (after: 0)", path=path)
    if any(a.after >= b.after for a, b in pairwise(steps)):
        raise ContentError(f"{what}: each step must be later than the one before", path=path)
    return tuple(steps)


def _minutes(value: object, what: str, path: Path, *, low: int) -> timedelta:
    return timedelta(minutes=_number(value, what, path, low, MAX_MINUTES))


def _number(value: object, what: str, path: Path, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ContentError(f"{what} must be a whole number from {low} to {high}", path=path)
    return value
