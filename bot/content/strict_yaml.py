"""Reading the YAML that people edit, where a misspelt or doubled key must not pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import yaml

from bot.errors import ContentError
from bot.strict_loader import StrictLoader


def read_mapping(path: Path) -> dict[str, object]:
    """Read a YAML file whose top level is a mapping with text keys.

    Raises:
        ContentError: The file is missing, is not YAML, or has another shape.
    """
    try:
        # StrictLoader is a SafeLoader that also refuses keys given twice.
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=StrictLoader)  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ContentError(f"cannot be read: {error}", path=path) from error
    return text_keys(raw, "the file", path=path)


def text_keys(
    value: object, what: str, *, path: Path, answer_id: str | None = None
) -> dict[str, object]:
    """Check that ``value`` is a mapping with text keys, and return it as one."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ContentError(
            f"{what} must be a mapping of names to values", path=path, answer_id=answer_id
        )
    return dict(value)


def check_keys(
    mapping: Mapping[str, object],
    *,
    required: Collection[str],
    optional: Collection[str] = (),
    path: Path,
    answer_id: str | None = None,
) -> None:
    """Refuse a key that is missing or that nobody reads."""
    for key in mapping:
        if key not in required and key not in optional:
            raise ContentError(f"unknown key {key!r}", path=path, answer_id=answer_id)
    for key in required:
        if key not in mapping:
            raise ContentError(f"the key {key!r} is missing", path=path, answer_id=answer_id)


def text(value: object, what: str, *, path: Path, answer_id: str | None = None) -> str:
    """Return ``value`` stripped, refusing anything but text that is not blank."""
    if not isinstance(value, str):
        raise ContentError(
            f"{what} must be text, not {value!r} (put it in quotes)",
            path=path,
            answer_id=answer_id,
        )
    if not value.strip():
        raise ContentError(f"{what} is blank", path=path, answer_id=answer_id)
    return value.strip()


def texts(value: object, what: str, *, path: Path, answer_id: str | None = None) -> tuple[str, ...]:
    """Return ``value`` as a tuple, refusing anything but a list of text."""
    if not isinstance(value, list):
        raise ContentError(f"{what} must be a list", path=path, answer_id=answer_id)
    return tuple(
        text(item, f"item {number} of {what}", path=path, answer_id=answer_id)
        for number, item in enumerate(value, start=1)
    )
