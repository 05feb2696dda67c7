"""One turn as one text message: short forms joined, counted, and the rest kept for MORE."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.replies.segments import is_gsm7, part_count, to_gsm7

MAX_PARTS: Final = 2
"""What one text message of ours may cost. Emergency wording and staff's own words may cost more."""

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_BLANK_LINES: Final = re.compile(r"\s*\n\s*")
_LONGEST_GSM7, _LONGEST_UCS2 = 240, 60
"""Characters of a sentence that is broken between words, so that any fits one message."""


@dataclass(frozen=True, slots=True)
class Said:
    """One reply of a turn.

    Attributes:
        short: What goes into the text message.
        full: The web form of an answer, which MORE sends onward; empty when the short
            form is all there is.
    """

    short: str
    full: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """The fixed lines around the replies; empty ones are left out.

    Attributes:
        notice: What a new number must be told.
        choices: Titles of the choices on offer, in their order.
        one_choice: How the only choice is introduced, with ``[title]``.
        many_choices: The line under several choices, with ``[last]`` for the last number.
        more: How to get the rest.
    """

    notice: str
    choices: Sequence[str]
    one_choice: str
    many_choices: str
    more: str


@dataclass(frozen=True, slots=True)
class TextMessage:
    """What is sent now, and what MORE sends next."""

    body: str
    rest: str


def compose(said: Sequence[Said], frame: Frame, *, urgent: bool = False) -> TextMessage:
    """Join one turn into one text message of at most `MAX_PARTS` parts.

    What does not fit is left out in whole sentences from the end of the longest answer, and
    comes first when the patient asks for the rest. Choices and the notice are never left out.

    Args:
        urgent: Emergency or urgent wording: it comes first and whole, however many parts
            it takes.
    """
    texts = [_BLANK_LINES.sub("\n", to_gsm7(each.short).strip()) for each in said]
    choices = _choices(frame)
    notice = to_gsm7(frame.notice)
    if urgent:
        return TextMessage(_joined([*texts, notice, choices]), "")
    more = to_gsm7(frame.more)
    kept = [_sentences(text) for text in texts]
    cut: list[list[str]] = [[] for _ in texts]
    full = [to_gsm7(each.full).strip() for each in said if each.full]

    def body(hint: str) -> str:
        return _joined([notice, *(" ".join(sentences) for sentences in kept), choices, hint])

    while not _fits(body(more if any(cut) else "")):
        number = _to_shorten(kept, said)
        if number is None:
            break  # what is left cannot be shortened without breaking a sentence
        cut[number].insert(0, kept[number].pop())
    left_out = [" ".join(sentences) for sentences in cut if sentences]
    rest = "\n\n".join([*left_out, *full])
    hint = more if rest and (left_out or _costs_nothing(body(""), body(more))) else ""
    # Untouched texts keep their own line breaks.
    lines = [
        " ".join(sentences) if gone else text
        for sentences, gone, text in zip(kept, cut, texts, strict=True)
    ]
    return TextMessage(_joined([notice, *lines, choices, hint]), rest)


def next_piece(rest: str, more: str) -> TextMessage:
    """The next text message of what was left, ending at a sentence."""
    pieces = _sentences(to_gsm7(rest))
    hint = to_gsm7(more)
    taken: list[str] = []
    while pieces:
        last = len(pieces) == 1
        if taken and not _fits(_joined([" ".join([*taken, pieces[0]]), "" if last else hint])):
            break
        taken.append(pieces.pop(0))
    return TextMessage(
        _joined([" ".join(taken), hint if pieces else ""]), "\n".join(pieces) if pieces else ""
    )


def _to_shorten(kept: Sequence[Sequence[str]], said: Sequence[Said]) -> int | None:
    """Which reply loses its last sentence: the longest answer, else the longest other.

    The only sentence of an answer goes last of all: MORE still gives it.
    """
    long = [n for n, sentences in enumerate(kept) if len(sentences) > 1]
    candidates = (
        [n for n in long if said[n].full]
        or long
        or [n for n, sentences in enumerate(kept) if sentences and said[n].full]
    )
    return max(candidates, key=lambda n: sum(map(len, kept[n])), default=None)


def _choices(frame: Frame) -> str:
    titles = [to_gsm7(title) for title in frame.choices]
    if not titles:
        return ""
    if len(titles) == 1:
        return to_gsm7(frame.one_choice).replace("[title]", titles[0])
    lines = [f"{number} {title}" for number, title in enumerate(titles, 1)]
    return "\n".join([*lines, to_gsm7(frame.many_choices).replace("[last]", str(len(titles)))])


def _sentences(text: str) -> list[str]:
    width = _LONGEST_GSM7 if is_gsm7(text) else _LONGEST_UCS2
    return [
        piece
        for part in _SENTENCE_END.split(text)
        if part and part.strip()
        for piece in textwrap.wrap(part.strip(), width)
    ]


def _joined(parts: Sequence[str]) -> str:
    return "\n".join(part for part in parts if part)


def _fits(text: str) -> bool:
    return not text.strip() or part_count(text) <= MAX_PARTS


def _costs_nothing(without: str, with_hint: str) -> bool:
    if not without.strip():
        return False
    return part_count(with_hint) == part_count(without) <= MAX_PARTS
