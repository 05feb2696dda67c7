"""Reading the triage files, where a misspelt or doubled key must stop start-up."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

import yaml

from bot.errors import RuleFileError
from bot.strict_loader import StrictLoader


class Node:
    """A value of a triage file that knows where it stands, for the error message."""

    def __init__(
        self, value: object, path: Path, where: str = "", rule_id: str | None = None
    ) -> None:
        self.value = value
        self.path = path
        self.where = where
        self.rule_id = rule_id

    def error(self, detail: str) -> RuleFileError:
        """Return the error to raise about this value."""
        detail = f"{self.where}: {detail}" if self.where else detail
        return RuleFileError(self.path, detail, rule_id=self.rule_id)

    def mapping(
        self, *, required: Collection[str] = (), optional: Collection[str] | None = ()
    ) -> dict[str, Node]:
        """Return the values by key. ``optional=None`` allows any key."""
        if not isinstance(self.value, dict):
            raise self.error("must be a mapping of names to values")
        for key in self.value:
            if not isinstance(key, str):
                raise self.error(f"the key {key!r} must be text (put it in quotes)")
            if optional is not None and key not in required and key not in optional:
                raise self.error(f"unknown key {key!r}")
        for key in required:
            if key not in self.value:
                raise self.error(f"the key {key!r} is missing")
        return {key: self._child(value, key) for key, value in self.value.items()}

    def items(self) -> list[Node]:
        """Return the items of a list that is not empty."""
        if not isinstance(self.value, list) or not self.value:
            raise self.error("must be a list with at least one item")
        return [self._child(item, f"item {n}") for n, item in enumerate(self.value, start=1)]

    def text(self) -> str:
        """Return text that is not blank."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.error(f"must be text, not {self.value!r} (put it in quotes)")
        return self.value.strip()

    def texts(self) -> list[str]:
        """Return a list of text in which nothing stands twice."""
        found = [item.text() for item in self.items()]
        for number, item in enumerate(found):
            if item in found[:number]:
                raise self.error(f"{item!r} stands twice")
        return found

    def one_of(self, allowed: Collection[str]) -> str:
        """Return text that is one of ``allowed``."""
        value = self.text()
        if value not in allowed:
            raise self.error(f"must be one of {', '.join(sorted(allowed))}, not {value!r}")
        return value

    def day(self) -> date:
        """Return a date, written as 2026-11-02."""
        if type(self.value) is not date:
            raise self.error(f"must be a date such as 2026-11-02, not {self.value!r}")
        return self.value

    def _child(self, value: object, name: str) -> Node:
        where = f"{self.where}, {name}" if self.where else name
        return Node(value, self.path, where, self.rule_id)


def read_file(path: Path) -> Node:
    """Read a YAML file.

    Raises:
        RuleFileError: It is missing or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # The loader is a SafeLoader that refuses even more.
        return Node(yaml.load(text, Loader=StrictLoader), path)  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RuleFileError(path, f"cannot be read: {error}") from error
