"""Putting the clinic's particulars into an answer: ``Call {phone}.``"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.errors import ContentError

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace every ``{name}`` in ``text`` by ``values[name]``.

    Returns:
        Text without any brace: a patient must never read one.

    Raises:
        ContentError: A placeholder is unknown, or a brace is left over.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise ContentError(f"unknown placeholder {{{name}}}")
        return values[name]

    filled = _PLACEHOLDER.sub(value, text)
    if "{" in filled or "}" in filled:
        raise ContentError("a brace is left over after the placeholders were filled")
    return filled
